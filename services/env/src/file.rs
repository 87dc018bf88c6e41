//! Values in a file of lines `KEY=VALUE`, which people edit too.
//!
//! `#` starts a comment, also behind a value; key and value are trimmed;
//! quotes mean nothing; of several lines with a key the first counts; other
//! lines are nobody's. The file is read anew each time. Writing changes one
//! value, or adds a line at the end, and leaves every other byte alone; the new
//! file replaces the old one in one step.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use wippy_runtime::env::Storage;
use wippy_runtime::{Error, Kind, Result};

/// Largest file that is read, in bytes.
const MAX_SIZE: u64 = 16 << 20;

/// One writer at a time, whichever entries name the file.
static WRITING: Mutex<()> = Mutex::new(());

/// See the module comment. All calls block on the file.
pub struct FileStorage {
    pub path: PathBuf,
    /// Make the file, and the directories it is in, with the first write.
    pub auto_create: bool,
    /// Permissions of a new file; an existing one keeps its own.
    pub file_mode: u32,
    pub dir_mode: u32,
}

impl Storage for FileStorage {
    fn get(&self, key: &str) -> Result<Option<String>> {
        let content = self.read()?.unwrap_or_default();
        let found = pairs(&content).find(|(k, _)| *k == key.as_bytes());
        Ok(found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()))
    }

    /// Errors: of the operating system (kind ""); Invalid for what the format cannot hold.
    fn set(&self, key: &str, value: &str) -> Result<()> {
        if key.trim() != key || key.contains(['=', '#', '\n', '\r']) {
            return Err(Error::invalid("environment file cannot hold a key with white space around it, `=` or `#`"));
        }
        if value.contains(['#', '\n', '\r']) {
            return Err(Error::invalid("environment file cannot hold a value with `#` or a line break"));
        }
        let _one_at_a_time = WRITING.lock();
        let old = match self.read()? {
            Some(old) => old,
            None if self.auto_create => Vec::new(),
            None => return Err(self.failed(io::ErrorKind::NotFound.into())),
        };
        self.replace(&with_value(&old, key, value)).map_err(|e| self.failed(e))
    }

    fn list(&self) -> Result<BTreeMap<String, String>> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut all = BTreeMap::new();
        for (key, value) in pairs(&self.read()?.unwrap_or_default()) {
            all.entry(text(key)).or_insert_with(|| text(value));
        }
        Ok(all)
    }

    fn blocks(&self) -> bool {
        true
    }
}

impl FileStorage {
    fn failed(&self, e: io::Error) -> Error {
        let what = match e.kind() {
            io::ErrorKind::NotFound => "no such file or directory".into(),
            io::ErrorKind::PermissionDenied => "permission denied".into(),
            _ => e.to_string(),
        };
        Error::new(Kind::UNKNOWN, format!("open {}: {what}", self.path.display()))
    }

    /// The content; `None` if there is no such file.
    fn read(&self) -> Result<Option<Vec<u8>>> {
        let read = || {
            let mut content = Vec::new();
            fs::File::open(&self.path)?.take(MAX_SIZE + 1).read_to_end(&mut content)?;
            io::Result::Ok(content)
        };
        match read() {
            Ok(content) if content.len() as u64 > MAX_SIZE => {
                let limit = MAX_SIZE >> 20;
                Err(Error::limit_exceeded(format!("{} is larger than {limit} MiB", self.path.display())))
            }
            Ok(content) => Ok(Some(content)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(self.failed(e)),
        }
    }

    /// Puts a new file in place of the one there is, or makes it.
    fn replace(&self, content: &[u8]) -> io::Result<()> {
        // Behind a link it is the file that changes, not the link.
        let (target, old) = match fs::canonicalize(&self.path) {
            Ok(target) => {
                let permissions = fs::metadata(&target)?.permissions();
                (target, Some(permissions))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => (self.path.clone(), None),
            Err(e) => return Err(e),
        };
        if let Some(dir) = target.parent().filter(|d| old.is_none() && !d.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(self.dir_mode).create(dir)?;
        }
        let mut aside = target.clone().into_os_string();
        aside.push(".tmp");
        let aside = Path::new(&aside);
        // One that a crash left behind is worth nothing, and might be a link.
        match fs::remove_file(aside) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(self.file_mode).open(aside)?;
        let written = (|| {
            if let Some(permissions) = old {
                file.set_permissions(permissions)?;
            }
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(aside, &target)
        })();
        if written.is_err() {
            let _ = fs::remove_file(aside);
        }
        written
    }
}

/// Key and value of a line; the value as a range of the line.
fn parse(line: &[u8]) -> Option<(&[u8], Range<usize>)> {
    let end = line.iter().position(|b| *b == b'#').unwrap_or(line.len());
    let equals = line[..end].iter().position(|b| *b == b'=')?;
    let key = line[..equals].trim_ascii();
    let rest = &line[equals + 1..end];
    let from = equals + 1 + if rest.trim_ascii().is_empty() { 0 } else { rest.len() - rest.trim_ascii_start().len() };
    (!key.is_empty()).then(|| (key, from..from + rest.trim_ascii().len()))
}

fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    content.split(|b| *b == b'\n')
}

/// Keys and values in the order of the file.
fn pairs(content: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    lines(content).filter_map(|line| parse(line).map(|(key, value)| (key, &line[value])))
}

/// The content with another value for `key`.
fn with_value(content: &[u8], key: &str, value: &str) -> Vec<u8> {
    let mut at = 0;
    for line in lines(content) {
        match parse(line) {
            Some((found, range)) if found == key.as_bytes() => {
                let (before, after) = (&content[..at + range.start], &content[at + range.end..]);
                return [before, value.trim().as_bytes(), after].concat();
            }
            _ => at += line.len() + 1,
        }
    }
    let gap: &[u8] = if content.is_empty() || content.ends_with(b"\n") { b"" } else { b"\n" };
    [content, gap, key.as_bytes(), b"=", value.trim().as_bytes(), b"\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = "# settings\nHOST = localhost   # where\n\nexport X=1\nPORT=8080\r\nEMPTY=# none\nHOST=second\n\
                        just text\n=nothing\nQUOTED=\"a b\"\nURL=http://a/?x=1&y=2\nLAST=end";

    #[test]
    fn reading_table() {
        let cases = [
            ("HOST", Some("localhost")),
            ("PORT", Some("8080")),
            ("EMPTY", Some("")),
            ("QUOTED", Some("\"a b\"")),
            ("URL", Some("http://a/?x=1&y=2")),
            ("LAST", Some("end")),
            ("export X", Some("1")),
            ("X", None),
            ("just text", None),
            ("", None),
        ];
        for (key, want) in cases {
            let found = pairs(FILE.as_bytes()).find(|(k, _)| *k == key.as_bytes()).map(|(_, v)| v);
            assert_eq!(found, want.map(str::as_bytes), "{key}");
        }
    }

    #[test]
    fn writing_table() {
        let cases = [
            ("", "A", "1", "A=1\n"),
            ("B=2", "A", "1", "B=2\nA=1\n"),
            ("B=2\n", "A", " 1 ", "B=2\nA=1\n"),
            ("A=1", "A", "2", "A=2"),
            (" A = old # note\nA=old", "A", "new value", " A = new value # note\nA=old"),
            ("A=old#note\r\nB=2\r\n", "A", "new", "A=new#note\r\nB=2\r\n"),
            ("A=   # note", "A", "x", "A=x   # note"),
            ("A=x # note", "A", "", "A= # note"),
            ("# A=1\nAA=2\n", "A", "3", "# A=1\nAA=2\nA=3\n"),
            ("A=1", "app:key", "2", "A=1\napp:key=2\n"),
        ];
        for (old, key, value, want) in cases {
            let got = with_value(old.as_bytes(), key, value);
            assert_eq!(String::from_utf8_lossy(&got), want, "{old:?} with {key}={value}");
        }
    }

    fn line() -> impl Strategy<Value = Vec<u8>> {
        let spaces = "[ \t]{0,2}";
        let pair = (spaces, "[A-C]", spaces, "[a-z =\"']{0,4}", "([ \t]*#[a-z =#]{0,4})?", "\r?")
            .prop_map(|(a, k, b, v, c, d)| format!("{a}{k}{b}={b}{v}{c}{d}").into_bytes());
        let anything = proptest::collection::vec(any::<u8>().prop_filter("no line break", |b| *b != b'\n'), 0..8);
        prop_oneof![4 => pair, 1 => "#[ -~]{0,8}".prop_map(String::into_bytes), 1 => anything]
    }

    proptest! {
        /// A written value is read back, and nothing else in the file changes: neither other lines, nor their order,
        /// nor what else the line holds.
        #[test]
        fn a_write_changes_one_value(
            all in proptest::collection::vec(line(), 0..8), key in "[A-D]", value in "[!-\"$-~]([ !-\"$-~]{0,6}[!-\"$-~])?",
        ) {
            let old = all.join(&b'\n');
            let new = with_value(&old, &key, &value);
            let read = pairs(&new).find(|(k, _)| *k == key.as_bytes()).map(|(_, v)| v);
            prop_assert_eq!(read, Some(value.as_bytes()));
            let own = |l: &&[u8]| parse(l).is_some_and(|(k, _)| k == key.as_bytes());
            let (olds, news): (Vec<&[u8]>, Vec<&[u8]>) = (lines(&old).collect(), lines(&new).collect());
            match olds.iter().position(own) {
                Some(at) => {
                    prop_assert_eq!(olds.len(), news.len());
                    for (n, (a, b)) in olds.iter().zip(&news).enumerate().filter(|(n, _)| *n != at) {
                        prop_assert_eq!(a, b, "line {}", n);
                    }
                    let around = |l: &[u8]| parse(l).map(|(_, r)| (l[..r.start].to_vec(), l[r.end..].to_vec()));
                    prop_assert_eq!(around(olds[at]), around(news[at]));
                }
                None => prop_assert!(new.starts_with(&old)),
            }
            // Writing it again changes nothing; an older value can be brought back.
            prop_assert_eq!(&with_value(&new, &key, &value), &new);
            if let Some((_, before)) = pairs(&old).find(|(k, _)| *k == key.as_bytes()) {
                let before = String::from_utf8_lossy(before);
                if before.trim() == before && !before.contains('\u{FFFD}') && !before.is_empty() {
                    prop_assert_eq!(&with_value(&new, &key, &before), &old);
                }
            }
        }
    }

    fn storage(path: PathBuf, auto_create: bool) -> FileStorage {
        FileStorage { path, auto_create, file_mode: 0o640, dir_mode: 0o750 }
    }

    fn mode(path: &Path) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_missing_file_is_empty_until_it_may_be_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/.env");
        let plain = storage(path.clone(), false);
        assert_eq!(plain.get("A"), Ok(None));
        assert!(plain.list().unwrap().is_empty());
        let error = plain.set("A", "1").unwrap_err();
        assert_eq!(error.kind().as_str(), "");
        assert_eq!(error.to_string(), format!("open {}: no such file or directory", path.display()));
        let made = storage(path.clone(), true);
        made.set("A", "1").unwrap();
        made.set("B", "two words").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "A=1\nB=two words\n");
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o640, 0o750));
        assert_eq!(plain.get("B"), Ok(Some("two words".into())));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside the file");
    }

    #[test]
    fn an_existing_file_keeps_its_permissions_and_its_link() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("real.env"), dir.path().join("link.env"));
        fs::write(&file, "SECRET=1 # keep\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        // Left behind by a crash.
        fs::write(dir.path().join("real.env.tmp"), "garbage").unwrap();
        storage(link.clone(), false).set("SECRET", "2").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "SECRET=2 # keep\n");
        assert_eq!(mode(&file), 0o600);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn what_the_format_cannot_hold_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let storage = storage(dir.path().join("x.env"), true);
        for (key, value) in [("A", "1\nB=2"), ("A", "a#b"), ("A=B", "1"), ("A#", "1"), (" A", "1"), ("A\n", "1")] {
            assert_eq!(storage.set(key, value).unwrap_err().kind().as_str(), "Invalid", "{key:?}={value:?}");
        }
        assert!(!storage.path.exists());
    }
}
