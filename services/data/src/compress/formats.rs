//! The formats: bytes in, bytes out, never more than asked for. Knows no Lua.

use std::io::{self, Read, Write};

use flate2::bufread::MultiGzDecoder;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use flate2::{Compression, Decompress, FlushDecompress, Status};
use wippy_runtime::{Error, Result};

use super::zstd;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Gzip,
    Deflate,
    Zlib,
    Brotli,
    Zstd,
}

/// Why there is no output.
#[derive(Debug)]
pub enum Failure {
    /// The decoder's text.
    Broken(String),
    TooLarge,
}

impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Failure {
        Failure::Broken(e.to_string())
    }
}

/// Base two logarithm of the window, in bytes.
const BROTLI_WINDOW: u32 = 22;
/// Bytes of a decoder's buffer.
const BUFFER: usize = 32 << 10;

impl Format {
    /// The level to use for the one asked for. Errors: it is out of range.
    pub fn level(self, asked: Option<i64>) -> Result<i64> {
        let (default, range, refused) = match self {
            Format::Brotli => (6, 0..=11, "brotli quality must be between 0 and 11"),
            Format::Zstd => (3, 1..=22, "zstd level must be between 1 and 22"),
            _ => (6, 1..=9, "compression level must be between 1 and 9"),
        };
        let level = asked.unwrap_or(default);
        if range.contains(&level) { Ok(level) } else { Err(Error::invalid(refused)) }
    }

    pub fn encode(self, data: &[u8], level: i64, dict: Option<&[u8]>) -> Result<Vec<u8>> {
        let speed = Compression::new(level as u32);
        let encoded = match self {
            Format::Gzip => all(GzEncoder::new(Vec::new(), speed), data, GzEncoder::finish),
            Format::Deflate => all(DeflateEncoder::new(Vec::new(), speed), data, DeflateEncoder::finish),
            Format::Zlib => all(ZlibEncoder::new(Vec::new(), speed), data, ZlibEncoder::finish),
            Format::Brotli => {
                let to = brotli::CompressorWriter::new(Vec::new(), BUFFER, level as u32, BROTLI_WINDOW);
                all(to, data, |to| Ok(to.into_inner()))
            }
            Format::Zstd => zstd::encode(data, level, dict),
        };
        encoded.map_err(|e| Error::internal(e.to_string()))
    }

    /// At most `max` bytes. Errors: Invalid for what is not of this format, else Internal.
    pub fn decode(self, data: &[u8], max: usize, dict: Option<&[u8]>) -> Result<Vec<u8>> {
        let invalid = |name: &str| Error::invalid(format!("invalid {name} data"));
        let failed = |e| match e {
            Failure::Broken(text) => Error::internal(text),
            Failure::TooLarge => Error::internal("decompressed size exceeds limit"),
        };
        match self {
            Format::Gzip if !data.starts_with(&[0x1F, 0x8B]) => Err(invalid("gzip")),
            Format::Gzip => up_to(MultiGzDecoder::new(data), max).map_err(failed),
            Format::Zlib if !is_zlib(data) => Err(invalid("zlib")),
            Format::Zlib => inflate(data, true, max).map_err(failed),
            Format::Deflate => inflate(data, false, max).map_err(|_| invalid("deflate")),
            Format::Brotli => up_to(brotli::Decompressor::new(data, BUFFER), max).map_err(|_| invalid("brotli")),
            Format::Zstd if dict.is_some_and(|dict| zstd::header_size(dict).is_none()) => Err(invalid("zstd")),
            Format::Zstd => zstd::decode(data, max, dict).map_err(failed),
        }
    }
}

fn all<W: Write>(mut to: W, data: &[u8], finish: impl FnOnce(W) -> io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    to.write_all(data)?;
    to.flush()?;
    finish(to)
}

/// All that `from` gives, at most `max` bytes.
pub fn up_to(from: impl Read, max: usize) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    from.take(max as u64 + 1).read_to_end(&mut out)?;
    if out.len() > max { Err(Failure::TooLarge) } else { Ok(out) }
}

/// The two bytes in front of zlib data: method 8, and a check.
fn is_zlib(data: &[u8]) -> bool {
    matches!(data, [method, flags, ..] if method & 15 == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0)
}

/// Like a reader, but data that ends too early is an error. What follows the end is ignored.
fn inflate(data: &[u8], zlib: bool, max: usize) -> Result<Vec<u8>, Failure> {
    let mut decoder = Decompress::new(zlib);
    let mut out = Vec::new();
    loop {
        out.reserve(BUFFER.min(max + 1 - out.len()).max(1));
        let (read, written) = (decoder.total_in(), out.len());
        let rest = data.get(read as usize..).unwrap_or_default();
        let status = decoder.decompress_vec(rest, &mut out, FlushDecompress::None);
        let status = status.map_err(|e| Failure::Broken(e.to_string()))?;
        if out.len() > max {
            return Err(Failure::TooLarge);
        }
        match status {
            Status::StreamEnd => return Ok(out),
            _ if decoder.total_in() == read && out.len() == written => {
                return Err(Failure::Broken("unexpected EOF".to_owned()));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Format; 5] = [Format::Gzip, Format::Deflate, Format::Zlib, Format::Brotli, Format::Zstd];

    fn show(format: Format, data: &[u8], max: usize) -> Result<usize, String> {
        format.decode(data, max, None).map(|out| out.len()).map_err(|e| format!("{} {e}", e.kind().as_str()))
    }

    #[test]
    fn output_is_bounded_and_broken_input_is_an_error() {
        let text = b"the same again and again, ".repeat(10_000);
        for format in ALL {
            let packed = format.encode(&text, format.level(None).unwrap(), None).unwrap();
            assert!(packed.len() < text.len() / 20, "{format:?}: {}", packed.len());
            assert_eq!(format.decode(&packed, text.len(), None).as_deref(), Ok(&text[..]), "{format:?}");
            assert!(show(format, &packed, text.len() - 1).is_err(), "{format:?}");
            assert!(show(format, &packed[..packed.len() / 2], text.len()).is_err(), "{format:?} cut off");
            assert!(show(format, b"no such thing", 100).is_err(), "{format:?}");
        }
        let too_large = |format: Format| {
            let packed = format.encode(&text, format.level(None).unwrap(), None).unwrap();
            show(format, &packed, 100).unwrap_err()
        };
        let limit = "Internal decompressed size exceeds limit";
        assert_eq!([Format::Gzip, Format::Zlib, Format::Zstd].map(too_large), [limit; 3]);
        assert_eq!(too_large(Format::Deflate), "Invalid invalid deflate data");
        assert_eq!(too_large(Format::Brotli), "Invalid invalid brotli data");
        assert_eq!(show(Format::Gzip, b"plain", 9), Err("Invalid invalid gzip data".into()));
        assert_eq!(show(Format::Zlib, b"plain", 9), Err("Invalid invalid zlib data".into()));
        assert_eq!(show(Format::Zstd, b"plain", 9), Err("Internal invalid input: magic number mismatch".into()));
    }

    #[test]
    fn members_of_gzip_follow_each_other() {
        let [one, two] = [&b"one"[..], b"two"].map(|part| Format::Gzip.encode(part, 9, None).unwrap());
        assert_eq!(Format::Gzip.decode(&[one, two].concat(), 10, None).as_deref(), Ok(&b"onetwo"[..]));
    }

    proptest! {
        #[test]
        fn everything_comes_back(data in prop::collection::vec(any::<u8>(), 1..5000), level in 1..=9i64) {
            for format in ALL {
                let packed = format.encode(&data, level, None).unwrap();
                prop_assert_eq!(format.decode(&packed, data.len(), None), Ok(data.clone()));
            }
        }
        #[test]
        fn no_input_breaks_a_decoder(data in prop::collection::vec(any::<u8>(), 1..300), gzip in any::<bool>()) {
            let mut data = data;
            if gzip {
                data.splice(..0, [0x1F, 0x8B, 8, 0]);
            }
            for format in ALL {
                if let Ok(out) = format.decode(&data, 1 << 16, None) {
                    prop_assert!(out.len() <= 1 << 16);
                }
            }
        }
    }
}
