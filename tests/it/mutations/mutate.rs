//! Mutations of an event. Each is reproducible from its seed.

use std::fmt;

use fastrand::Rng;

use super::tree::Tree;

/// Values of the wrong type, or at the limits.
const RAW: [&str; 22] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "2.0",
    "0.5",
    "-0",
    "1e2",
    "1e300",
    "20",
    "21",
    "840",
    "841",
    "18446744073709551616",
    "9007199254740993",
    "{}",
    "[]",
    "[[]]",
    "[null]",
    "{\"\":null}",
];

const TEXTS: [&str; 24] = [
    "",
    " ",
    "null",
    "true",
    "false",
    "0",
    "*",
    "**",
    "?",
    "\u{0}",
    "\u{feff}",
    "é🦀",
    "\\u0000",
    "{",
    "[",
    "{}",
    "[]",
    "\"",
    "aws:sqs",
    "aws:sns",
    "aws.batch",
    "aws.cloudwatch",
    "ALARM",
    "2025-01-01T00:00:00Z",
];

/// The fields of the request schema, and misspellings of them.
pub(crate) const FIELDS: [&str; 27] = [
    "jobIds",
    "jobId",
    "select",
    "reason",
    "terminate",
    "dryRun",
    "maxJobs",
    "waitSeconds",
    "failOnIncomplete",
    "jobQueue",
    "arrayJobId",
    "statuses",
    "jobName",
    "jobDefinition",
    "shareIdentifier",
    "olderThan",
    "runningFor",
    "watch",
    "jobQueues",
    "tags",
    "head",
    "dryrun",
    "DryRun",
    "dry_run",
    "jobid",
    "Terminate",
    "jobIDs",
];

/// A mutation that was made, and the one field that it changed, if it was one.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) how: &'static str,
    pub(crate) field: Option<String>,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.how, self.field.as_deref().unwrap_or("…"))
    }
}

/// Mutates `tree`; `others` are the events to take values from.
pub(crate) fn mutate(tree: &mut Tree, others: &[Tree], seed: u64) -> Done {
    let random = &mut Rng::with_seed(seed);
    let containers = |tree: &Tree| {
        let mut found = Vec::new();
        let mut number = 0;
        tree.walk(&mut |node| {
            let is_full = match node {
                Tree::Object(fields) => !fields.is_empty(),
                Tree::Array(items) => !items.is_empty(),
                Tree::Nested(_) => true,
                Tree::Raw(_) | Tree::Text(_) => false,
            };
            if is_full {
                found.push(number);
            }
            number += 1;
        });
        found
    };
    let Some(number) = random.choice(containers(tree)) else {
        let field = any_field(random);
        *tree = Tree::Object(vec![(field.to_owned(), any_value(others, random))]);
        return Done {
            how: "add",
            field: Some(field.to_owned()),
        };
    };
    match tree.node_mut(number) {
        Some(Tree::Object(fields)) => in_object(fields, others, random),
        Some(Tree::Array(items)) => in_array(items, others, random),
        Some(node) => in_text(node, random),
        None => unreachable!("containers are nodes"),
    }
}

fn in_object(fields: &mut Vec<(String, Tree)>, others: &[Tree], random: &mut Rng) -> Done {
    let at = random.usize(..fields.len());
    let done = |how, field: &str| Done {
        how,
        field: Some(field.to_owned()),
    };
    let name = fields[at].0.clone();
    match random.u8(..15) {
        0 => {
            fields.remove(at);
            done("drop", &name)
        }
        1 => {
            fields[at].1 = Tree::raw("null");
            done("null", &name)
        }
        2 | 3 => {
            fields[at].1 = any_value(others, random);
            done("retype", &name)
        }
        4 => {
            let value = if random.bool() {
                fields[at].1.clone()
            } else {
                any_value(others, random)
            };
            fields.insert(random.usize(..=fields.len()), (name.clone(), value));
            done("duplicate", &name)
        }
        5 => {
            random.shuffle(fields);
            done("reorder the fields beside", &name)
        }
        6 => {
            deepen(&mut fields[at].1, &name, random);
            done("deepen", &name)
        }
        7 => {
            let inner = fields.remove(at).1;
            match inner {
                Tree::Object(inner) => fields.extend(inner),
                other => fields.push((any_field(random).to_owned(), other)),
            }
            done("dissolve", &name)
        }
        8 => {
            fields[at].0 = other_spelling(&name, random);
            done("rename", &name)
        }
        9 | 10 => {
            let field = any_field(random).to_owned();
            let value = any_value(others, random);
            fields.insert(random.usize(..=fields.len()), (field.clone(), value));
            done("add", &field)
        }
        11 => {
            let field = random
                .choice(["dryRun", "terminate", "dryRun"])
                .unwrap_or("dryRun");
            let value = random.choice(["true", "true", "false"]).unwrap_or("true");
            fields.retain(|(name, _)| name != field);
            fields.push((field.to_owned(), Tree::raw(value)));
            done("set", field)
        }
        12 => {
            if let Some(Tree::Object(more)) = random.choice(others) {
                let more = more.iter().filter(|_| random.u8(..3) == 0).cloned();
                fields.extend(more.collect::<Vec<_>>());
            }
            done("mix in another event beside", &name)
        }
        13 => {
            grow(&mut fields[at].1, random);
            done("grow", &name)
        }
        _ => {
            edit(&mut fields[at].1, random);
            done("edit", &name)
        }
    }
}

fn in_array(items: &mut Vec<Tree>, others: &[Tree], random: &mut Rng) -> Done {
    let at = random.usize(..items.len());
    let done = |how| Done { how, field: None };
    match random.u8(..8) {
        0 => {
            items.remove(at);
            done("drop an item")
        }
        1 => {
            items[at] = any_value(others, random);
            done("retype an item")
        }
        2 => {
            let item = items[at].clone();
            items.insert(random.usize(..=items.len()), item);
            done("duplicate an item")
        }
        3 => {
            random.shuffle(items);
            done("reorder items")
        }
        4 => {
            deepen(&mut items[at], "item", random);
            done("deepen an item")
        }
        5 => {
            items.insert(at, any_value(others, random));
            done("add an item")
        }
        6 => {
            let item = items[at].clone();
            let most = if random.u8(..40) == 0 { 300 } else { 8 };
            items.extend(std::iter::repeat_n(item, random.usize(1..most)));
            done("grow an array")
        }
        _ => {
            edit(&mut items[at], random);
            done("edit an item")
        }
    }
}

/// Changes a string that holds JSON, perhaps so that it does not any more.
fn in_text(node: &mut Tree, random: &mut Rng) -> Done {
    let how = if random.u8(..4) == 0
        && let Tree::Nested(tree) = node
    {
        *node = if random.bool() {
            (**tree).clone()
        } else {
            Tree::Nested(Box::new(Tree::text(tree.to_string())))
        };
        "unquote or quote a nested text"
    } else {
        edit(node, random);
        "corrupt a nested text"
    };
    Done { how, field: None }
}

/// Corrupts a leaf; a container is replaced by its text.
fn edit(node: &mut Tree, random: &mut Rng) {
    match node {
        Tree::Raw(text) => {
            let number: f64 = text.parse().unwrap_or_default();
            let numbers = [
                Tree::raw(-number),
                Tree::raw(number + 1.0),
                Tree::raw(number * 1000.0),
                Tree::text(text.clone()),
                Tree::raw("true"),
                Tree::raw("false"),
            ];
            *node = random.choice(numbers).unwrap_or(Tree::raw("null"));
        }
        Tree::Text(_) | Tree::Nested(_) => {
            *node = Tree::Text(corrupt(&node.as_text().unwrap_or_default(), random));
        }
        Tree::Array(_) | Tree::Object(_) => *node = Tree::Text(node.to_string()),
    }
}

/// Cuts a text, or changes, drops, repeats or adds characters. The result is UTF-8.
pub(crate) fn corrupt(text: &str, random: &mut Rng) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let at = random.usize(..=chars.len());
    match random.u8(..9) {
        0 => chars.truncate(at),
        1 => drop(chars.drain(..at)),
        2 if at < chars.len() => drop(chars.remove(at)),
        3 if at < chars.len() => chars[at] = any_char(random),
        4 => chars.insert(at, any_char(random)),
        5 => {
            let end = random.usize(at..=chars.len()).min(at + 40);
            let piece = chars[at..end].to_vec();
            let to = random.usize(..=chars.len());
            drop(chars.splice(to..to, piece));
        }
        6 => return text.to_uppercase(),
        7 => {
            return format!(
                "{text}{}{text}",
                random.choice(["", " ", "\n", ","]).unwrap_or("")
            );
        }
        _ => {
            let around = random.choice(["\u{feff}", " \t\r\n", "\u{0}", "\u{a0}"]);
            return format!("{}{text}\n", around.unwrap_or(" "));
        }
    }
    chars.into_iter().collect()
}

fn any_char(random: &mut Rng) -> char {
    let special = [
        '"', '\\', '{', '}', '[', ']', ':', ',', '#', '0', '9', 'a', 'F', ' ', '\u{0}', 'é', '🦀',
        '\u{2028}',
    ];
    match random.u8(..3) {
        0 => random.char(..),
        _ => random.choice(special).unwrap_or(' '),
    }
}

fn grow(node: &mut Tree, random: &mut Rng) {
    let times = if random.u8(..40) == 0 {
        400
    } else {
        random.usize(2..20)
    };
    match node {
        Tree::Raw(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => *text += "000000",
        Tree::Raw(_) => {}
        Tree::Text(text) => *text = text.repeat(times),
        Tree::Nested(_) => *node = Tree::Text(format!("{}{node}", " ".repeat(times))),
        Tree::Array(items) => {
            let more = items
                .iter()
                .cycle()
                .take(items.len() * times.min(200))
                .cloned();
            *items = more.collect();
        }
        Tree::Object(fields) => {
            let more =
                (0..times.min(200)).map(|number| (format!("more{number}"), Tree::raw(number)));
            fields.extend(more.collect::<Vec<_>>());
        }
    }
}

/// Wraps a value in an array, an object, or an envelope of AWS.
fn deepen(node: &mut Tree, name: &str, random: &mut Rng) {
    let inner = node.clone();
    let field = |name: &str, value: Tree| (name.to_owned(), value);
    let text = || Tree::text(inner.as_text().unwrap_or_else(|| inner.to_string()));
    *node = match random.u8(..8) {
        0 => Tree::Array(vec![inner]),
        1 => Tree::Object(vec![field(name, inner)]),
        2 => Tree::Raw(format!("{}{inner}{}", "[".repeat(200), "]".repeat(200))),
        3 => Tree::Raw(format!(
            "{}{inner}{}",
            "{\"a\":".repeat(3000),
            "}".repeat(3000)
        )),
        4 => Tree::Object(vec![
            field("Type", Tree::text("Notification")),
            field(
                "TopicArn",
                Tree::text("arn:aws:sns:eu-west-1:123456789012:topic"),
            ),
            field("Message", text()),
        ]),
        5 => Tree::Object(vec![
            field("source", Tree::text("my.app")),
            field("detail-type", Tree::text("Cancel")),
            field("detail", inner),
        ]),
        6 => Tree::Text(text().to_string()),
        _ => Tree::Nested(Box::new(Tree::Object(vec![
            field(
                "TopicArn",
                Tree::text("arn:aws:sns:eu-west-1:123456789012:topic"),
            ),
            field("Message", text()),
        ]))),
    };
}

fn any_field(random: &mut Rng) -> &'static str {
    random.choice(FIELDS).unwrap_or("jobIds")
}

/// A value of `RAW` or `TEXTS`, or a part of another event.
fn any_value(others: &[Tree], random: &mut Rng) -> Tree {
    match random.u8(..3) {
        0 => Tree::raw(random.choice(RAW).unwrap_or("null")),
        1 => Tree::text(random.choice(TEXTS).unwrap_or_default()),
        _ => {
            let mut other = random.choice(others).cloned().unwrap_or(Tree::raw("null"));
            let number = random.usize(..other.size());
            other.node_mut(number).cloned().unwrap_or(Tree::raw("null"))
        }
    }
}

fn other_spelling(name: &str, random: &mut Rng) -> String {
    match random.u8(..5) {
        0 => name.to_lowercase(),
        1 => name.to_uppercase(),
        2 => format!("{name} "),
        3 => corrupt(name, random),
        _ => any_field(random).to_owned(),
    }
}
