//! The blocks of a Markdown text (CommonMark and tables), with the text in them
//! as it was written.

use std::collections::VecDeque;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    Heading {
        level: usize,
        text: String,
    },
    Paragraph(String),
    List {
        numbered: bool,
        items: Vec<Vec<Block>>,
    },
    Quote(Vec<Block>),
    Table {
        header: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    /// `language`: of a fenced one, which may be empty; `None`: an indented one. The text ends with a line feed.
    Code {
        language: Option<String>,
        text: String,
    },
    Rule,
}

/// Lists and quotes inside each other; what is nested deeper is left out.
const MAX_DEPTH: usize = 64;

/// The blocks of `source`. With `resolve`, links by reference are written with their targets. HTML is left out.
pub fn parse(source: &str, resolve: bool) -> Vec<Block> {
    let events = Parser::new_ext(source, Options::ENABLE_TABLES).into_offset_iter().collect();
    Reader { source, resolve, events }.blocks(0)
}

struct Reader<'s> {
    source: &'s str,
    resolve: bool,
    events: VecDeque<(Event<'s>, Range<usize>)>,
}

impl Reader<'_> {
    /// Blocks up to the end of what they are in, which is taken, too.
    fn blocks(&mut self, depth: usize) -> Vec<Block> {
        let mut blocks = Vec::new();
        while let Some((event, range)) = self.events.pop_front() {
            match event {
                Event::End(_) => break,
                Event::Rule => blocks.push(Block::Rule),
                Event::Start(tag) => blocks.extend(self.block(tag, depth)),
                Event::Html(_) => {}
                // Text of a list item without paragraph.
                inline => {
                    self.events.push_front((inline, range));
                    blocks.push(Block::Paragraph(self.inline(false)));
                }
            }
        }
        blocks
    }

    fn block(&mut self, tag: Tag<'_>, depth: usize) -> Option<Block> {
        if depth >= MAX_DEPTH {
            self.skip();
            return None;
        }
        match tag {
            Tag::Heading { level, .. } => Some(Block::Heading { level: level as usize, text: self.inline(true) }),
            Tag::Paragraph => Some(Block::Paragraph(self.inline(true))),
            Tag::BlockQuote(_) => Some(Block::Quote(self.blocks(depth + 1))),
            Tag::List(first) => {
                let mut items = Vec::new();
                while let Some((Event::Start(_), _)) = self.events.pop_front() {
                    items.push(self.blocks(depth + 1));
                }
                Some(Block::List { numbered: first.is_some(), items })
            }
            Tag::Table(_) => Some(self.table()),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => Some(language.to_string()),
                    CodeBlockKind::Indented => None,
                };
                let mut text = String::new();
                while let Some((Event::Text(line), _)) = self.events.pop_front() {
                    text.push_str(&line);
                }
                Some(Block::Code { language, text })
            }
            // HTML, and what this parser does not look for.
            _ => {
                self.skip();
                None
            }
        }
    }

    /// Leaves out everything to the end of what has just begun.
    fn skip(&mut self) {
        let mut open = 1;
        while open > 0 {
            match self.events.pop_front() {
                Some((Event::Start(_), _)) => open += 1,
                Some((Event::End(_), _)) => open -= 1,
                Some(_) => {}
                None => return,
            }
        }
    }

    fn table(&mut self) -> Block {
        let (mut header, mut rows) = (Vec::new(), Vec::new());
        while let Some((event, _)) = self.events.pop_front() {
            match event {
                Event::Start(Tag::TableHead) => header = self.row(),
                Event::Start(Tag::TableRow) => rows.push(self.row()),
                Event::End(TagEnd::Table) => break,
                _ => {}
            }
        }
        Block::Table { header, rows }
    }
    fn row(&mut self) -> Vec<String> {
        let mut cells = Vec::new();
        while let Some((Event::Start(Tag::TableCell), _)) = self.events.pop_front() {
            cells.push(self.inline(true));
        }
        cells
    }

    /// The text of inline events as it was written, line by line without what marks the blocks around it. Goes up to the
    /// next block, or to the end of what it is in; takes that if `ends`.
    fn inline(&mut self, ends: bool) -> String {
        let mut text = String::new();
        // Where the line goes on, and where its last event ends.
        let (mut from, mut to) = (None, 0);
        let mut open = 0;
        while let Some((event, range)) = self.events.pop_front() {
            match &event {
                Event::End(_) if open == 0 => {
                    if !ends {
                        self.events.push_front((event, range));
                    }
                    break;
                }
                Event::End(_) => {
                    open -= 1;
                    continue;
                }
                Event::Start(Tag::Paragraph | Tag::List(_) | Tag::BlockQuote(_) | Tag::CodeBlock(_)) | Event::Rule
                    if !ends && open == 0 =>
                {
                    self.events.push_front((event, range));
                    break;
                }
                Event::SoftBreak | Event::HardBreak => {
                    if let Some(from) = from.take() {
                        text.push_str(&self.source[from..to.min(range.start).max(from)]);
                    }
                    text.push('\n');
                    continue;
                }
                Event::Start(Tag::Link { link_type, dest_url, .. }) if self.resolve && by_reference(*link_type) => {
                    if let Some(from) = from.take() {
                        text.push_str(&self.source[from..range.start.max(from)]);
                    }
                    let target = dest_url.to_string();
                    let label = self.inline(true);
                    text.push_str(&format!("[{label}]({target})"));
                    (from, to) = (Some(range.end), range.end);
                    continue;
                }
                Event::Start(_) => open += 1,
                _ => {}
            }
            from.get_or_insert(range.start);
            to = to.max(range.end);
        }
        if let Some(from) = from {
            text.push_str(&self.source[from..to.max(from)]);
        }
        text.trim_end().to_owned()
    }
}

fn by_reference(link: LinkType) -> bool {
    matches!(link, LinkType::Reference | LinkType::Collapsed | LinkType::Shortcut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paragraph(text: &str) -> Block {
        Block::Paragraph(text.into())
    }

    #[test]
    fn text_stays_as_it_was_written() {
        let source = "# A *b*\n\nx **y\nz** `c`\n\n> q1\n> q2\n\n- one\n  more\n- two\n  1. deep\n\n| h |\n|--|\n| c **d** |\n\n```lua\nx = 1\n```\n\n---\n<b>no</b>\n";
        let want = vec![
            Block::Heading { level: 1, text: "A *b*".into() },
            paragraph("x **y\nz** `c`"),
            Block::Quote(vec![paragraph("q1\nq2")]),
            Block::List {
                numbered: false,
                items: vec![
                    vec![paragraph("one\nmore")],
                    vec![paragraph("two"), Block::List { numbered: true, items: vec![vec![paragraph("deep")]] }],
                ],
            },
            Block::Table { header: vec!["h".into()], rows: vec![vec!["c **d**".into()]] },
            Block::Code { language: Some("lua".into()), text: "x = 1\n".into() },
            Block::Rule,
        ];
        let got = parse(source, false);
        assert_eq!(got[..want.len()], want);
    }

    #[test]
    fn references_are_resolved_if_wanted() {
        let source = "see [the *page*][p] and [q]\n\n[p]: http://p.example\n[q]: http://q.example";
        assert_eq!(parse(source, false), [paragraph("see [the *page*][p] and [q]")]);
        assert_eq!(parse(source, true), [paragraph("see [the *page*](http://p.example) and [q](http://q.example)")]);
    }

    proptest! {
        #[test]
        fn any_text_has_blocks(source in "[-a# >*`|\\[\\]()1.\n<é]{0,60}", resolve in any::<bool>()) {
            parse(&source, resolve);
        }
    }
}
