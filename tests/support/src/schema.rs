//! The JSON Schema of the published events, and reports held against it.

use std::{collections::BTreeMap, sync::LazyLock};

use jsonschema::Validator;
use serde_json::{Value, json};

/// The schema in the repository.
pub static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../src/publish/events.schema.json")).unwrap()
});

/// What events and reports are held against, by the name of the schema's definition. None allows a field that it does not name.
static STRICT: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let mut schema = SCHEMA.clone();
    for name in ["JobResult", "Asked", "RefusedDetail"] {
        schema["$defs"][name]["additionalProperties"] = json!(false);
    }
    schema["$defs"]["ReportDetail"]["unevaluatedProperties"] = json!(false);
    schema.as_object_mut().unwrap().remove("oneOf");
    let definitions = schema["$defs"].as_object().unwrap().clone();
    let validator = |name: String| {
        schema["$ref"] = json!(format!("#/$defs/{name}"));
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        (name, validator)
    };
    definitions
        .into_iter()
        .map(|(name, _)| name)
        .map(validator)
        .collect()
});

/// Panics unless the value is what the schema's definition of this name says.
pub fn assert_valid(definition: &str, value: &Value) {
    let errors: Vec<String> = STRICT[definition]
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "not a {definition}: {errors:?}");
}
