//! The jobs of a queue by status: a bar, and below it the numbers.

use std::fmt::Write;

use super::html::number;
use crate::{queue::Counts, request::Status};

/// The bar shows how many jobs are in each status; the list below it says it. A status has the same colour and pattern in
/// both.
pub(super) fn counts(counts: &Counts) -> String {
    let mut bar = String::new();
    let mut list = String::new();
    let mut spoken = Vec::new();
    for (&status, &jobs) in &counts.jobs {
        let more = if counts.more.contains(&status) {
            "+"
        } else {
            ""
        };
        let amount = format!("{}{more}", number(jobs));
        if jobs > 0 {
            let _ = write!(
                bar,
                "<i class=\"{}\" style=\"flex-grow:{jobs}\"></i>",
                pattern(status)
            );
            spoken.push(format!("{status} {amount}"));
        }
        let none = if jobs == 0 { " class=\"bc-none\"" } else { "" };
        let _ = write!(
            list,
            "<li{none}><i class=\"bc-key {}\"></i><b>{amount}</b> <span>{status}</span></li>",
            pattern(status)
        );
    }
    let bar = if spoken.is_empty() {
        "<div class=\"bc-bar bc-empty\"></div>".to_owned()
    } else {
        let spoken = spoken.join(", ");
        format!(
            "<div class=\"bc-bar\" role=\"img\" aria-label=\"Jobs by status: {spoken}\">{bar}</div>"
        )
    };
    format!("{bar}<ul class=\"bc-counts\">{list}</ul>")
}

/// The class of a status's colour and pattern.
pub(super) fn pattern(status: Status) -> String {
    format!("bc-{}", status.as_str().to_ascii_lowercase())
}
