//! The envelopes in which events come, around any message.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::samples::sample;

/// The event that a standard queue leads to.
pub fn sqs(bodies: &[String]) -> Value {
    json!({"Records": sqs_records(bodies)})
}

/// The event that a pipe from a standard queue leads to.
pub fn pipes(bodies: &[String]) -> Value {
    json!(sqs_records(bodies))
}

fn sqs_records(bodies: &[String]) -> Vec<Value> {
    let record = &sample("sqs-two-jobs").json()["Records"][0];
    let mut records = Vec::new();
    for (index, body) in bodies.iter().enumerate() {
        let mut record = record.clone();
        record["messageId"] = json!(message_id(index));
        record["body"] = json!(body);
        records.push(record);
    }
    records
}

fn message_id(index: usize) -> String {
    format!("message-{index}")
}

/// The event that a FIFO queue leads to, of messages in groups.
pub fn fifo(messages: &[(&str, String)]) -> Value {
    let bodies: Vec<String> = messages.iter().map(|(_, body)| body.clone()).collect();
    let mut records = sqs_records(&bodies);
    for (record, (group, _)) in records.iter_mut().zip(messages) {
        record["attributes"]["MessageGroupId"] = json!(group);
        record["eventSourceARN"] = json!("arn:aws:sqs:eu-west-1:123456789012:requests.fifo");
    }
    json!({"Records": records})
}

/// The answer that brings the messages at these places back.
pub fn failures(places: &[usize]) -> Value {
    let failed: Vec<Value> = places
        .iter()
        .map(|&index| json!({"itemIdentifier": message_id(index)}))
        .collect();
    json!({"batchItemFailures": failed})
}

/// The event that a topic leads to.
pub fn sns(message: &str) -> Value {
    let mut event = sample("sns-request").json();
    event["Records"][0]["Sns"]["Message"] = json!(message);
    event
}

/// What a topic without raw delivery puts into a queue.
pub fn notification(message: &str) -> String {
    let body = sample("sqs-sns-request").json()["Records"][0]["body"].clone();
    let mut notification: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
    notification["Message"] = json!(message);
    notification.to_string()
}

/// An event of our own on a bus.
pub fn eventbridge(request: &Value) -> Value {
    let mut event = sample("eventbridge-custom").json();
    event["detail"] = request.clone();
    event
}

/// In which form a gateway passes an HTTP request on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    V1,
    V2,
    FunctionUrl,
    Alb,
    AlbMultiValue,
}

pub const FORMS: [Form; 5] = [
    Form::V1,
    Form::V2,
    Form::FunctionUrl,
    Form::Alb,
    Form::AlbMultiValue,
];

impl Form {
    /// The sample of a request without a caller.
    pub fn anonymous(self) -> Value {
        sample(match self {
            Self::V1 => "http-v1-api-key-only",
            Self::V2 => "http-v2-anonymous",
            Self::FunctionUrl => "http-function-url-anonymous",
            Self::Alb => "http-alb-post",
            Self::AlbMultiValue => "http-alb-multi-value-post",
        })
        .json()
    }

    /// A request without a caller.
    pub fn request(self, method: &str, path: &str) -> HttpEvent {
        let mut event = self.anonymous();
        match self {
            Self::V1 | Self::Alb | Self::AlbMultiValue => {
                event["httpMethod"] = json!(method);
                event["path"] = json!(path);
            }
            Self::V2 | Self::FunctionUrl => {
                event["requestContext"]["http"]["method"] = json!(method);
                event["requestContext"]["http"]["path"] = json!(path);
                event["rawPath"] = json!(path);
            }
        }
        event["body"] = Value::Null;
        HttpEvent { form: self, event }
    }

    /// A request to cancel, whose body is this text.
    pub fn post(self, body: &str) -> HttpEvent {
        self.request("POST", "/cancellations").body(body)
    }
}

/// An HTTP request as a gateway passes it on.
#[derive(Clone, Debug)]
pub struct HttpEvent {
    form: Form,
    pub event: Value,
}

impl HttpEvent {
    pub fn body(mut self, body: &str) -> Self {
        self.event["body"] = json!(body);
        self
    }

    /// The same, its body in Base64.
    pub fn base64(mut self, body: &str) -> Self {
        self.event["body"] = json!(body);
        self.event["isBase64Encoded"] = json!(true);
        self
    }

    /// The same with a header in place of the one of that name, or without it.
    pub fn header(mut self, name: &str, value: Option<&str>) -> Self {
        for field in ["headers", "multiValueHeaders"] {
            let Some(headers) = self.event.get_mut(field).and_then(Value::as_object_mut) else {
                continue;
            };
            headers.retain(|header, _| !header.eq_ignore_ascii_case(name));
            if let Some(value) = value {
                let values = json!([value]);
                let single = field == "headers";
                let value = if single { json!(value) } else { values };
                headers.insert(name.to_owned(), value);
            }
        }
        self
    }

    /// The same with these parameters, encoded where the gateway leaves them so.
    pub fn query(mut self, query: &[(&str, &str)]) -> Self {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let encoded: Vec<(String, String)> = query
            .iter()
            .map(|(name, value)| (encode(name), encode(value)))
            .collect();
        match self.form {
            Form::V2 | Form::FunctionUrl => {
                let pairs: Vec<String> = encoded
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                self.event["rawQueryString"] = json!(pairs.join("&"));
            }
            Form::V1 => {
                let plain = query.iter().copied();
                self.event["queryStringParameters"] =
                    json!(plain.clone().collect::<BTreeMap<_, _>>());
                self.event["multiValueQueryStringParameters"] = multiple(plain);
            }
            Form::Alb => {
                self.event["queryStringParameters"] =
                    json!(encoded.into_iter().collect::<BTreeMap<_, _>>());
            }
            Form::AlbMultiValue => {
                let pairs = encoded.iter().map(|(name, value)| (&**name, &**value));
                self.event["multiValueQueryStringParameters"] = multiple(pairs);
            }
        }
        self
    }
}

fn multiple<'a>(query: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let mut all = Map::new();
    for (name, value) in query {
        let values = all.entry(name).or_insert_with(|| json!([]));
        values.as_array_mut().unwrap().push(json!(value));
    }
    Value::Object(all)
}
