//! Named one-line edits of the C sources.

use std::error::Error;
use std::fs;
use std::path::Path;

/// One change: the line of `file` that equals `anchor` (leading and trailing
/// blanks aside) is replaced by `text`. The line must occur exactly once.
pub struct Edit {
    pub name: &'static str,
    pub file: &'static str,
    pub anchor: &'static str,
    pub text: &'static str,
}

/// Applies a group of edits to the copied sources in `dir`.
pub fn apply(dir: &Path, edits: &[Edit]) -> Result<(), Box<dyn Error>> {
    for edit in edits {
        let path = dir.join(edit.file);
        let fail = |why: String| format!("edit `{}` of {}: {why}", edit.name, edit.file);
        let text = fs::read_to_string(&path).map_err(|e| fail(e.to_string()))?;
        let hits = text.lines().filter(|l| l.trim() == edit.anchor.trim()).count();
        if hits != 1 {
            return Err(fail(format!("its anchor occurs {hits} times, not once: {:?}", edit.anchor)).into());
        }
        let mut changed = String::with_capacity(text.len() + edit.text.len());
        for line in text.lines() {
            changed.push_str(if line.trim() == edit.anchor.trim() { edit.text } else { line });
            changed.push('\n');
        }
        fs::write(&path, changed)?;
    }
    Ok(())
}
