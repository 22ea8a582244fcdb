//! The `OpenAPI` document: every status that it names for a route is reached, and every answer is as it says.

use std::collections::BTreeSet;

use batch_emulator::{Fault, ItemError, JobSpec, Operation, Status};
use serde_json::{Value, json};
use support::{
    Function,
    events::{CALLER, Form, HttpEvent},
    samples::{PROTECTED, RUNNABLE, RUNNING, sample},
};

use super::http::{Answer, open, send};

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";
const ARRAY: &str = "00000000-0000-4000-8000-0000000000aa";

fn document() -> Value {
    serde_json::from_str(include_str!("../../../src/respond/openapi.json")).unwrap()
}

/// A request, and the function that answers it.
struct Case {
    /// The operation as the document names it: method and path.
    operation: (&'static str, &'static str),
    /// The path that is asked for.
    path: String,
    function: Function,
    request: HttpEvent,
}

impl Case {
    fn new(operation: (&'static str, &'static str), path: &str) -> Self {
        let method = operation.0.to_uppercase();
        Self {
            operation,
            path: path.to_owned(),
            function: open(&[]),
            request: Form::V2.request(&method, path),
        }
    }

    fn query(mut self, query: &[(&str, &str)]) -> Self {
        self.request = self.request.query(query);
        self
    }

    fn body(mut self, body: &Value) -> Self {
        self.request = self.request.body(&body.to_string());
        self
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, Some(value));
        self
    }

    /// The same with these settings.
    fn with(mut self, settings: &[(&str, &str)]) -> Self {
        self.function = open(settings);
        self
    }

    fn failing(self, operation: Operation, fault: Fault) -> Self {
        self.function.emulator.fail_next(operation, fault, 1000);
        self
    }

    fn refusing(self, error: ItemError) -> Self {
        let mut faults = self.function.emulator.faults();
        faults.item_errors.insert(RUNNABLE.to_owned(), error);
        self.function.emulator.set_faults(faults);
        self
    }

    /// The same by a method that the path does not have.
    fn by_another_method(mut self) -> Self {
        self.request = Form::V2.request("PATCH", &self.path);
        self
    }

    /// The same without a caller where one is required.
    fn without_a_caller(mut self) -> Self {
        self.function = Function::for_sample(&sample("direct-cancel"), &[]);
        self
    }
}

const POST: (&str, &str) = ("post", "/cancellations");
const SHOW: (&str, &str) = ("get", "/jobs/{jobId}");
const DELETE: (&str, &str) = ("delete", "/jobs/{jobId}");
const QUEUE: (&str, &str) = ("get", "/queues/{queue}");
const JOBS: (&str, &str) = ("get", "/queues/{queue}/jobs");
const DOCUMENT: (&str, &str) = ("get", "/openapi.json");

fn post(body: &Value) -> Case {
    Case::new(POST, "/cancellations").body(body)
}

fn show(id: &str) -> Case {
    Case::new(SHOW, &format!("/jobs/{id}"))
}

fn delete(id: &str) -> Case {
    Case::new(DELETE, &format!("/jobs/{id}"))
}

fn queue(name: &str) -> Case {
    Case::new(QUEUE, &format!("/queues/{name}"))
}

fn jobs(name: &str) -> Case {
    Case::new(JOBS, &format!("/queues/{name}/jobs"))
}

fn own(case: Case) -> Case {
    let mut case = case.with(&[("OWNER_TAG", "owner")]);
    case.request = case.request.caller(CALLER);
    case
}

fn cases() -> Vec<Case> {
    let ids = json!({"jobIds": [RUNNABLE]});
    let select = json!({"select": {"jobQueue": "demo-queue"}});
    let large = json!({"reason": "x".repeat(1024 * 1024)});
    let other_queue = [("ALLOWED_QUEUES", "other")];
    let strict = |case: fn() -> Case| [case().without_a_caller(), case().by_another_method()];
    let mut cases = vec![
        post(&ids),
        post(&json!({"jobIds": [RUNNABLE, RUNNING, "no id", UNKNOWN], "dryRun": true})),
        post(&select),
        own(post(&ids)),
        post(&json!({"jobIds": RUNNABLE})),
        post(&json!({"select": {"jobQueue": "none"}})),
        post(&select).with(&other_queue),
        post(&select).failing(Operation::ListJobs, Fault::Denied),
        post(&large),
        post(&ids).header("content-type", "text/plain"),
        post(&select).failing(Operation::ListJobs, Fault::Throttled),
        show(RUNNABLE),
        show("no-id"),
        show(RUNNABLE).query(&[("verbose", "1")]),
        show(RUNNABLE).with(&other_queue),
        show(UNKNOWN),
        show(RUNNABLE).failing(Operation::DescribeJobs, Fault::ServerError),
        show(RUNNABLE).failing(Operation::DescribeJobs, Fault::Throttled),
        delete(RUNNABLE),
        delete(RUNNABLE).query(&[("dryRun", "true")]),
        delete("no-id"),
        delete(RUNNABLE).body(&json!({"dryRun": true})),
        delete(RUNNABLE).with(&other_queue),
        delete(PROTECTED),
        own(delete(RUNNABLE)),
        delete(UNKNOWN),
        delete(RUNNING),
        delete(RUNNABLE).refusing(ItemError::ClientException),
        delete(RUNNABLE).refusing(ItemError::ThrottlingException),
        queue("demo-queue"),
        queue("demo-service-queue"),
        queue("no.queue"),
        queue("demo-queue").with(&other_queue),
        queue("none"),
        queue("demo-queue").failing(Operation::DescribeJobQueues, Fault::ServerError),
        queue("demo-queue").failing(Operation::DescribeJobQueues, Fault::Throttled),
        jobs("demo-queue"),
        jobs("demo-queue").query(&[("limit", "1"), ("jobName", "*")]),
        jobs("demo-queue").query(&[("limit", "0")]),
        jobs("demo-queue").with(&other_queue),
        jobs("none"),
        jobs("demo-queue").failing(Operation::ListJobs, Fault::ServerError),
        jobs("demo-queue").failing(Operation::ListJobs, Fault::Throttled),
        Case::new(DOCUMENT, "/openapi.json"),
    ];
    cases.extend(strict(|| post(&json!({}))));
    cases.extend(strict(|| show(RUNNABLE)));
    cases.extend(strict(|| delete(RUNNABLE)));
    cases.extend(strict(|| queue("demo-queue")));
    cases.extend(strict(|| jobs("demo-queue")));
    cases.extend(strict(|| Case::new(DOCUMENT, "/openapi.json")));
    cases
}

/// Panics unless the document describes this answer: status, content type, headers and body.
fn assert_described(document: &Value, (method, path): (&str, &str), answer: &Answer) {
    let shown = format!("{method} {path} {}: {}", answer.status, answer.body);
    let response = &document["paths"][path][method]["responses"][answer.status.to_string()];
    assert!(response.is_object(), "not in the document: {shown}");
    let kind = answer.headers["content-type"].as_str();
    let schema = &response["content"][kind]["schema"];
    assert!(schema.is_object(), "{kind} is not in the document: {shown}");
    for name in response["headers"].as_object().into_iter().flatten() {
        let name = name.0.to_lowercase();
        assert!(answer.headers.contains_key(&name), "no {name}: {shown}");
    }
    let mut whole = schema.clone();
    whole["components"] = document["components"].clone();
    let whole = jsonschema::draft202012::new(&whole).unwrap();
    let errors: Vec<String> = whole
        .iter_errors(&answer.json())
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:?}: {shown}");
}

#[tokio::test(start_paused = true)]
async fn every_documented_status_is_reached_and_every_answer_is_as_documented() {
    let document = document();
    let mut documented = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let responses = operation.get("responses").and_then(Value::as_object);
            for status in responses.into_iter().flatten().map(|(status, _)| status) {
                documented.insert((method.clone(), path.clone(), status.clone()));
            }
        }
    }
    let mut reached = BTreeSet::new();
    for case in cases() {
        let answer = send(&case.function, case.request).await;
        assert_described(&document, case.operation, &answer);
        let (method, path) = case.operation;
        reached.insert((
            method.to_owned(),
            path.to_owned(),
            answer.status.to_string(),
        ));
    }
    assert_eq!(reached, documented);
}

#[tokio::test(start_paused = true)]
async fn a_length_of_time_is_read_as_far_as_the_document_allows_it() {
    let fields = document()["components"]["schemas"]["Select"]["properties"].take();
    assert_eq!(
        fields["olderThan"]["pattern"],
        fields["runningFor"]["pattern"]
    );
    let schema = jsonschema::draft202012::new(&fields["olderThan"]).unwrap();
    for (length, is_allowed) in [
        ("90m", true),
        ("365d", true),
        ("364d 23h", true),
        ("7999h 9999m", true),
        ("P365D", true),
        ("PT7999H", true),
        ("366d", false),
        ("365d 1h", false),
        ("9999h", false),
        ("P366D", false),
        ("PT9999H", false),
    ] {
        assert_eq!(schema.is_valid(&json!(length)), is_allowed, "{length}");
        let select = json!({"jobQueue": "demo-queue", "olderThan": length});
        let case = post(&json!({"select": select, "dryRun": true}));
        let answer = send(&case.function, case.request).await;
        let status = if is_allowed { 200 } else { 400 };
        assert_eq!(answer.status, status, "{length}: {}", answer.body);
    }
}

/// Panics unless this schema, and all in it, is of the form that makers of clients read: no `true` or `false` in the place of a
/// schema, and no choice of several beside fields, which are lost then.
fn assert_readable(schema: &Value, place: &str) {
    let Some(keywords) = schema.as_object() else {
        panic!("{place} is {schema}, not a schema that generators read");
    };
    let is_choice = |name: &&String| ["oneOf", "anyOf", "allOf"].contains(&name.as_str());
    if keywords.contains_key("properties") {
        assert_eq!(keywords.keys().find(is_choice), None, "{place}");
    }
    for (name, value) in keywords {
        let place = format!("{place}/{name}");
        match name.as_str() {
            "properties" | "dependentSchemas" => {
                for (name, value) in value.as_object().unwrap() {
                    assert_readable(value, &format!("{place}/{name}"));
                }
            }
            "oneOf" | "anyOf" | "allOf" => {
                for value in value.as_array().unwrap() {
                    assert_readable(value, &place);
                }
            }
            "items" | "not" | "if" | "then" | "else" | "propertyNames" => {
                assert_readable(value, &place);
            }
            // That no other fields are allowed is said by `false`, which all of them read.
            "additionalProperties" if *value != json!(false) => assert_readable(value, &place),
            _ => {}
        }
    }
}

#[test]
fn the_document_is_in_the_subset_that_generators_read() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        assert_readable(schema, name);
    }
    let typeless: Vec<&String> = schemas
        .iter()
        .filter(|(_, schema)| schema.get("type").is_none())
        .map(|(name, _)| name)
        .collect();
    assert_eq!(typeless, [""; 0]);
}

/// Requests, and whether the function takes them where `terminate` is allowed.
fn requests() -> Vec<(Value, bool)> {
    let select = |fields: Value| json!({"select": fields, "dryRun": true});
    let terminate = |fields: Value| json!({"select": fields, "terminate": true, "dryRun": true});
    let (queue, array) = ("demo-queue", ARRAY);
    vec![
        (json!({"jobIds": []}), true),
        (
            json!({"jobIds": [RUNNABLE], "terminate": true, "dryRun": true, "maxJobs": 1}),
            true,
        ),
        (json!({"jobId": RUNNABLE, "dryRun": true}), true),
        (json!({}), false),
        (json!({"dryRun": true}), false),
        (json!({"jobIds": [], "jobId": RUNNABLE}), false),
        (json!({"jobIds": [], "select": {"jobQueue": queue}}), false),
        (
            json!({"jobId": RUNNABLE, "select": {"jobQueue": queue}}),
            false,
        ),
        (
            json!({"jobIds": [], "jobId": RUNNABLE, "select": {"jobQueue": queue}}),
            false,
        ),
        (json!({"jobIds": [], "dryrun": true}), false),
        (json!({"jobIds": [], "reason": null}), false),
        (json!({"jobIds": [], "maxJobs": 0}), false),
        (json!({"jobIds": [], "waitSeconds": 21}), false),
        (select(json!({"jobQueue": queue})), true),
        (select(json!({"jobQueue": queue, "head": true})), true),
        (select(json!({"jobQueues": [queue, "demo-*"]})), true),
        (select(json!({"jobQueues": []})), false),
        (select(json!({"jobQueues": queue})), false),
        (select(json!({"jobQueues": vec![queue; 51]})), false),
        (
            select(json!({"jobQueues": [queue], "jobQueue": queue})),
            false,
        ),
        (
            select(json!({"jobQueues": [queue], "arrayJobId": array})),
            false,
        ),
        (select(json!({"arrayJobId": array})), true),
        (select(json!({"arrayJobId": array, "head": false})), true),
        (select(json!({})), false),
        (select(json!({"statuses": ["RUNNABLE"]})), false),
        (
            select(json!({"jobQueue": queue, "arrayJobId": array})),
            false,
        ),
        (select(json!({"arrayJobId": array, "head": true})), false),
        (
            select(json!({"jobQueue": queue, "statuses": ["RUNNING"]})),
            false,
        ),
        (
            select(json!({"jobQueue": queue, "runningFor": "1h"})),
            false,
        ),
        (select(json!({"jobQueue": queue, "statuses": []})), false),
        (select(json!({"jobQueue": queue, "jobname": "a"})), false),
        (
            terminate(json!({"jobQueue": queue, "statuses": ["STARTING", "RUNNING"]})),
            true,
        ),
        (
            terminate(json!({"jobQueue": queue, "runningFor": "1h"})),
            true,
        ),
        (
            terminate(json!({"jobQueue": queue, "runningFor": "1h", "statuses": ["RUNNING"]})),
            true,
        ),
        (
            terminate(json!({"jobQueue": queue, "runningFor": "1h", "statuses": ["STARTING"]})),
            false,
        ),
        (
            terminate(json!({"jobQueue": queue, "runningFor": "1h", "head": true})),
            false,
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_request_is_what_its_schema_says_exactly_where_the_function_takes_it() {
    let document = document();
    let mut schema = document["components"]["schemas"]["Request"].clone();
    schema["components"] = document["components"].clone();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    for (request, is_allowed) in requests() {
        assert_eq!(schema.is_valid(&request), is_allowed, "{request}");
        let case = post(&request).with(&[("ALLOW_TERMINATE", "true")]);
        let array = JobSpec::default().id(ARRAY).queue("demo-queue");
        let array = array.array(&[Status::Runnable, Status::Running]);
        case.function.emulator.add_job(array);
        let answer = send(&case.function, case.request).await;
        let status = if is_allowed { 200 } else { 400 };
        assert_eq!(answer.status, status, "{request}: {}", answer.body);
    }
}

#[test]
fn the_examples_are_what_their_schemas_say() {
    let document = document();
    let mut seen = 0;
    let mut check = |content: &Value| {
        let mut schema = content["schema"].clone();
        schema["components"] = document["components"].clone();
        let schema = jsonschema::draft202012::new(&schema).unwrap();
        for (name, example) in content["examples"].as_object().into_iter().flatten() {
            let errors: Vec<String> = schema
                .iter_errors(&example["value"])
                .map(|e| e.to_string())
                .collect();
            assert!(errors.is_empty(), "{name}: {errors:?}");
            seen += 1;
        }
    };
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            check(&operation["requestBody"]["content"]["application/json"]);
            check(&operation["responses"]["200"]["content"]["application/json"]);
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                check(parameter);
            }
        }
    }
    assert!(seen >= 5, "{seen}");
}
