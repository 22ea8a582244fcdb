//! `CloudWatch`'s embedded metric format, as far as it is documented, and lines held against it
//! ([specification](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html)).

use std::{collections::BTreeSet, sync::LazyLock, time::SystemTime};

use jsonschema::Validator;
use serde_json::{Value, json};

/// The longest log event, in bytes.
const MAX_LINE: usize = 256 * 1024;

/// The units of a metric
/// ([API reference](https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html)).
const UNITS: &str = "^(Seconds|Microseconds|Milliseconds|(Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|Bits|Kilobits|\
    Megabits|Gigabits|Terabits)(/Second)?|Percent|Count(/Second)?|None)$";

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let name = |most: usize| json!({"type": "string", "minLength": 1, "maxLength": most});
    let units = UNITS.replace(char::is_whitespace, "");
    let metric = json!({
        "type": "object",
        "required": ["Name"],
        "properties": {
            "Name": name(1024),
            "Unit": {"type": "string", "pattern": units},
            "StorageResolution": {"enum": [1, 60]},
        },
    });
    let dimensions = json!({"type": "array", "minItems": 1, "maxItems": 30, "items": name(250)});
    let directive = json!({
        "type": "object",
        "required": ["Namespace", "Dimensions", "Metrics"],
        "properties": {
            "Namespace": {"type": "string", "pattern": "^[a-zA-Z0-9._#:/-]{1,1024}$"},
            "Dimensions": {"type": "array", "minItems": 1, "items": dimensions},
            "Metrics": {"type": "array", "minItems": 1, "maxItems": 100, "items": metric},
        },
    });
    let schema = json!({
        "type": "object",
        "required": ["_aws"],
        "properties": {"_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer", "minimum": 0},
                "CloudWatchMetrics": {"type": "array", "minItems": 1, "items": directive},
            },
        }},
    });
    jsonschema::draft202012::new(&schema).unwrap()
});

/// Panics unless `CloudWatch` takes every metric of the line: the schema holds, each name of a metric or dimension has its
/// value beside `_aws`, and the time is now, in milliseconds.
pub fn assert_valid(line: &Value) {
    let errors: Vec<String> = SCHEMA.iter_errors(line).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}: {line}");
    assert!(line.to_string().len() <= MAX_LINE);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = u64::try_from(now.unwrap().as_millis()).unwrap();
    let time = line["_aws"]["Timestamp"].as_u64().unwrap();
    assert!(now.abs_diff(time) < 600_000, "{line}");
    let mut known = BTreeSet::new();
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        for dimension in directive["Dimensions"].as_array().unwrap() {
            for name in dimension.as_array().unwrap() {
                let name = name.as_str().unwrap();
                let value = line[name].as_str();
                let value = value.unwrap_or_else(|| panic!("{name} is no string: {line}"));
                assert!((1..=1024).contains(&value.len()), "{name}: {line}");
            }
        }
        for metric in directive["Metrics"].as_array().unwrap() {
            let name = metric["Name"].as_str().unwrap();
            assert!(known.insert(name), "{name} twice: {line}");
            let is_valid = match &line[name] {
                Value::Array(values) => {
                    (1..=100).contains(&values.len()) && values.iter().all(Value::is_number)
                }
                value => value.is_number(),
            };
            assert!(is_valid, "{name}: {line}");
        }
    }
}

/// The names of the metrics of a line.
pub fn names(line: &Value) -> BTreeSet<String> {
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
    let metrics = directives
        .iter()
        .flat_map(|d| d["Metrics"].as_array().unwrap());
    metrics
        .map(|metric| metric["Name"].as_str().unwrap().to_owned())
        .collect()
}
