//! Any bytes as an answer of DescribeJobs: reading ends without a panic, and what is read is what the SDK reads.

#![no_main]

use std::{cell::RefCell, sync::LazyLock};

use aws_sdk_batch::{
    Client, Config,
    config::{
        Credentials, Region,
        http::{HttpRequest, HttpResponse},
    },
};
use aws_smithy_runtime_api::{
    client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use batch_cancel::batch::{Rows, behavior_version, read_jobs};
use libfuzzer_sys::{Corpus, fuzz_target};
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static BODY: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
}

#[derive(Debug)]
struct Endpoint;

impl HttpConnector for Endpoint {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let body = BODY.with_borrow(|body| SdkBody::from(body.clone()));
        let status = StatusCode::try_from(200).expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body)))
    }
}

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let connector = SharedHttpConnector::new(Endpoint);
    let config = Config::builder()
        .behavior_version(behavior_version())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::for_tests())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    Client::from_conf(config)
});

/// Whether the first text is the second, or the beginning of it.
fn is_shown(ours: &str, theirs: &str) -> bool {
    ours == theirs || ours.strip_suffix('…').is_some_and(|start| theirs.starts_with(start))
}

fuzz_target!(|body: &[u8]| -> Corpus {
    let Ok(Rows {
        jobs, unreadable, ..
    }) = read_jobs(body) else {
        return Corpus::Keep;
    };
    // The SDK refuses the whole answer then.
    if !unreadable.is_empty() {
        return Corpus::Keep;
    }
    BODY.with_borrow_mut(|last| body.clone_into(last));
    let call = CLIENT.describe_jobs().jobs("job").send();
    // The SDK also reads what this function skips, and may refuse it.
    let Ok(answer) = RUNTIME.with(|runtime| runtime.block_on(call)) else {
        return Corpus::Keep;
    };
    let theirs = answer.jobs();
    assert_eq!(jobs.len(), theirs.len());
    for (ours, theirs) in jobs.iter().zip(theirs) {
        let summary = &ours.summary;
        assert!(theirs.job_id().is_some());
        assert!(is_shown(&summary.job_name, theirs.job_name().unwrap_or_default()));
        assert_eq!(summary.status_reason.is_some(), theirs.status_reason().is_some());
        let reason = summary.status_reason.as_deref().unwrap_or_default();
        assert!(is_shown(reason, theirs.status_reason().unwrap_or_default()));
        assert_eq!(ours.job_queue, theirs.job_queue().unwrap_or_default());
        assert_eq!(summary.is_cancelled, theirs.is_cancelled().unwrap_or_default());
        assert_eq!(summary.is_terminated, theirs.is_terminated().unwrap_or_default());
        let created_at = theirs.created_at().unwrap_or_default();
        assert!(summary.created_at.is_none_or(|time| time == created_at));
        assert_eq!(Some(&ours.tags), theirs.tags().or(Some(&Default::default())));
    }
    Corpus::Keep
});
