//! `text.splitter`: the options of splitters, and what they give to programs.

use wippy_lua::member;
use wippy_lua::native::{Call, Member, Object, Raise, Ret, Stack, Type};
use wippy_runtime::Error;

use super::markdown::{self, Markdown};
use super::pieces::{Separators, Sizes, split};
use super::{flag, number, option};

const DEFAULT_SIZE: f64 = 512.0;
const DEFAULT_OVERLAP: f64 = 100.0;
const DEFAULT_SEPARATORS: [&str; 4] = ["\n\n", "\n", " ", ""];
/// Characters of chunks together: overlaps multiply a text.
const MAX_OUTPUT: usize = 64 << 20;

enum How {
    Recursive(Separators, Sizes),
    Markdown(Markdown),
}

/// A splitter with its options.
pub struct Splitter(How);

impl Object for Splitter {
    const EXPECTED: &'static str = "text.Splitter";
    const METHODS: &'static [Member] = &[member!("split_text", split_text), member!("split_batch", split_batch)];
}

fn sizes(call: &mut Call<'_>) -> Sizes {
    let size = number(call, "chunk_size", DEFAULT_SIZE) as usize;
    Sizes { size, overlap: number(call, "chunk_overlap", DEFAULT_OVERLAP) as usize }
}

pub fn recursive(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let sizes = sizes(call);
    let mut separators = Separators { keep: flag(call, "keep_separator"), ..Separators::new(&DEFAULT_SEPARATORS) };
    if option(call, "separators") == Type::Table {
        let list = call.top();
        let mut all = Vec::new();
        for n in 1..=call.raw_len(list) {
            call.get_index(list, n as i64);
            all.extend(call.bytes(-1).map(|text| String::from_utf8_lossy(text).into_owned()));
            call.pop(1);
        }
        if !all.is_empty() {
            separators.all = all;
        }
    }
    call.pop(1);
    call.push_object(Splitter(How::Recursive(separators, sizes)));
    call.fine()
}

pub fn markdown(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let how = Markdown {
        sizes: sizes(call),
        code_blocks: flag(call, "code_blocks"),
        reference_links: flag(call, "reference_links"),
        heading_hierarchy: flag(call, "heading_hierarchy"),
        join_table_rows: flag(call, "join_table_rows"),
    };
    call.push_object(Splitter(How::Markdown(how)));
    call.fine()
}

impl Splitter {
    /// Errors: the chunks together are too long.
    fn chunks(&self, text: &str) -> Result<Vec<String>, Error> {
        let chunks = match &self.0 {
            How::Recursive(separators, sizes) => {
                // Each character is in as many chunks as overlap at it.
                let repeated = sizes.overlap.min(sizes.size) + 1;
                if text.len().saturating_mul(repeated) > MAX_OUTPUT.saturating_mul(1024) {
                    return Err(Error::limit_exceeded("the text is too long for so large an overlap"));
                }
                split(text, separators, *sizes)
            }
            How::Markdown(how) => markdown::chunks(text, *how),
        };
        match chunks.iter().map(String::len).sum::<usize>() {
            total if total > MAX_OUTPUT => Err(Error::limit_exceeded("the chunks are too long together")),
            _ => Ok(chunks),
        }
    }
}

fn split_text(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let splitter = call.userdata::<Splitter>(1)?;
    match splitter.chunks(&call.text(2)?) {
        Ok(chunks) => {
            call.push_table(chunks.len(), 0);
            for (n, chunk) in (1..).zip(&chunks) {
                call.push_str(chunk);
                call.set_index(-2, n);
            }
            call.fine()
        }
        Err(e) => call.fail(e),
    }
}

fn split_batch(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let splitter = call.userdata::<Splitter>(1)?;
    let pages = call.raw_len(call.table(2)?);
    call.push_table(0, 0);
    let (list, mut count) = (call.top(), 0);
    for n in 1..=pages {
        if call.get_index(2, n as i64) == Type::Table {
            let page = call.top();
            if let Err(e) = page_chunks(call, splitter, page, list, &mut count) {
                return call.fail(e);
            }
        }
        call.truncate(list);
    }
    call.fine()
}

/// Adds the chunks of the page in slot `page` to the list in slot `list`; all of them have the page's metadata.
fn page_chunks(call: &Stack<'_>, splitter: &Splitter, page: i32, list: i32, count: &mut i64) -> Result<(), Error> {
    call.get_field(page, "content");
    let Some(content) = call.bytes(-1).map(|text| String::from_utf8_lossy(text).into_owned()) else { return Ok(()) };
    let chunks = splitter.chunks(&content)?;
    if call.get_field(page, "metadata") != Type::Table {
        call.push_table(0, 1);
    }
    let metadata = call.top();
    for chunk in chunks {
        call.push_table(0, 2);
        call.push_str(&chunk);
        call.set_field(-2, "content");
        call.push_copy(metadata);
        call.set_field(-2, "metadata");
        *count += 1;
        call.set_index(list, *count);
    }
    Ok(())
}
