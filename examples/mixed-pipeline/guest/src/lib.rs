//! The middle of the pipeline: takes lines, counts words, and passes the most frequent on when there are no more lines.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use wippy_guest::{Incoming, Pid, Result, process, receive, tell};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Input {
    Line(String),
    End,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Output {
    Word(String, usize),
    End,
}

#[process]
fn count_words(next: Pid, at_least: usize) -> Result<()> {
    let mut words: HashMap<String, usize> = HashMap::new();
    while let Incoming::Message(Input::Line(line), _) = receive() {
        for word in line.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 1) {
            *words.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    let mut found: Vec<(String, usize)> = words.into_iter().filter(|&(_, count)| count >= at_least).collect();
    found.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
    for (word, count) in found {
        tell(next, &Output::Word(word, count))?;
    }
    tell(next, &Output::End)
}
