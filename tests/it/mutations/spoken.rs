//! Options as people spell and misplace them: in each object of each sample in which an option may be meant, one more field,
//! at random but the same in each run. A request that was for real is so no more: it is refused, or a dry run.

use std::collections::BTreeSet;

use batch_cancel::{
    command::{Command, Message},
    config::Config,
    event::{Scope, decode},
    request::OwnRegion,
};
use fastrand::Rng;
use jiff::Timestamp;
use serde_json::value::RawValue;
use support::FUNCTION_ARN;

use super::{Samples, count, tree::Tree};

/// How many fields are added to each sample, one at a time, unless `MUTATIONS` says more.
const PER_SAMPLE: u64 = 120;

/// The options of a request. Half of the fields mean `dryRun`.
const OPTIONS: [&str; 6] = [
    "maxJobs",
    "terminate",
    "waitSeconds",
    "failOnIncomplete",
    "jobIds",
    "reason",
];

/// The conditions of a selection, which stand nowhere else.
const CONDITIONS: [&str; 6] = [
    "jobName",
    "olderThan",
    "runningFor",
    "statuses",
    "shareIdentifier",
    "arrayJobId",
];

/// A value that means what the option says.
const VALUES: [&str; 9] = [
    "true",
    "\"true\"",
    "\"TRUE\"",
    "1",
    "\"yes\"",
    "[true]",
    "{\"dryRun\":true}",
    "\"{\\\"dryRun\\\":true}\"",
    "\"dryRun=true\"",
];

/// Where an option means nothing: AWS's own fields, which nobody writes by hand, tags, which have any name, and a saved panel, which
/// is refused where it is shown.
const NO_PLACES: [&str; 15] = [
    "/detail of AWS",
    "/alarmData",
    "/Trigger",
    "/AlarmContributorAttributes",
    "/attributes",
    "/messageAttributes",
    "/MessageAttributes",
    "/headers",
    "/multiValueHeaders",
    "/pathParameters",
    "/requestContext",
    "/widgetContext/timeRange",
    "/widgetContext/timezone",
    "/widgetContext/params/panel",
    "/select/tags",
];

/// Others, in whose objects an option does have a place.
const NO_PLACE_ITSELF: [&str; 2] = ["/widgetContext", "/widgetContext/forms"];

fn is_place(path: &str) -> bool {
    !NO_PLACES.iter().any(|place| path.contains(place)) && !NO_PLACE_ITSELF.contains(&path)
}

/// The words of a name in camel case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        if letter.is_uppercase() {
            words.push(String::new());
        }
        words.last_mut().unwrap().push(letter.to_ascii_lowercase());
    }
    words
}

/// Every spelling of an option but the right one.
fn spellings(name: &str) -> Vec<String> {
    let words = words(name);
    let capital = |word: &String| word[..1].to_uppercase() + &word[1..];
    let capitals: Vec<String> = words.iter().map(capital).collect();
    let mut all = vec![name.to_uppercase(), name.to_lowercase()];
    for between in ["", "_", "-", " ", "."] {
        let joined = words.join(between);
        all.extend([joined.to_uppercase(), joined, capitals.join(between)]);
    }
    let around = ["s", "2", " ", "[]"].map(|after| format!("{name}{after}"));
    all.extend(around);
    all.extend([" ", "-", "--", "_"].map(|before| format!("{before}{name}")));
    let all: BTreeSet<String> = all.into_iter().filter(|other| other != name).collect();
    all.into_iter().collect()
}

fn is_from_aws(event: &Tree) -> bool {
    let source = event.get("source").and_then(Tree::as_text);
    source.is_some_and(|source| source.starts_with("aws."))
}

/// The number, the path and the first index of each object in an event.
fn objects(tree: &Tree) -> Vec<(usize, String, Option<usize>)> {
    fn visit(
        tree: &Tree,
        path: &str,
        record: Option<usize>,
        number: &mut usize,
        found: &mut Vec<(usize, String, Option<usize>)>,
    ) {
        if matches!(tree, Tree::Object(_)) {
            found.push((*number, path.to_owned(), record));
        }
        *number += 1;
        for (index, child) in tree.children().into_iter().enumerate() {
            let (step, record) = match tree {
                Tree::Object(fields) => match fields[index].0.as_str() {
                    "detail" if is_from_aws(tree) => ("detail of AWS", record),
                    name => (name, record),
                },
                Tree::Array(_) => ("*", record.or(Some(index))),
                _ => ("text", record),
            };
            visit(child, &format!("{path}/{step}"), record, number, found);
        }
    }
    let mut found = Vec::new();
    visit(tree, "", None, &mut 0, &mut found);
    found
}

/// Which messages of an event are requests for real.
fn real(event: &Tree, scope: &Scope<'_>) -> Vec<bool> {
    let event = RawValue::from_string(event.to_string()).unwrap();
    let is_real = |message: &Message| {
        let request = message.request.as_ref();
        request.is_ok_and(|request| !request.dry_run)
    };
    match decode(&event, scope).map(|event| event.command) {
        Ok(Command::Cancel { messages, .. }) => messages.iter().map(is_real).collect(),
        _ => Vec::new(),
    }
}

/// The event with an option more in the object of this number or in the query beside it, once or twice.
fn with_option(event: &Tree, number: usize, path: &str, random: &mut Rng) -> (String, Tree) {
    let mut event = event.clone();
    let option = match random.u8(..4) {
        0 | 1 => "dryRun",
        2 if path.ends_with("/select") => random.choice(CONDITIONS).unwrap(),
        _ => random.choice(OPTIONS).unwrap(),
    };
    let mut names = spellings(option);
    if option == "dryRun" {
        names.push(option.to_owned());
    }
    let name = random.choice(names).unwrap();
    let value = Tree::raw(random.choice(VALUES).unwrap());
    let Some(Tree::Object(fields)) = event.node_mut(number) else {
        unreachable!("an object");
    };
    let query = fields.iter_mut().find(|(name, _)| name == "rawQueryString");
    if let Some((_, Tree::Text(query))) = query
        && random.bool()
    {
        *query = format!("{query}&{}=true", name.replace(' ', "+"));
        return (format!("{name} in the query"), event);
    }
    if option == "dryRun" && random.u8(..4) == 0 {
        let off = (option.to_owned(), Tree::raw("false"));
        fields.insert(random.usize(..=fields.len()), off);
    }
    let at = random.usize(..=fields.len());
    fields.insert(at, (name.clone(), value));
    (name, event)
}

#[test]
fn option_in_another_spelling_never_acts_in_any_place_of_any_event() {
    let settings = |name: &str| match name {
        "ALLOW_TERMINATE" | "ALARM_DESCRIPTIONS" => Some("true".to_owned()),
        "REQUIRE_CALLER" => Some("false".to_owned()),
        _ => None,
    };
    let config = Config::from_lookup(settings).unwrap();
    let scope = Scope {
        config: &config,
        own_region: &OwnRegion::from_function_arn(FUNCTION_ARN),
        now: Timestamp::UNIX_EPOCH,
    };
    let samples = Samples::read();
    let each = PER_SAMPLE.max(count() / samples.trees.len() as u64);
    let mut acting = BTreeSet::new();
    let (mut tried, mut acted) = (0, 0);
    for (name, event) in samples.names.iter().zip(&samples.trees) {
        let before = real(event, &scope);
        acted += usize::from(before.contains(&true));
        let mut places = objects(event);
        places.retain(|(_, path, _)| is_place(path));
        // What is in one record says nothing of the others.
        places.retain(|(_, _, record)| match record {
            Some(record) if before.len() > 1 => before.get(*record) == Some(&true),
            _ => true,
        });
        for case in (0..each).filter(|_| !places.is_empty()) {
            let random = &mut Rng::with_seed(case);
            let (number, path, record) = &places[usize::try_from(case).unwrap() % places.len()];
            let (field, event) = with_option(event, *number, path, random);
            let after = real(&event, &scope);
            tried += 1;
            let acts = match record {
                Some(record) if before.len() > 1 => after.get(*record) == Some(&true),
                _ => after.contains(&true),
            };
            if acts {
                acting.insert((path.clone(), name.clone(), field));
            }
        }
    }
    println!("{tried} options in other spellings");
    assert!(acting.is_empty(), "{acting:#?}");
    assert!(acted > 50, "{acted} samples act at all");
}
