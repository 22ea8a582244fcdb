//! A request in our own schema: a direct invocation, `EventBridge` Scheduler, a Step Functions task or Distributed Map.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{RawObject, Scope};
use crate::{
    command::NoRequest,
    request::{Request, RequestError, TARGET_FIELDS, from_json, is_field, is_spelling_of, refuse},
};

/// The column of a row that names a job.
const JOB_ID: &str = "jobId";

/// Recognised by a field that names jobs, in any spelling. A misspelt field is then an error about the field, not an
/// unsupported event.
pub(super) fn matches(object: &RawObject<'_>) -> bool {
    let is_target = |name: &str| {
        TARGET_FIELDS
            .iter()
            .any(|field| is_spelling_of(field, name))
    };
    let names_jobs = object.names().any(is_target);
    let only_options = object.names().next().is_some() && object.names().all(is_field);
    names_jobs || only_options || is_map_batch(object)
}

/// A batch of a Step Functions Distributed Map.
fn is_map_batch(object: &RawObject<'_>) -> bool {
    object.has("Items")
}

pub(super) fn decode(object: &RawObject<'_>, scope: &Scope<'_>) -> Result<Request, NoRequest> {
    Ok(if is_map_batch(object) {
        // Options in an object of another name, such as Input or options, must not be lost either.
        let holds_option = |name: &str| {
            let inner = object.object(name).filter(|_| name != "BatchInput");
            inner.is_some_and(|inner| inner.names().any(is_field))
        };
        let option = |name: &&str| is_field(name) || is_misspelt_input(name) || holds_option(name);
        if let Some(option) = object.names().find(option) {
            return Err(misplaced(option).into());
        }
        decode_map_batch(object, scope)?
    } else {
        Request::from_fields(object.deserializer(), scope.own_region)?
    })
}

/// Distributed Map sends the input of its `ItemBatcher`, and the items.
#[derive(Deserialize)]
struct MapBatch<'a> {
    #[serde(rename = "BatchInput", borrow)]
    batch_input: Option<&'a RawValue>,
    #[serde(rename = "Items", borrow)]
    items: Vec<&'a RawValue>,
}

fn decode_map_batch(object: &RawObject<'_>, scope: &Scope<'_>) -> Result<Request, RequestError> {
    let batch: MapBatch<'_> = object.decode()?;
    let ids = batch
        .items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            item_id(item.get()).map_err(|error| error.within(&format!("Items[{index}]")))
        })
        .collect::<Result<Vec<String>, RequestError>>()?;
    let options = batch.batch_input.map_or("{}", RawValue::get);
    Request::for_ids_with_options(ids, options, scope.own_region)
        .map_err(|error| error.within("BatchInput"))
}

fn is_misspelt_input(name: &str) -> bool {
    name != "BatchInput" && is_spelling_of("BatchInput", name)
}

fn misplaced(option: &str) -> RequestError {
    let why = "options belong in BatchInput, and apply to all items";
    RequestError::new(option, why)
}

/// An item is an id, or a row of a table with a column `jobId`. Other columns are ignored, unless they look like fields of a
/// request: options apply to a whole batch only, and a second column of ids would be lost.
fn item_id(item: &str) -> Result<String, RequestError> {
    let Some(row) = RawObject::read(item) else {
        return from_json(item);
    };
    let is_other = |name: &&str| *name != JOB_ID && is_field(name) && row.has(name);
    match row.names().find(is_other) {
        Some(ids) if is_spelling_of(JOB_ID, ids) => refuse(ids, "expected the job's id in jobId"),
        Some(option) => Err(misplaced(option)),
        None => row
            .text(JOB_ID)
            .ok_or_else(|| RequestError::new(JOB_ID, "expected a string")),
    }
}
