//! An EventBridge bus in memory, behind the real SDK client: it holds calls to the documented limits, and fails as told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_eventbridge::config::{
    Region, RuntimeComponents, SharedAsyncSleep,
    http::{HttpRequest, HttpResponse},
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    },
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use batch_cancel::{batch::behavior_version, publish::Publisher};
use serde_json::{Value, json};

use crate::schema::assert_valid;

/// The name of the bus.
pub const BUS: &str = "results";

/// How one call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusFault {
    /// 400 with this error code.
    Code(&'static str),
    /// 500.
    ServerError,
    /// Each entry is refused with this code.
    Entries(&'static str),
    /// Only the first entry is refused with this code.
    FirstEntry(&'static str),
    /// The first entry is refused with the first code, the others with the second.
    FirstOf(&'static str, &'static str),
    /// Nothing is published, and the answer is 200 with this body.
    Body(&'static str),
    /// Only the first entry is published and answered for.
    AnswersOne,
    /// No answer, ever.
    Hang,
}

/// An EventBridge bus in memory.
#[derive(Clone, Debug, Default)]
pub struct Bus(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    events: Vec<Value>,
    calls: usize,
    sent: usize,
    faults: VecDeque<BusFault>,
    always: Option<BusFault>,
}

impl Bus {
    /// What publishes on the bus.
    pub fn publisher(&self) -> Publisher {
        let config = aws_sdk_eventbridge::Config::builder()
            .behavior_version(behavior_version())
            .region(Region::from_static("eu-west-1"))
            .allow_no_auth()
            .endpoint_url("http://events.test")
            .sleep_impl(SharedAsyncSleep::new(
                aws_smithy_async::rt::sleep::TokioSleep::new(),
            ))
            .http_client(self.clone())
            .build();
        Publisher::new(config, BUS)
    }

    /// The next calls fail so.
    pub fn fail_next(&self, faults: &[BusFault]) {
        self.0.lock().unwrap().faults.extend(faults);
    }

    /// All calls fail so.
    pub fn fail_always(&self, fault: BusFault) {
        self.0.lock().unwrap().always = Some(fault);
    }

    /// The entries that were accepted.
    pub fn events(&self) -> Vec<Value> {
        self.0.lock().unwrap().events.clone()
    }

    /// The details of the accepted entries of this type.
    pub fn details(&self, detail_type: &str) -> Vec<Value> {
        let events = self.events().into_iter();
        events
            .filter(|event| event["DetailType"] == detail_type)
            .map(|event| serde_json::from_str(event["Detail"].as_str().unwrap()).unwrap())
            .collect()
    }

    /// How many entries were sent and never accepted.
    pub fn lost(&self) -> usize {
        let state = self.0.lock().unwrap();
        state.sent.saturating_sub(state.events.len())
    }

    /// The number of calls, failed ones too.
    pub fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    /// The status and body of an answer, or none if there is none.
    fn answer(&self, body: &[u8]) -> Option<(u16, String)> {
        let request: Value = serde_json::from_slice(body).unwrap();
        let entries = request["Entries"].as_array().unwrap().clone();
        assert_limits(&entries);
        let mut state = self.0.lock().unwrap();
        state.calls += 1;
        state.sent += entries.len();
        let fault = state.faults.pop_front().or(state.always);
        let refused = |index: usize| match fault {
            Some(BusFault::FirstEntry(code) | BusFault::FirstOf(code, _)) if index == 0 => {
                Some(code)
            }
            Some(BusFault::Entries(code) | BusFault::FirstOf(_, code)) => Some(code),
            _ => None,
        };
        match fault {
            Some(BusFault::Code(code)) => {
                let body = json!({"__type": code, "message": "as told"});
                return Some((400, body.to_string()));
            }
            Some(BusFault::ServerError) => {
                return Some((500, json!({"__type": "InternalException"}).to_string()));
            }
            Some(BusFault::Body(body)) => return Some((200, body.to_owned())),
            Some(BusFault::Hang) => return None,
            _ => {}
        }
        let answered = match fault {
            Some(BusFault::AnswersOne) => 1,
            _ => entries.len(),
        };
        let mut results = Vec::new();
        let entries = entries.into_iter().take(answered);
        for (index, entry) in entries.enumerate() {
            if let Some(code) = refused(index) {
                results.push(json!({"ErrorCode": code, "ErrorMessage": "as told"}));
            } else {
                results.push(json!({"EventId": format!("event-{index}")}));
                state.events.push(entry);
            }
        }
        let failed = results
            .iter()
            .filter(|result| result["ErrorCode"].is_string());
        let count = failed.count();
        let body = json!({"FailedEntryCount": count, "Entries": results});
        Some((200, body.to_string()))
    }
}

/// The limits of `PutEvents`.
fn assert_limits(entries: &[Value]) {
    assert!(
        (1..=10).contains(&entries.len()),
        "{} entries",
        entries.len()
    );
    let length = |value: &Value| value.as_str().unwrap().len();
    let sizes = entries.iter().map(|entry| {
        let resources = entry["Resources"].as_array().into_iter().flatten();
        length(&entry["Source"])
            + length(&entry["DetailType"])
            + length(&entry["Detail"])
            + resources.map(length).sum::<usize>()
    });
    let total: usize = sizes.sum();
    assert!(total <= 256 * 1024, "{total} bytes in a call");
    for entry in entries {
        assert_eq!(entry["EventBusName"], BUS);
        let detail = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        let definition = match entry["DetailType"].as_str().unwrap() {
            "Batch Cancellation Report" => "ReportDetail",
            _ => "RefusedDetail",
        };
        assert_valid(definition, &detail);
        assert!(
            length(&entry["Detail"]) <= 200_000,
            "{} bytes",
            length(&entry["Detail"])
        );
    }
}

impl HttpClient for Bus {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Bus {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let bus = self.clone();
        HttpConnectorFuture::new(async move {
            let body = request.body().bytes().unwrap_or_default().to_vec();
            let Some((status, body)) = bus.answer(&body) else {
                tokio::time::sleep(Duration::from_hours(1)).await;
                return Err(ConnectorError::io("never".into()));
            };
            let response = http::Response::builder()
                .status(status)
                .body(SdkBody::from(body))
                .unwrap();
            HttpResponse::try_from(response).map_err(|e| ConnectorError::other(e.into(), None))
        })
    }
}
