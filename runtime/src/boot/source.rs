//! Reading text files of the user, with limits and clear errors.

use std::io::Read;
use std::path::Path;

use crate::yaml::MAX_BYTES;

/// Why a file could not be read as text.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("no such file")]
    Missing,
    #[error("it is a directory")]
    Directory,
    #[error("it is longer than the {} MiB that are read", MAX_BYTES >> 20)]
    TooLong,
    #[error("{0}")]
    Io(std::io::Error),
    #[error("it is not UTF-8 text (byte {0})")]
    NotText(usize),
}

impl From<std::io::Error> for ReadError {
    fn from(e: std::io::Error) -> ReadError {
        match e.kind() {
            std::io::ErrorKind::NotFound => ReadError::Missing,
            std::io::ErrorKind::IsADirectory => ReadError::Directory,
            _ => ReadError::Io(e),
        }
    }
}

/// The whole file at `path`. Blocks.
pub fn read_text(path: &Path) -> Result<String, ReadError> {
    let bytes = read_bytes(std::fs::File::open(path)?)?;
    String::from_utf8(bytes).map_err(|e| ReadError::NotText(e.utf8_error().valid_up_to()))
}

/// Everything in `file`, at most [`MAX_BYTES`].
pub fn read_bytes(file: impl Read) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES { Err(ReadError::TooLong) } else { Ok(bytes) }
}
