//! Answers that cannot be read, and such jobs in others, which harm no other job.

use super::*;

const OTHER: &str = "2b9d4e63-7e3f-4a7c-8b64-1b8e4d2cae02";

/// Bodies without a list of jobs.
const WITHOUT_JOBS: [&str; 7] = [
    "",
    "{}",
    "null",
    "[]",
    r#"{"jobs": null}"#,
    r#"{"jobs": {}}"#,
    "<html></html>",
];

/// Fields that the reference does not know in this form, and where the error says that they are.
const BROKEN: [(&str, &str); 11] = [
    (r#""status": 1"#, "status: "),
    (r#""isCancelled": "true""#, "isCancelled: "),
    (r#""createdAt": "today""#, "createdAt: "),
    (r#""createdAt": 1.5"#, "createdAt: "),
    (r#""createdAt": 1e400"#, "createdAt: "),
    (r#""tags": []"#, "tags: "),
    (r#""tags": {"a": null}"#, "tags."),
    (r#""attempts": {}"#, "attempts: "),
    (
        r#""attempts": [{"container": 7}]"#,
        "attempts[0].container: ",
    ),
    (r#""arrayProperties": 7"#, "arrayProperties: "),
    (r#""statusReason": {}"#, "statusReason: "),
];

/// Jobs whose ids cannot be read.
const WITHOUT_ID: [&str; 7] = [
    "{}",
    "7",
    "[]",
    "null",
    r#"{"jobId": "none"}"#,
    r#"{"jobId": null}"#,
    r#"{"jobId": 7}"#,
];

#[test]
fn an_answer_that_is_cut_short_is_no_answer() {
    let body = answer(&[RECORDED]);
    for length in 0..body.len() {
        let error = read_jobs(&body.as_bytes()[..length]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoAnswer, "{length} bytes: {error}");
    }
}

#[test]
fn an_answer_without_a_list_of_jobs_is_no_answer() {
    for body in WITHOUT_JOBS {
        let error = read_jobs(body.as_bytes()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoAnswer, "{body}: {error}");
        let says_so = error.message.starts_with("Batch's answer cannot be read: ");
        assert!(says_so, "{error}");
    }
    assert_eq!(read_jobs(answer(&[]).as_bytes()), Ok(Rows::default()));
}

#[tokio::test]
async fn a_value_of_another_type_harms_its_own_job_alone() {
    let (other, endpoint) = (RECORDED.replace(ID, OTHER), Endpoint::new());
    for (field, place) in BROKEN {
        let bad = format!(r#"{{"jobId": "{ID}", {field}}}"#);
        let seen = endpoint.showing(&[&other, &bad, &other]).ours().await;
        let Described { jobs, unreadable } = seen.unwrap();
        assert_eq!(jobs.len(), 2, "{field}");
        let [(id, error)] = &unreadable[..] else {
            panic!("{field}: {unreadable:?}");
        };
        assert_eq!(id.to_string(), ID, "{field}");
        assert_eq!(error.kind, ErrorKind::Refused, "{field}: {error}");
        assert!(error.message.contains(place), "{field}: {error}");
    }
}

#[tokio::test]
async fn a_job_whose_id_cannot_be_read_is_one_of_the_missing() {
    let asked = JobId::from_batch(ID).unwrap();
    let (other, endpoint) = (RECORDED.replace(ID, OTHER), Endpoint::new());
    let shown = format!(r#"{{"jobId": "{ID}"}}"#);
    for job in WITHOUT_ID {
        let seen = endpoint.showing(&[&other, job]).ours().await.unwrap();
        assert_eq!(seen.jobs.len(), 1, "{job}");
        let error = seen.get(asked).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Refused, "{job}: {error}");
        // Once it is shown as well, the other is none that was asked for.
        let seen = endpoint.showing(&[&shown, job]).ours().await.unwrap();
        assert!(seen.get(asked).unwrap().is_some(), "{job}");
        assert_eq!(seen.unreadable, [], "{job}");
    }
}

#[test]
fn half_a_surrogate_pair_in_a_text_harms_no_other_job() {
    let job = format!(
        r#"{{"jobId": "{ID}", "statusReason": "a\ud800b", "jobName": "\"<é\n", "tags": {{"\ud800": "\udc00x"}}}}"#
    );
    let jobs = jobs_in(&answer(&[&job, RECORDED]));
    let reason = jobs[0].summary.status_reason.as_deref().unwrap();
    let is_replaced = reason.starts_with("a\u{fffd}") && reason.ends_with('b');
    assert!(is_replaced, "{reason:?}");
    assert_eq!(jobs[0].summary.job_name, "\"<é\n");
    assert!(jobs[0].tags.values().next().unwrap().ends_with('x'));
    assert_eq!(jobs[1].tags["Owner"], "alice");
}
