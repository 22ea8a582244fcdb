//! HTTP requests, in all forms in which gateways pass them on.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::samples::sample;

/// A user whom a gateway has authenticated.
pub const CALLER: &str = "arn:aws:iam::123456789012:user/ann";

/// The form in which a gateway passes an HTTP request on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An API Gateway REST API, or an HTTP API with payload version 1.0.
    V1,
    /// An API Gateway HTTP API.
    V2,
    /// A Lambda function URL.
    FunctionUrl,
    /// An Application Load Balancer.
    Alb,
    /// The same whose target group has multi-value headers.
    AlbMultiValue,
}

/// Every form.
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
    /// The event.
    pub event: Value,
}

impl From<HttpEvent> for Value {
    fn from(request: HttpEvent) -> Self {
        request.event
    }
}

impl HttpEvent {
    /// The same from a user whom the gateway has authenticated by IAM.
    pub fn caller(mut self, arn: &str) -> Self {
        let context = &mut self.event["requestContext"];
        match self.form {
            Form::V1 => context["identity"]["userArn"] = json!(arn),
            Form::V2 | Form::FunctionUrl => context["authorizer"]["iam"]["userArn"] = json!(arn),
            Form::Alb | Form::AlbMultiValue => panic!("a load balancer knows no IAM users"),
        }
        self
    }

    /// The same with this body.
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

    /// The same with this header, or without it.
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

    /// The same with these query parameters, percent-encoded where the gateway does not decode them.
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
