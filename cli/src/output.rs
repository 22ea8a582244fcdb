//! Standard output and standard error. A closed pipe ends the printing, never the work.

use std::io::{self, IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, presets};

/// Writes to standard output.
pub(crate) fn out(text: &str) {
    let _ = io::stdout().lock().write_all(text.as_bytes());
    let _ = io::stdout().lock().flush();
}

/// Writes to standard error.
pub(crate) fn err(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// A text from outside without what could move the cursor.
pub(crate) fn plain(text: &str) -> String {
    let is_kept = |c: &char| !c.is_control() && !is_bidirectional(*c);
    text.chars().filter(is_kept).collect()
}

/// Whether a character shows nothing, breaks the line or changes the direction of the text after it.
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A name is never cut to less than this.
const LEAST_NAME: usize = 12;

/// Rows below their headings, aligned, without lines around them. Columns at these places are aligned to the right. What does
/// not fit the terminal: of a column NAME the ends of names are left out, and what stands last without a heading gets a
/// line of its own. Ids are whole, since people copy them.
pub(crate) fn table<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    right: &[usize],
) -> String {
    let is_terminal = io::stdout().is_terminal();
    let columns = is_terminal.then(|| console::Term::stdout().size().1.into());
    table_within(headings, rows, right, columns.unwrap_or(usize::MAX))
}

fn table_within<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    right: &[usize],
    columns: usize,
) -> String {
    let mut rows: Vec<[String; N]> = rows.into_iter().collect();
    for cell in rows.iter_mut().flatten() {
        *cell = plain(cell);
    }
    let too_wide = width(headings, &rows).saturating_sub(columns);
    let has_notes = headings.last() == Some(&"");
    let notes = if too_wide > 0 && has_notes {
        rows.iter_mut()
            .map(|row| row.last_mut().map(std::mem::take))
            .collect()
    } else {
        Vec::new()
    };
    let too_wide = width(headings, &rows).saturating_sub(columns);
    if let Some(place) = headings.iter().position(|heading| *heading == "NAME") {
        let names = || rows.iter().filter_map(|row| row.get(place));
        let longest = names().map(|name| name.chars().count()).max();
        let most = longest
            .unwrap_or(0)
            .saturating_sub(too_wide)
            .max(LEAST_NAME);
        for name in rows.iter_mut().filter_map(|row| row.get_mut(place)) {
            if too_wide > 0 && name.chars().count() > most {
                *name = name.chars().take(most - 1).chain(['…']).collect();
            }
        }
    }
    let mut lines = aligned(headings, rows, right).into_iter();
    let mut text = lines.next().unwrap_or_default() + "\n";
    for (place, line) in lines.enumerate() {
        text.push_str(&line);
        text.push('\n');
        if let Some(Some(note)) = notes.get(place)
            && !note.is_empty()
        {
            text.extend(["    ", note.as_str(), "\n"]);
        }
    }
    text
}

/// How wide the rows are.
fn width<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> usize {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    widths.iter().map(|width| width + 2).sum::<usize>() - 2
}

fn aligned<const N: usize>(
    headings: [&str; N],
    rows: Vec<[String; N]>,
    right: &[usize],
) -> Vec<String> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings);
    table.add_rows(rows);
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if right.contains(&place) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned());
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: [&str; 4] = [
        "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01",
        "a-name-that-goes-on-and-on-for-ever",
        "RUNNING",
        "runs on: only --terminate ends it",
    ];

    #[test]
    fn what_does_not_fit_is_shortened_or_goes_below() {
        let table = |columns| {
            let row = ROW.map(str::to_owned);
            table_within(["JOB", "NAME", "STATUS", ""], [row], &[], columns)
        };
        let wide = table(200);
        assert_eq!(wide.lines().count(), 2);
        assert!(wide.contains(ROW[1]) && wide.ends_with("runs on: only --terminate ends it\n"));
        let narrow = table(80);
        let lines: Vec<&str> = narrow.lines().collect();
        assert!(
            lines.iter().all(|line| line.chars().count() <= 80),
            "{narrow}"
        );
        assert!(lines[1].starts_with(ROW[0]) && lines[1].contains("a-name-that-goes"));
        assert_eq!(lines[2], "    runs on: only --terminate ends it");
        assert!(
            table(40).lines().nth(1).unwrap().starts_with(ROW[0]),
            "ids are whole"
        );
    }

    #[test]
    fn what_moves_the_cursor_is_left_out() {
        assert_eq!(plain("a\x1b[2Jb\nc\u{202e}d"), "a[2Jbcd");
    }
}
