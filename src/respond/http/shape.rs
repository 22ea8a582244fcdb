//! The response format of each kind of gateway.

use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE};
use aws_lambda_events::{
    alb::AlbTargetGroupResponse,
    apigw::{ApiGatewayProxyResponse, ApiGatewayV2httpResponse},
    encodings::Body,
};
use serde_json::value::{RawValue, to_raw_value};

use crate::{command::HttpForm, problem::Problem};

/// An HTTP response, independent of the gateway.
#[derive(Debug)]
pub(in crate::respond) struct Response {
    pub(in crate::respond) status: StatusCode,
    content_type: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Response {
    /// A success.
    pub(in crate::respond) fn json(body: String) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: "application/json",
            headers: Vec::new(),
            body,
        }
    }

    /// A problem.
    pub(in crate::respond) fn problem(problem: Problem, request_id: &str) -> Self {
        Self {
            status: problem.status,
            content_type: "application/problem+json",
            body: problem.body(request_id),
            headers: problem.headers,
        }
    }
}

/// The response in the format of its gateway.
pub(in crate::respond) fn shape(
    response: Response,
    form: HttpForm,
) -> Result<Box<RawValue>, serde_json::Error> {
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(response.content_type),
    );
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    for (name, value) in response.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    let status_code = i64::from(response.status.as_u16());
    let body = Some(Body::Text(response.body));
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
            shaped.status_description = Some(response.status.to_string());
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
