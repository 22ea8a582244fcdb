//! The event: from a file, standard input, or a bare job id.

use std::{fs, io, path::Path};

use serde_json::{
    json,
    value::{RawValue, to_raw_value},
};

use crate::{
    act::is_id,
    error::{Result, UserError},
    suggest::nearest,
};

/// Reads an event, and the name of its file without `.json`.
pub(crate) fn event(given: &str) -> Result<(Box<RawValue>, String)> {
    if is_id(given) {
        return Ok((of_ids(&[given])?, String::new()));
    }
    let text = if given == "-" {
        io::read_to_string(io::stdin()).map_err(|error| format!("standard input: {error}"))?
    } else {
        fs::read_to_string(given)
            .map_err(|error| format!("{given}: {error}{}", did_you_mean(given)))?
    };
    let name = Path::new(given).file_stem().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let ids: Vec<&str> = text.split_whitespace().collect();
    if !ids.is_empty() && ids.iter().all(|id| is_id(id)) {
        return Ok((of_ids(&ids)?, name));
    }
    let event = serde_json::from_str(&text)
        .map_err(|error| UserError::new(format!("{given} is not JSON: {error}")))?;
    Ok((event, name))
}

fn of_ids(ids: &[&str]) -> Result<Box<RawValue>> {
    to_raw_value(&json!({"jobIds": ids})).map_err(|error| error.to_string().into())
}

/// The file beside a mistyped one whose name is most like it.
fn did_you_mean(given: &str) -> String {
    let path = Path::new(given);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = match path.parent() {
        Some(folder) if folder.is_dir() => folder,
        _ => Path::new("events"),
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let names: Vec<String> = names
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|kind| kind == "json")
        })
        .collect();
    let meant = nearest(&name, names.iter().map(String::as_str));
    let meant = meant.map(|name| folder.join(name));
    meant.map_or_else(String::new, |path| {
        format!(". Did you mean {}?", path.display())
    })
}
