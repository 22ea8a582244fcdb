//! The JSON Schema of the published events, and reports held against it.

use std::sync::LazyLock;

use serde_json::{Value, json};

/// The schema in the repository.
pub static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../src/publish/events.schema.json")).unwrap()
});

/// The schema's definitions, none of which allows a field that it does not name.
static STRICT: LazyLock<Value> = LazyLock::new(|| {
    let mut schema = SCHEMA.clone();
    for name in ["JobResult", "Asked", "RefusedDetail"] {
        schema["$defs"][name]["additionalProperties"] = json!(false);
    }
    schema["$defs"]["ReportDetail"]["unevaluatedProperties"] = json!(false);
    schema
});

/// Panics unless the value is what the schema's definition of this name says.
pub fn assert_valid(definition: &str, value: &Value) {
    let mut schema = STRICT.clone();
    let object = schema.as_object_mut().unwrap();
    object.remove("oneOf");
    object.insert("$ref".to_owned(), json!(format!("#/$defs/{definition}")));
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "not a {definition}: {errors:?}");
}
