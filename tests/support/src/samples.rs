//! The sample events of `events/`, the demo account that they are for, and the result of an event.

use std::{fs, path::Path, sync::LazyLock, time::Duration};

use batch_emulator::{Emulator, Seed, demo};
use serde_json::{Value, json};

use crate::Failed;

/// A RUNNABLE job, the oldest, which blocks its queue by its own fault.
pub const RUNNABLE: &str = "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01";
/// A RUNNING job.
pub const RUNNING: &str = "2b9d4e63-7e3f-4a7c-8b64-1b8e4d2cae02";
/// A SUBMITTED job.
pub const SUBMITTED: &str = "3cae5f74-8f40-4b8d-9c75-2c9f5e3dbf03";
/// A SUCCEEDED job.
pub const SUCCEEDED: &str = "4dbf6085-9051-4c9e-8d86-3da06f4ec004";
/// A RUNNABLE job with the protect tag.
pub const PROTECTED: &str = "5ec07196-a162-4daf-9e97-4eb1705fd105";
/// A RUNNABLE service job, which blocks its queue.
pub const SERVICE: &str = "6fd182a7-b273-4eb0-8fa8-5fc281610e06";
/// An array job of eight children: the first is RUNNABLE, the second RUNNING, the third SUCCEEDED, the fourth RUNNABLE.
pub const ARRAY: &str = "70e293b8-c384-4fc1-90b9-60d392721f07";

/// A job that was cancelled before.
const CANCELLED: &str = "92a4b5da-e5a6-40e3-92db-82e5b4943109";

/// The queue of all of them but the service job.
pub const QUEUE: &str = "demo-queue";
/// The queue of the service job.
pub const SERVICE_QUEUE: &str = "demo-service-queue";

/// 2026-11-22T05:00:00Z: the time of the demo account, three hours after that of the sample events.
const NOW: Duration = Duration::from_hours(498_701);

/// Read once, since some tests make the account thousands of times.
static DEMO: LazyLock<Seed> = LazyLock::new(demo::seed);

/// An event of `events/`. The answer to it, the calls and the jobs that it ends are in `tests/it/snapshots`.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The file's name without `.json`.
    pub name: String,
}

impl Sample {
    /// The text of the file.
    pub fn text(&self) -> String {
        let path = folder().join(format!("{}.json", self.name));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The event.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// The source of the event, which is the first word of the name.
    pub fn source(&self) -> &str {
        self.name.split('-').next().unwrap()
    }

    /// The function's settings that the event needs.
    pub fn settings(&self) -> &'static [(&'static str, &'static str)] {
        demo::settings(&self.name)
    }
}

/// The demo account at a fixed time.
pub fn account() -> Emulator {
    let seed = Seed {
        now: Some(NOW),
        ..DEMO.clone()
    };
    Emulator::from_seed(seed).unwrap()
}

/// Makes the emulator the demo account at its own time, without calls yet.
pub fn set_up(emulator: &Emulator) {
    for job in emulator.jobs() {
        emulator.forget_job(&job.job_id);
    }
    let seed = &*DEMO;
    emulator.set_behaviour(seed.behaviour.clone());
    for queue in &seed.queues {
        emulator.add_queue(queue.clone());
    }
    for job in &seed.jobs {
        emulator.add_jobs(job);
    }
    emulator.forget_calls();
}

/// The result of an event as its snapshot shows it: the answer, the operations called, and the jobs that Batch has really
/// cancelled or terminated.
pub fn observed(answer: &Result<Value, Failed>, emulator: &Emulator) -> Value {
    let answer = match answer {
        Ok(answer) => readable(answer),
        Err(error) => json!({"errorType": error.error_type, "errorMessage": error.message}),
    };
    let calls = emulator.calls();
    let calls: Vec<&str> = calls.iter().map(|call| call.operation.name()).collect();
    let jobs = emulator.jobs().into_iter();
    let mut ended: Vec<String> = jobs
        .filter(|job| (job.is_cancelled || job.is_terminated) && job.job_id != CANCELLED)
        .map(|job| job.job_id)
        .collect();
    ended.sort();
    json!({"answer": answer, "calls": calls, "ended": ended})
}

/// The answer with an HTTP body as JSON, and HTML in lines. A document of `src/respond` is shown by its name.
fn readable(answer: &Value) -> Value {
    if let Some(text) = answer.as_str() {
        return if text == include_str!("../../../src/respond/widget.md") {
            json!("src/respond/widget.md")
        } else {
            lines_of_html(text)
        };
    }
    let mut answer = answer.clone();
    let queues = answer.get_mut("queues").and_then(Value::as_array_mut);
    for queue in queues.into_iter().flatten() {
        hide_age(queue.pointer_mut("/head/ageSeconds"));
    }
    if let Some(body) = answer.get("body").and_then(Value::as_str) {
        let is_document = body == include_str!("../../../src/respond/openapi.json");
        let body: Value = serde_json::from_str(body).unwrap();
        answer["body"] = if is_document {
            json!({"src/respond/openapi.json": body["openapi"]})
        } else {
            body
        };
        hide_age(answer.pointer_mut("/body/head/ageSeconds"));
    }
    answer
}

/// An age grows from day to day.
fn hide_age(age: Option<&mut Value>) {
    if let Some(age) = age {
        assert!(age.is_u64(), "{age}");
        *age = json!("(age)");
    }
}

/// Each row and paragraph as a line; ages, which grow from day to day, are left out.
fn lines_of_html(html: &str) -> Value {
    let hidden = [
        ("<style>", "</style>", "src/respond/widget/style.css"),
        ("Z\">", "</span>", "(age)"),
        ("read at ", "</span>", "(time)"),
    ];
    let mut lines = html.to_owned();
    for (before, after, instead) in hidden {
        lines = between(&lines, before, after, instead);
    }
    for tag in [
        "<p", "<div ", "<table>", "<tr", "<form ", "<ul", "<li", "<dt>",
    ] {
        lines = lines.replace(tag, &format!("\n{tag}"));
    }
    lines.lines().map(str::trim_end).collect()
}

/// The text with `instead` in place of all that stands between `before` and the next `after`.
fn between(text: &str, before: &str, after: &str, instead: &str) -> String {
    let mut parts = text.split(before);
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| {
        let (_, rest) = part.split_once(after).unwrap();
        format!("{before}{instead}{after}{rest}")
    });
    first + &rest.collect::<String>()
}

/// Every sample, by name.
pub fn all() -> Vec<Sample> {
    let files = fs::read_dir(folder()).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files
        .filter(|file| file != "README.md")
        .map(|file| {
            let name = file.strip_suffix(".json");
            name.unwrap_or_else(|| panic!("events/{file} is not a sample"))
                .to_owned()
        })
        .collect();
    names.sort();
    names.into_iter().map(|name| Sample { name }).collect()
}

/// The sample of this name.
pub fn sample(name: &str) -> Sample {
    Sample {
        name: name.to_owned(),
    }
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events"))
}
