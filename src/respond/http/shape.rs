//! The response format of each kind of gateway.

use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE};
use aws_lambda_events::{
    alb::AlbTargetGroupResponse,
    apigw::{ApiGatewayProxyResponse, ApiGatewayV2httpResponse},
    encodings::Body,
};
use serde_json::value::{RawValue, to_raw_value};

use crate::{command::HttpForm, problem::Problem};

/// A success with this body in JSON, or a problem, in the format of its gateway.
pub(in crate::respond) fn shape(
    body: Result<String, Problem>,
    form: HttpForm,
    request_id: &str,
) -> Result<Box<RawValue>, serde_json::Error> {
    let (status, content_type, body, more) = match body {
        Ok(body) => (StatusCode::OK, "application/json", body, Vec::new()),
        Err(problem) => (
            problem.status,
            "application/problem+json",
            problem.body(request_id),
            problem.headers,
        ),
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    for (name, value) in more {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    let status_code = i64::from(status.as_u16());
    let body = Some(Body::Text(body));
    match form {
        HttpForm::V1 => {
            let mut shaped = ApiGatewayProxyResponse::default();
            shaped.status_code = status_code;
            shaped.headers = headers;
            shaped.body = body;
            to_raw_value(&shaped)
        }
        HttpForm::V2 => {
            let mut shaped = ApiGatewayV2httpResponse::default();
            shaped.status_code = status_code;
            shaped.headers = headers;
            shaped.body = body;
            to_raw_value(&shaped)
        }
        HttpForm::Alb { multi_value } => {
            let mut shaped = AlbTargetGroupResponse::default();
            shaped.status_code = status_code;
            shaped.status_description = Some(status.to_string());
            if multi_value {
                shaped.multi_value_headers = headers;
            } else {
                shaped.headers = headers;
            }
            shaped.body = body;
            to_raw_value(&shaped)
        }
    }
}
