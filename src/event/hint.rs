//! Events that are a known mistake: what they are, and what to send in their place.

use super::{LOOKED_FOR, RawObject};
use crate::command::RequestRefused;

/// The error for an event of no known kind: what to do if it is a known mistake, and what was looked for.
pub(super) fn unsupported(hint: Option<&str>) -> RequestRefused {
    RequestRefused::UnsupportedEvent(match hint {
        Some(hint) => format!("unsupported event: {hint}; looked for: {LOOKED_FOR}"),
        None => format!("unsupported event; looked for: {LOOKED_FOR}"),
    })
}

/// What to do instead of sending this object, if it is a known mistake.
pub(super) fn of_object(object: &RawObject<'_>) -> Option<&'static str> {
    let text = |name: &str| object.text(name).unwrap_or_default();
    let (source, kind) = (text("source"), text("detail-type"));
    if kind == "Scheduled Event" && ["aws.events", "aws.scheduler"].contains(&&*source) {
        return Some(
            "a schedule without an Input, which sends nothing to act on: give the schedule an Input with the request",
        );
    }
    let is_result = source == "lambda" && kind.starts_with("Lambda Function Invocation Result");
    if is_result || (object.has("requestPayload") && object.has("requestContext")) {
        return Some("the record of a failed event: send what is in its requestPayload");
    }
    if object.has("Error") && object.has("Cause") {
        return Some(
            "the Error and Cause of a step that failed, which Catch has put in the place of the input: keep the input with \
             ResultPath, and name the jobs",
        );
    }
    if ["TaskToken", "taskToken"]
        .iter()
        .any(|name| object.has(name))
    {
        return Some(
            "a task token, which is not needed: the function answers when it is done, so call it without .waitForTaskToken \
             and send the request alone",
        );
    }
    is_ping(object, &source)
        .then_some("a ping that keeps functions warm, which is not needed: this one starts within milliseconds, so leave it out")
}

/// Whether a tool that keeps functions warm sends this.
fn is_ping(object: &RawObject<'_>, source: &str) -> bool {
    let is_name = |name: &str| {
        let names = ["warmer", "warmup", "warm", "keepWarm", "ping"];
        names.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    source.starts_with("serverless-plugin-warmup") || object.names().any(is_name)
}

/// What to do instead of sending this JSON string, if there is JSON in it.
pub(super) fn of_text(text: &str) -> Option<&'static str> {
    text.trim_start().starts_with(['{', '[']).then_some(
        "a text that was encoded twice: send the JSON that is in the string, not the string",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn known_mistakes_get_a_hint_and_others_none() {
        let token = "AAAAKgAAAAIAAAAA";
        let failed = json!({"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": {"jobIds": []}});
        for (event, hint) in [
            (
                json!({"detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}"}),
                "Input",
            ),
            (
                json!({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}),
                "Input",
            ),
            (failed.clone(), "requestPayload"),
            (
                json!({
                    "source": "lambda",
                    "detail-type": "Lambda Function Invocation Result - Failure",
                    "detail": failed,
                }),
                "requestPayload",
            ),
            (
                json!({"Error": "States.TaskFailed", "Cause": "{}"}),
                "ResultPath",
            ),
            (json!({"TaskToken": token}), "waitForTaskToken"),
            (json!({"taskToken": token, "input": {}}), "waitForTaskToken"),
            (json!({"warmer": true}), "warm"),
            (json!({"warmup": true, "concurrency": 3}), "warm"),
            (json!({"source": "serverless-plugin-warmup"}), "warm"),
        ] {
            let text = event.to_string();
            let found = of_object(&RawObject::read(&text).unwrap());
            assert!(
                found.is_some_and(|found| found.contains(hint)),
                "{event}: {found:?}"
            );
        }
        for event in [
            json!({"hello": "world"}),
            json!({"source": "aws.ec2", "detail-type": "Scheduled Event", "detail": {}}),
            json!({"Error": "States.TaskFailed"}),
            json!({"requestPayload": {}}),
        ] {
            let text = event.to_string();
            assert_eq!(of_object(&RawObject::read(&text).unwrap()), None, "{event}");
        }
        let twice = Value::from(r#"{"jobIds": []}"#);
        assert!(of_text(twice.as_str().unwrap()).is_some());
        assert_eq!(of_text("hello"), None);
    }
}
