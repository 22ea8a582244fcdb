//! Random answers: fields that are there or not, in any order, among others that nobody knows.

use fastrand::Rng;
use serde_json::{Map, json};

use super::*;

const TEXTS: [&str; 13] = [
    "no longer needed",
    "\"",
    "\\",
    "\n",
    "\u{0}",
    "é",
    "漢字",
    "🦀",
    "{",
    "]",
    ",",
    "",
    "{\"jobs\": []}",
];

const NAMES: [&str; 5] = ["name", "jobId", "status", "jobs", "isCancelled"];

const STATUSES: [&str; 4] = ["RUNNABLE", "FAILED", "RUNNING", "NEW_STATUS"];

/// Values as Batch may send them, or may one day.
struct Draw(Rng);

impl Draw {
    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        self.0.choice(all).unwrap()
    }

    /// Fewer than so many.
    fn several<C: FromIterator<T>, T>(
        &mut self,
        limit: u8,
        mut draw: impl FnMut(&mut Self) -> T,
    ) -> C {
        (0..self.0.u8(..limit)).map(|_| draw(self)).collect()
    }

    fn text(&mut self) -> String {
        self.several(4, |draw| draw.one_of(&TEXTS))
    }

    fn time(&mut self) -> Value {
        match self.0.u8(..6) {
            0 => json!(0),
            1 => json!(1.764e12),
            2 => json!(-1),
            _ => json!(1_764_066_311_000_i64 + self.0.i64(..3_000)),
        }
    }

    /// Something that nobody reads.
    fn anything(&mut self, depth: u8) -> Value {
        match self.0.u8(..if depth == 0 { 5 } else { 7 }) {
            0 => Value::Null,
            1 => self.0.bool().into(),
            2 => json!(self.0.i64(..)),
            3 => json!(self.0.f64() * 1e9),
            4 => self.text().into(),
            5 => self.several(4, |draw| draw.anything(depth - 1)),
            _ => self.several(4, |draw| {
                (draw.one_of(&NAMES).to_owned(), draw.anything(depth - 1))
            }),
        }
    }

    fn container(&mut self) -> Value {
        let mut container = json!({"logStreamName": self.text()});
        if self.0.bool() {
            container["exitCode"] = self.0.i32(..).into();
        }
        container
    }

    fn attempt(&mut self, is_eks: bool) -> Value {
        let mut attempt = json!({"startedAt": self.time(), "stoppedAt": self.time()});
        if self.0.bool() {
            attempt["statusReason"] = self.text().into();
        }
        if is_eks {
            attempt["containers"] = self.several(3, Self::container);
        } else {
            attempt["container"] = self.container();
        }
        attempt
    }

    fn job(&mut self) -> Value {
        let id = format!("{:08x}-6d2e-4f6b-9a53-0a7d3c1b9e01", self.0.u32(..));
        let array = json!({
            "size": self.0.i32(-1..4),
            "statusSummary": {"FAILED": self.0.i32(-1..3), "RUNNING": 2, "DREAMING": 7},
        });
        let tags: Map<String, Value> = self.several(3, |draw| (draw.text(), draw.text().into()));
        let mut fields: Vec<(&str, Value)> = vec![
            ("status", self.one_of(&STATUSES).into()),
            ("statusReason", self.text().into()),
            ("jobName", self.text().into()),
            ("jobQueue", self.text().into()),
            ("jobDefinition", "align:7".into()),
            ("shareIdentifier", self.text().into()),
            ("createdAt", self.time()),
            ("startedAt", self.time()),
            ("stoppedAt", self.time()),
            ("isCancelled", self.0.bool().into()),
            ("isTerminated", self.0.bool().into()),
            ("arrayProperties", array),
            ("tags", tags.into()),
            ("attempts", self.several(3, |draw| draw.attempt(false))),
            ("eksAttempts", self.several(3, |draw| draw.attempt(true))),
            ("newField", self.anything(5)),
            ("anotherField", self.anything(5)),
        ];
        fields.retain(|_| self.0.u8(..6) > 0);
        for (_, value) in &mut fields {
            if self.0.u8(..12) == 0 {
                *value = Value::Null;
            }
        }
        fields.push(("jobId", id.into()));
        self.0.shuffle(&mut fields);
        fields.into_iter().collect()
    }

    fn answer(&mut self) -> Value {
        let jobs: Value = self.several(4, Self::job);
        json!({"before": self.anything(3), "jobs": jobs, "nextToken": self.anything(3)})
    }
}

#[tokio::test]
async fn random_answers_are_read_as_the_sdk_reads_them() {
    let (mut draw, endpoint) = (Draw(Rng::with_seed(15)), Endpoint::new());
    let mut ran_to_end = 0;
    for _ in 0..2500 {
        let body = draw.answer().to_string();
        let seen = endpoint.answering(200, &body).ours().await;
        let Described { jobs, unreadable } = seen.unwrap_or_else(|error| panic!("{error}: {body}"));
        assert_eq!(unreadable, [], "{body}");
        ran_to_end += jobs.iter().filter(|job| job.ran_to_end.is_some()).count();
        assert_eq!(Ok(jobs), endpoint.sdk().await, "{body}");
    }
    assert!(ran_to_end > 100, "{ran_to_end}");
}
