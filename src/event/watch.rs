//! A watch: a direct invocation, `EventBridge` Scheduler or Step Functions asks for the state of job queues.

use serde_json::value::RawValue;

use super::RawObject;
use crate::{
    command::RequestRefused,
    request::{WATCH, WatchRequest, refuse},
};

/// Recognised by its field. In another spelling it is a misspelt request.
pub(super) fn matches(object: &RawObject<'_>) -> bool {
    object.names().any(|name| name == WATCH)
}

pub(super) fn decode(object: &RawObject<'_>) -> Result<WatchRequest, RequestRefused> {
    let given = object.names().filter(|name| *name == WATCH).count();
    if given > 1 {
        return refuse(WATCH, "given twice");
    }
    if let Some(other) = object.names().find(|name| *name != WATCH) {
        let why = "watch goes alone, without any other field";
        return refuse(other, why);
    }
    let value = object.get(WATCH).map_or("null", RawValue::get);
    WatchRequest::from_json(value).map_err(|error| error.within(WATCH).into())
}
