//! Standard output of commands: plain lines, tables, JSON and YAML.

use std::io::Write;

use wippy_runtime::payload::Value;

/// Writes one line. A reader that has gone away is no error of ours.
pub fn print(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// What the program is.
pub fn banner() {
    print(&format!("wippy {} - actor runtime, an independent implementation compatible with Wippy", crate::VERSION));
}

pub fn json(value: &Value) {
    print(&serde_json::to_string_pretty(value).unwrap_or_default());
}

pub fn yaml(value: &Value) {
    print(wippy_runtime::yaml::to_string(value).trim_end());
}

/// Rows under a header, columns as wide as needed up to `caps`; longer texts end in `...`.
pub fn table(header: &[&str], rows: &[Vec<String>], caps: &[usize]) {
    let cut = |text: &str, cap: usize| match text.char_indices().nth(cap) {
        Some(_) => text.chars().take(cap.saturating_sub(3)).chain("...".chars()).collect(),
        None => text.to_owned(),
    };
    let mut lines: Vec<Vec<String>> = vec![header.iter().map(|h| (*h).to_owned()).collect()];
    lines.extend(rows.iter().map(|row| row.iter().zip(caps).map(|(t, cap)| cut(t, *cap)).collect()));
    let width = |column: usize| lines.iter().map(|l| l[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    for line in &lines {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(t, w)| format!("{t:<w$}")).collect();
        print(cells.join("  ").trim_end());
    }
}
