//! What the text of an event contains, read without the code under test: every string in it, at any depth and in any
//! encoding.

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;

use super::tree::Tree;

/// How deep strings within strings are searched.
const DEPTH: usize = 8;

/// What an event contains.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// All of its strings, decoded, in lower case.
    pub(crate) text: String,
    /// The same without the strings of dry runs.
    pub(crate) real: String,
    /// Whether something in it requests termination.
    pub(crate) terminate: bool,
}

impl Facts {
    pub(crate) fn of(text: &str) -> Self {
        let mut facts = Self::default();
        // Only the event as a whole can be an HTTP request.
        let dry = Tree::read(text).is_some_and(|tree| is_dry_http(&tree));
        facts.read_text(text, dry, 0);
        facts.text.make_ascii_lowercase();
        facts.real.make_ascii_lowercase();
        facts
    }

    /// Whether the event contains this id, or its parent's.
    pub(crate) fn names(&self, id: &str) -> bool {
        named(&self.text, id)
    }

    /// Whether it also contains the id outside of dry runs.
    pub(crate) fn names_outside_dry_runs(&self, id: &str) -> bool {
        named(&self.real, id)
    }

    /// Adds a string.
    fn add(&mut self, text: &str, dry: bool) {
        self.text += text;
        self.text.push('\n');
        if !dry {
            self.real += text;
            self.real.push('\n');
        }
    }

    fn read_text(&mut self, text: &str, dry: bool, depth: usize) {
        if depth > DEPTH {
            return;
        }
        // Some tools write a byte order mark before JSON.
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        match Tree::read(text) {
            Some(tree @ (Tree::Array(_) | Tree::Object(_))) => self.read_tree(&tree, dry, depth),
            Some(Tree::Text(inner)) => self.read_text(&inner, dry, depth + 1),
            _ => self.add(text, dry),
        }
        if text.contains('%') {
            let decoded = percent_decode_str(text).decode_utf8_lossy();
            if decoded != text {
                self.read_text(&decoded, dry, depth + 1);
            }
        }
        if let Some(decoded) = from_base64(text) {
            self.read_text(&decoded, dry, depth + 1);
        }
        self.terminate |= text.contains("terminate=true");
    }

    fn read_tree(&mut self, tree: &Tree, dry: bool, depth: usize) {
        let dry = dry || is_dry(tree);
        match tree {
            Tree::Raw(text) => self.add(text, dry),
            Tree::Text(text) => self.read_text(text, dry, depth + 1),
            Tree::Nested(tree) => self.read_tree(tree, dry, depth + 1),
            Tree::Array(items) => {
                for item in items {
                    self.read_tree(item, dry, depth);
                }
            }
            Tree::Object(fields) => {
                let from_batch = tree.get("source") == Some(&Tree::text("aws.batch"));
                for (name, value) in fields {
                    self.add(name, dry);
                    self.terminate |= name == "terminate" && value.to_string().contains("true");
                    match value {
                        // The details of AWS's own events are no requests, so dryRun has no effect in them.
                        Tree::Object(detail) if from_batch => {
                            for (_, value) in detail {
                                self.read_tree(value, dry, depth);
                            }
                        }
                        _ => self.read_tree(value, dry, depth),
                    }
                }
            }
        }
    }
}

fn named(text: &str, id: &str) -> bool {
    text.contains(id)
        || id
            .split_once(':')
            .is_some_and(|(parent, _)| text.contains(parent))
}

fn from_base64(text: &str) -> Option<String> {
    let text = text.trim();
    let long = text.len() >= 8;
    String::from_utf8(long.then(|| STANDARD.decode(text).ok()).flatten()?).ok()
}

/// Whether an object is a request, or has one beside it, with `dryRun` in any spelling and another value than false.
fn is_dry(tree: &Tree) -> bool {
    let Tree::Object(fields) = tree else {
        return false;
    };
    let is_envelope = fields.iter().any(|(name, _)| {
        let marks = [
            "requestContext",
            "Records",
            "detail-type",
            "detail",
            "source",
            "alarmData",
            "AlarmName",
            "AlarmArn",
            "TopicArn",
            "Message",
            "MessageId",
            "Signature",
            "Sns",
            "EventSource",
            "EventSubscriptionArn",
            "eventSource",
            "eventSourceARN",
            "messageId",
            "receiptHandle",
            "body",
            "awsRegion",
            "resources",
        ];
        marks.contains(&name.as_str())
    });
    let is_request = fields.iter().any(|(name, _)| {
        ["jobids", "jobid", "select", "items"].contains(&name.to_ascii_lowercase().as_str())
    });
    let options = fields.iter().filter(|(name, _)| name == "BatchInput");
    !is_envelope
        && is_request
        && (has_dry_run(tree) || options.into_iter().any(|(_, options)| has_dry_run(options)))
}

fn has_dry_run(tree: &Tree) -> bool {
    let Tree::Object(fields) = tree else {
        return false;
    };
    fields
        .iter()
        .any(|(name, value)| is_dry_run(name) && !value.is("false"))
}

fn is_dry_run(name: &str) -> bool {
    let letters = name.chars().filter(char::is_ascii_alphabetic);
    letters.collect::<String>().eq_ignore_ascii_case("dryRun")
}

/// Whether an HTTP request has `dryRun` in its query or its body.
fn is_dry_http(tree: &Tree) -> bool {
    let (Tree::Object(fields), Some(context)) = (tree, tree.get("requestContext")) else {
        return false;
    };
    let is_gateway = context.get("http").is_some() || context.get("elb").is_some();
    if !is_gateway && tree.get("httpMethod").is_none() {
        return false;
    }
    // Of a repeated field the last counts, as in most JSON parsers.
    let mut last = fields.iter().enumerate().filter(|(index, (name, _))| {
        let later = fields.iter().skip(index + 1);
        !later.into_iter().any(|(other, _)| other == name)
    });
    last.any(|(_, (name, value))| match name.as_str() {
        "rawQueryString" => value.as_text().is_some_and(|query| {
            query.split('&').any(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                is_dry_run(name) && value != "false"
            })
        }),
        "queryStringParameters" | "multiValueQueryStringParameters" => {
            let Tree::Object(parameters) = value else {
                return false;
            };
            parameters.iter().any(|(name, value)| {
                let off = ["false", "\"false\"", "[\"false\"]"];
                is_dry_run(name) && !off.contains(&value.to_string().as_str())
            })
        }
        "body" => {
            let body = value.as_text().unwrap_or_default();
            let body = from_base64(&body).unwrap_or(body);
            Tree::read(&body).is_some_and(|body| has_dry_run(&body))
        }
        _ => false,
    })
}
