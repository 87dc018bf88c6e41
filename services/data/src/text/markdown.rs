//! Chunks of a Markdown text: its blocks are collected while they fit, and every
//! chunk begins with the heading it belongs to.

use super::blocks::{Block, parse};
use super::pieces::{Separators, Sizes, length, split};

#[derive(Clone, Copy, Debug)]
pub struct Markdown {
    pub sizes: Sizes,
    /// Code is left out otherwise.
    pub code_blocks: bool,
    /// Links by reference are written with their targets.
    pub reference_links: bool,
    /// Chunks begin with all headings above them.
    pub heading_hierarchy: bool,
    /// Rows of a table share a chunk.
    pub join_table_rows: bool,
}

pub fn chunks(text: &str, how: Markdown) -> Vec<String> {
    let mut walk = Walk::new(how);
    walk.blocks(&parse(text, how.reference_links));
    walk.flush();
    walk.chunks
}

struct Walk {
    how: Markdown,
    chunks: Vec<String>,
    snippet: String,
    /// The headings above, by level.
    headings: Vec<(usize, String)>,
    /// What chunks begin with.
    title: String,
    /// Whether a chunk has shown the title.
    shown: bool,
}

impl Walk {
    fn new(how: Markdown) -> Walk {
        Walk {
            how,
            chunks: Vec::new(),
            snippet: String::new(),
            headings: Vec::new(),
            title: String::new(),
            shown: false,
        }
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            match block {
                Block::Heading { level, text } => self.heading(*level, text),
                Block::Paragraph(text) => self.add(text),
                Block::List { numbered, items } => self.list(*numbered, items, 0),
                Block::Quote(inner) => self.quote(inner),
                Block::Table { header, rows } => self.table(header, rows),
                Block::Code { language, text } if self.how.code_blocks => self.add(&code(language.as_deref(), text)),
                Block::Code { .. } => {}
                Block::Rule => self.add("\n---"),
            }
        }
    }

    /// Adds a block to the snippet if both fit into a chunk, else begins a new one.
    fn add(&mut self, block: &str) {
        if !self.snippet.is_empty() {
            if length(&self.snippet) + length(block) >= self.how.sizes.size {
                self.flush();
            } else {
                self.snippet.push('\n');
            }
        }
        self.snippet.push_str(block);
    }

    /// Makes chunks of the snippet; a title that no chunk has shown becomes one.
    fn flush(&mut self) {
        let snippet = std::mem::take(&mut self.snippet);
        let Sizes { size, overlap } = self.how.sizes;
        let chunks = match &*snippet {
            "" => Vec::new(),
            _ if length(&snippet) <= size + overlap => vec![snippet.clone()],
            _ => split(&snippet, &Separators::new(&["\n\n", "\n", " "]), self.how.sizes),
        };
        if chunks.is_empty() && !self.title.is_empty() && !self.shown {
            self.chunks.push(self.title.clone());
            self.shown = true;
        }
        let titled = !self.title.is_empty() && !snippet.contains(&self.title);
        for chunk in chunks.into_iter().filter(|chunk| !chunk.is_empty()) {
            self.shown = true;
            self.chunks.push(if titled { format!("{}\n{chunk}", self.title) } else { chunk });
        }
    }

    fn heading(&mut self, level: usize, text: &str) {
        self.flush();
        let heading = format!("{} {text}", "#".repeat(level));
        self.headings.retain(|(above, _)| *above < level);
        self.headings.push((level, heading.clone()));
        self.title = match self.how.heading_hierarchy {
            true => self.headings.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n"),
            false => heading,
        };
        self.shown = false;
    }

    fn list(&mut self, numbered: bool, items: &[Vec<Block>], depth: usize) {
        let indent = "  ".repeat(depth);
        for (n, item) in (1..).zip(items) {
            let mark = if numbered { format!("{n}. ") } else { "- ".to_owned() };
            let mut first = true;
            for block in item {
                match block {
                    Block::Paragraph(text) | Block::Heading { text, .. } => {
                        let mark = if std::mem::take(&mut first) { &mark } else { "  " };
                        self.add(&format!("{indent}{mark}{text}"));
                    }
                    Block::List { numbered, items } => self.list(*numbered, items, depth + 1),
                    other => self.blocks(std::slice::from_ref(other)),
                }
            }
        }
    }

    fn quote(&mut self, inner: &[Block]) {
        let mut walk = Walk::new(self.how);
        walk.blocks(inner);
        walk.flush();
        for chunk in walk.chunks {
            let lines: Vec<String> = chunk.lines().map(|line| format!("> {line}")).collect();
            self.add(&lines.join("\n"));
        }
        self.flush();
    }

    fn table(&mut self, header: &[String], rows: &[Vec<String>]) {
        self.flush();
        let (header, rows) = match rows.split_first() {
            Some((first, rest)) if header.iter().all(String::is_empty) => (&first[..], rest),
            _ => (header, rows),
        };
        let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
        let head = format!("{}\n{}", line(header), line(&vec!["---".to_owned(); header.len()]));
        for row in rows {
            let mut text = line(row);
            if self.snippet.is_empty() || length(&self.snippet) + length(&text) >= self.how.sizes.size {
                text = format!("{head}\n{text}");
            }
            self.add(&text);
            if !self.how.join_table_rows {
                self.flush();
            }
        }
    }
}

fn code(language: Option<&str>, text: &str) -> String {
    match language {
        Some(language) => format!("\n```{language}\n{text}```\n"),
        None => text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n"),
    }
}
