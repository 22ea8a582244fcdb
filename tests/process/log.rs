//! The log lines of the real binary.

use batch_emulator::{Fault, Operation};
use serde_json::{Value, json};
use support::samples::sample;

use super::start;

/// Panics unless the line is a flat JSON object with what Lambda needs to know its level. Of metrics it is the format that
/// wants objects and lists.
pub(crate) fn assert_flat(line: &Value) {
    let text = |name: &str| {
        line[name]
            .as_str()
            .unwrap_or_else(|| panic!("{name}: {line}"))
    };
    let timestamp: jiff::Timestamp = text("timestamp").parse().unwrap();
    let age = jiff::Timestamp::now().duration_since(timestamp);
    assert!(age.as_secs().abs() < 600, "{line}");
    assert!(
        ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&text("level")),
        "{line}"
    );
    assert!(!text("message").is_empty(), "{line}");
    for (name, value) in line.as_object().unwrap() {
        assert!(!name.contains('_') || name == "_aws", "{name}: {line}");
        let is_flat = !value.is_object() && !value.is_array();
        let is_known = ["counts", "_aws", "CallDuration"].contains(&name.as_str());
        assert!(is_flat || is_known, "{name}: {line}");
    }
}

/// The messages of the lines at this level, in their order.
async fn messages(level: &str) -> Vec<(String, String)> {
    let (emulator, mut process) = start(&[("LOG_LEVEL", level)]).await;
    emulator.fail_next(Operation::DescribeJobs, Fault::ServerError, 1);
    process
        .invoke(&sample("sqs-some-bad").text())
        .await
        .unwrap();
    let lines = process.terminate().await.lines();
    let mut messages = Vec::new();
    for line in lines {
        assert_flat(&line);
        assert_eq!(line["requestId"], "8f5d1c2e-0000-4000-8000-000000000001");
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        messages.push((text("level"), text("message")));
    }
    messages
}

#[tokio::test]
async fn log_level_filters_ordinary_lines_and_neither_jobs_nor_done_nor_metrics() {
    let is_ordinary =
        |(_, message): &(String, String)| !["jobs", "done", "metrics"].contains(&message.as_str());
    let mut counts = Vec::new();
    for level in ["off", "error", "WARN", "info", "debug"] {
        let messages = messages(level).await;
        for always in ["jobs", "done", "metrics"] {
            let found = messages.iter().filter(|(_, message)| message == always);
            assert_eq!(found.count(), 1, "{level}: {messages:?}");
        }
        counts.push(messages.iter().filter(|line| is_ordinary(line)).count());
    }
    let [off, error, warn, info, debug] = counts[..] else {
        panic!("{counts:?}");
    };
    assert_eq!((off, error), (0, 0));
    assert!(warn > 1 && warn <= info && info < debug, "{counts:?}");
}

#[tokio::test]
async fn lines_of_the_runtime_have_the_same_form() {
    let (_, mut process) = start(&[]).await;
    // The runtime itself rejects it.
    let answer = process.invoke("not JSON").await;
    assert!(answer.is_err());
    process
        .invoke(&json!({"jobIds": []}).to_string())
        .await
        .unwrap();
    let lines = process.terminate().await.lines();
    for line in &lines {
        assert_flat(line);
    }
    let mut errors = lines.iter().filter(|line| line["level"] == "ERROR");
    let error = errors.next().expect("an error of the runtime");
    assert!(errors.next().is_none(), "{lines:?}");
    assert_eq!(error["requestId"], "8f5d1c2e-0000-4000-8000-000000000001");
    assert!(error["error"].is_string(), "{error}");
}
