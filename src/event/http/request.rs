//! One HTTP request type for the four forms of gateway events.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::{RawObject, caller::Caller};
use crate::{command::HttpForm, request::RequestError};

/// The parts of an HTTP request that are used.
#[derive(Debug)]
pub(super) struct HttpRequest {
    pub(super) form: HttpForm,
    pub(super) method: String,
    /// Percent-encoded or decoded: gateways differ. No id contains a percent sign, so both are read alike.
    pub(super) path: String,
    /// Decoded, in the order given.
    pub(super) query: Vec<(String, String)>,
    pub(super) content_type: Option<String>,
    pub(super) body: Result<String, &'static str>,
    /// The caller, if the gateway has authenticated one.
    pub(super) caller: Option<Caller>,
}

/// The fields with the body and the query, in any form. One of another type is an error: a `dryRun` in it must not be lost.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    body: Option<String>,
    is_base64_encoded: Option<bool>,
    raw_query_string: Option<String>,
    #[serde(borrow)]
    query_string_parameters: Option<RawObject<'a>>,
    #[serde(borrow)]
    multi_value_query_string_parameters: Option<RawObject<'a>>,
}

impl HttpRequest {
    /// Reads a request. `claim` is the claim that is a caller's name.
    pub(super) fn read(object: &RawObject<'_>, claim: &str) -> Result<Self, RequestError> {
        let missing = |field: &str| RequestError::new(field, "missing");
        let context = object
            .object("requestContext")
            .ok_or_else(|| missing("requestContext"))?;
        let payload: Payload<'_> = object.decode()?;
        let http = context.object("http").filter(|_| !context.has("elb"));
        let form = match &http {
            _ if context.has("elb") => HttpForm::Alb {
                multi_value: object.has("multiValueHeaders"),
            },
            Some(_) => HttpForm::V2,
            None => HttpForm::V1,
        };
        let (method, path, [of_method, of_path]) = match &http {
            Some(http) => (
                http.text("method"),
                object.text("rawPath").or_else(|| http.text("path")),
                ["requestContext.http.method", "rawPath"],
            ),
            None => (
                object.text("httpMethod"),
                object.text("path"),
                ["httpMethod", "path"],
            ),
        };
        let method = method.ok_or_else(|| missing(of_method))?;
        Ok(Self {
            form,
            method: method.to_ascii_uppercase(),
            path: path.ok_or_else(|| missing(of_path))?,
            query: query(&payload, form),
            content_type: header(object, "content-type"),
            body: body(payload),
            caller: Caller::read(&context, form, claim),
        })
    }
}

fn body(payload: Payload<'_>) -> Result<String, &'static str> {
    let text = payload.body.unwrap_or_default();
    if payload.is_base64_encoded != Some(true) {
        return Ok(text);
    }
    let bytes = STANDARD
        .decode(text)
        .map_err(|_| "the body is not Base64, although isBase64Encoded is true")?;
    String::from_utf8(bytes).map_err(|_| "the body is not UTF-8")
}

/// The first value of a header, whose name may be in any case.
fn header(object: &RawObject<'_>, name: &str) -> Option<String> {
    ["headers", "multiValueHeaders"].iter().find_map(|place| {
        let headers = object.object(place)?;
        let field = headers
            .names()
            .find(|field| field.eq_ignore_ascii_case(name));
        texts(&headers, field?)?.into_iter().next()
    })
}

/// The query parameters from all fields that can hold them, so that a `dryRun` in an event written by hand is never
/// overlooked. API Gateway decodes them in form 1, a load balancer does not.
fn query(payload: &Payload<'_>, form: HttpForm) -> Vec<(String, String)> {
    let raw = payload.raw_query_string.as_deref().unwrap_or_default();
    let mut pairs: Vec<(String, String)> = raw
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (form_decode(name), form_decode(value)))
        .collect();
    let decode = |text: &str| match form {
        HttpForm::Alb { .. } => form_decode(text),
        _ => text.to_owned(),
    };
    let fields = [
        &payload.multi_value_query_string_parameters,
        &payload.query_string_parameters,
    ];
    for parameters in fields.into_iter().flatten() {
        let known: BTreeSet<String> = pairs.iter().map(|(name, _)| name.clone()).collect();
        for written in parameters.names() {
            let name = decode(written);
            if known.contains(&name) {
                continue;
            }
            for value in values(parameters, written) {
                pairs.push((name.clone(), decode(&value)));
            }
        }
    }
    pairs
}

/// The values of a parameter. A value that is no text counts as an empty one: the parameter was given.
fn values(parameters: &RawObject<'_>, name: &str) -> Vec<String> {
    let values = texts(parameters, name).filter(|values| !values.is_empty());
    values.unwrap_or_else(|| vec![String::new()])
}

/// The value of a field that is a text or a list of texts.
fn texts(object: &RawObject<'_>, name: &str) -> Option<Vec<String>> {
    let several = || serde_json::from_str(object.get(name)?.get()).ok();
    let one = object.text(name).map(|value| vec![value]);
    one.or_else(several)
}

/// Decodes `application/x-www-form-urlencoded`.
fn form_decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}
