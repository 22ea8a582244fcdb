//! Messages about a setting name its environment variable and the template's parameter, for whoever has only one of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The parameter of each variable, as the template says.
fn parameters() -> BTreeMap<String, String> {
    let template = fs::read_to_string(root().join("template.yaml")).unwrap();
    let lines = template.lines().filter_map(|line| {
        let (variable, parameter) = line.trim().split_once(": !Ref ")?;
        let is_variable = variable.contains('_') && variable == variable.to_uppercase();
        is_variable.then(|| (variable.to_owned(), parameter.to_owned()))
    });
    lines.collect()
}

fn sources(folder: &Path, into: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn each_parameter_that_a_message_names_is_that_of_its_variable() {
    let parameters = parameters();
    assert!(parameters.len() >= 18, "{parameters:?}");
    let mut texts = Vec::new();
    sources(&root().join("src"), &mut texts);
    let mut named = BTreeSet::new();
    for text in &texts {
        for (before, after) in text.match_indices(" (parameter ").map(|(at, found)| {
            (
                &text[..at],
                text[at + found.len()..].split(')').next().unwrap(),
            )
        }) {
            let variable = before
                .rsplit(|c: char| !(c.is_ascii_uppercase() || c == '_'))
                .next()
                .unwrap();
            assert_eq!(parameters[variable], after, "of {variable}");
            named.insert(variable.to_owned());
        }
    }
    let expected = [
        "ALLOWED_QUEUES",
        "ALLOW_TERMINATE",
        "BLOCKED_REASONS",
        "MAX_SELECTED",
        "REQUIRE_CALLER",
    ];
    assert_eq!(named, expected.map(str::to_owned).into());
}
