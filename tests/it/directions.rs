//! The modules of `src` use each other in one direction only.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Which modules each module may use, from the top layer down. `lib` and `main` may use all.
const MAY_USE: [(&str, &[&str]); 25] = [
    (
        "budget",
        &["command", "publish", "respond", "session", "telemetry"],
    ),
    (
        "publish",
        &["command", "pace", "report", "results", "session", "text"],
    ),
    (
        "telemetry",
        &[
            "command", "policy", "queue", "report", "results", "session", "text",
        ],
    ),
    (
        "respond",
        &[
            "batch", "command", "problem", "queue", "report", "request", "results", "text",
        ],
    ),
    (
        "intake",
        &[
            "command", "jobs", "plan", "policy", "report", "request", "results", "select",
            "session", "text",
        ],
    ),
    (
        "select",
        &[
            "batch", "command", "jobs", "look", "plan", "policy", "report", "request", "session",
            "text",
        ],
    ),
    (
        "cancel",
        &[
            "batch", "jobs", "look", "pace", "plan", "policy", "report", "request", "session",
        ],
    ),
    (
        "event",
        &["command", "config", "policy", "problem", "request"],
    ),
    (
        "queue",
        &[
            "batch", "command", "look", "plan", "policy", "reasons", "report", "request",
            "session", "text",
        ],
    ),
    (
        "look",
        &["batch", "pace", "plan", "policy", "request", "session"],
    ),
    ("jobs", &["batch", "plan", "report", "request", "text"]),
    ("config", &["policy", "request"]),
    ("session", &["batch", "pace", "policy", "request", "text"]),
    (
        "plan",
        &["batch", "policy", "reasons", "report", "request", "text"],
    ),
    ("results", &["command", "report", "request"]),
    ("command", &["policy", "problem", "request", "text"]),
    ("policy", &["request"]),
    ("batch", &["request", "text"]),
    ("report", &["request"]),
    ("pace", &[]),
    ("reasons", &[]),
    ("problem", &["request", "text"]),
    ("request", &["text"]),
    ("text", &[]),
    ("lib", &[]),
];

/// The most layers that the modules form, `lib` included.
const MOST_LAYERS: usize = 9;

/// A `use` of another module: the file, and the module that it uses.
type Arrow = (PathBuf, String);

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("tests") || path.ends_with("tests.rs") {
            continue;
        }
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The module that a file belongs to: its folder in `src`, or its own name.
fn module(file: &Path) -> String {
    let first = file.components().next().unwrap();
    let name = first.as_os_str().to_str().unwrap();
    name.strip_suffix(".rs").unwrap_or(name).to_owned()
}

/// The modules in `crate::…` paths of a text, in `use` lines and elsewhere, its tests left out.
fn used_modules(text: &str) -> BTreeSet<String> {
    used_by("crate::", text)
}

/// The modules in paths of a text that begin like this.
fn used_by(prefix: &str, text: &str) -> BTreeSet<String> {
    let text = text.split("#[cfg(test)]").next().unwrap();
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code: String = code.collect();
    let mut used = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let word = |text: &str| -> String {
            let is_name = |c: &char| c.is_ascii_lowercase() || *c == '_';
            text.trim_start().chars().take_while(is_name).collect()
        };
        let Some(list) = rest.strip_prefix('{') else {
            used.insert(word(rest));
            continue;
        };
        let mut depth = 0_i32;
        let end = list.find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth < 0
        });
        let mut depth = 0_i32;
        let top = list[..end.unwrap()].split_inclusive([',', '{', '}']);
        for part in top {
            if depth == 0 {
                used.insert(word(part));
            }
            depth += i32::from(part.ends_with('{')) - i32::from(part.ends_with('}'));
        }
    }
    used.remove("");
    used
}

fn arrows() -> Vec<Arrow> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&folder, &mut files);
    assert!(files.len() > 50, "only {} files found", files.len());
    let mut arrows = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(&folder).unwrap().to_owned();
        for used in used_modules(&text) {
            if used != module(&name) {
                arrows.push((name.clone(), used));
            }
        }
    }
    arrows
}

#[test]
fn modules_use_each_other_only_downwards() {
    let may_use: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    let mut used: BTreeSet<(String, String)> = BTreeSet::new();
    for (file, other) in arrows() {
        let module = module(&file);
        if ["lib", "main"].contains(&module.as_str()) {
            continue;
        }
        let allowed = may_use.get(module.as_str()).copied().unwrap_or_default();
        assert!(
            allowed.contains(&other.as_str()),
            "src/{} uses {other}, which {module} may not use: it may use {allowed:?}",
            file.display()
        );
        used.insert((module, other));
    }
    for (module, others) in MAY_USE {
        for other in others {
            let arrow = (module.to_owned(), (*other).to_owned());
            assert!(
                used.contains(&arrow),
                "{module} does not use {other} any more"
            );
        }
    }
}

#[test]
fn modules_form_few_layers_and_no_circle() {
    let mut layers: BTreeMap<&str, usize> = BTreeMap::new();
    while layers.len() < MAY_USE.len() {
        let known = layers.len();
        for (module, others) in MAY_USE {
            let below = others.iter().map(|other| layers.get(other).copied());
            if let Some(below) = below.collect::<Option<Vec<usize>>>() {
                layers.insert(module, 1 + below.into_iter().max().unwrap_or(0));
            }
        }
        let left = MAY_USE
            .iter()
            .filter(|(module, _)| !layers.contains_key(module));
        let left: Vec<&str> = left.map(|(module, _)| *module).collect();
        assert!(layers.len() > known, "a circle among {left:?}");
    }
    let highest = layers.values().max().unwrap() + 1;
    assert!(highest <= MOST_LAYERS, "{highest} layers: {layers:?}");
}

#[test]
fn each_sdk_is_named_by_one_module() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&folder, &mut files);
    for (krate, only) in [
        ("aws_sdk_batch", "batch"),
        ("aws_config", "main"),
        ("aws_sdk_eventbridge", "publish"),
        ("aws_lambda_events", "respond"),
    ] {
        let prefix = format!("{krate}::");
        let names_it = |line: &str| !line.trim_start().starts_with("//") && line.contains(&prefix);
        let naming = files.iter().filter(|file| {
            let text = fs::read_to_string(file).unwrap();
            text.lines().any(names_it)
        });
        let modules = naming.map(|file| module(file.strip_prefix(&folder).unwrap()));
        let modules: BTreeSet<String> = modules.collect();
        assert_eq!(modules, [only.to_owned()].into(), "{krate}");
    }
}

/// The files of one folder, and which of the others each uses.
fn within(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let entries = fs::read_dir(folder).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let texts: BTreeMap<String, String> = files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    let uses = texts.iter().map(|(name, text)| {
        let mut used = used_by("super::", text);
        used.retain(|other| other != name && texts.contains_key(other));
        (name.clone(), used)
    });
    uses.collect()
}

#[test]
fn files_of_a_folder_form_no_circle() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    let folders: BTreeSet<&Path> = files.iter().filter_map(|file| file.parent()).collect();
    let mut circles = Vec::new();
    for folder in folders.into_iter().filter(|folder| **folder != source) {
        let mut left = within(folder);
        loop {
            let free = |(_, used): (&String, &BTreeSet<String>)| {
                used.iter().all(|other| !left.contains_key(other))
            };
            let Some(next) = left.iter().find(|(name, used)| free((name, used))) else {
                break;
            };
            let next = next.0.clone();
            left.remove(&next);
        }
        if !left.is_empty() {
            circles.push((folder.to_owned(), left));
        }
    }
    assert!(circles.is_empty(), "{circles:#?}");
}
