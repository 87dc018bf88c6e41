//! A history in one SQLite file.
//!
//! Every save is one immediate transaction in WAL mode with full synchronisation,
//! so after a kill or a power cut the file holds a version completely or not at
//! all, and what a finished save acknowledged is there. Several programs may open
//! one file; writers wait up to five seconds for each other.

use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{History, codec, not_found};
use crate::error::{Error, Result};
use crate::registry::changeset::ChangeSet;
use crate::registry::version::Version;

/// The schema this code writes; files with a greater number are refused.
const SCHEMA_VERSION: u32 = 1;
const BUSY_TIMEOUT: Duration = Duration::from_millis(5000);

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS metadata (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS versions (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES versions(id));
CREATE INDEX IF NOT EXISTS idx_versions_parent ON versions(parent_id);
CREATE TABLE IF NOT EXISTS changesets (
    version_id INTEGER PRIMARY KEY REFERENCES versions(id) ON DELETE CASCADE, data BLOB);
INSERT OR IGNORE INTO versions (id, parent_id) VALUES (0, NULL);
INSERT OR IGNORE INTO changesets (version_id, data) VALUES (0, x'90');
";

/// See the module comment. Calls block on the disk.
pub struct SqliteHistory {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl SqliteHistory {
    /// Opens the file, or makes it; its directory must exist. Errors name the
    /// file and the reason: missing directory, not writable, not a SQLite
    /// database, damaged, locked, or written by a newer version.
    pub fn open(path: impl Into<PathBuf>) -> Result<SqliteHistory> {
        let path = path.into();
        let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !directory.is_dir() {
            let (file, directory) = (path.display(), directory.display());
            return Err(Error::not_found(format!("registry history {file}: directory {directory} does not exist")));
        }
        if path.is_dir() {
            return Err(Error::invalid(format!("registry history {}: is a directory", path.display())));
        }
        let mut connection = Connection::open(&path).map_err(|e| describe(&path, e))?;
        prepare(&path, &mut connection)?;
        Ok(SqliteHistory { path, connection: Mutex::new(connection) })
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        query(&self.connection.lock()).map_err(|e| describe(&self.path, e))
    }

    /// Runs `work` in a transaction that is rolled back if it fails.
    fn write(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>) -> Result<()> {
        let mut connection = self.connection.lock();
        let run = || {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            work(&tx)?;
            tx.commit()
        };
        run().map_err(|e| describe(&self.path, e))
    }
}

fn prepare(path: &Path, connection: &mut Connection) -> Result<()> {
    let described = |e| describe(path, e);
    connection.busy_timeout(BUSY_TIMEOUT).map_err(described)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).map_err(described)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(described)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(described)?;
    // Immediate, so that a file that cannot be written is found out now and two
    // programs that make the same file do not get in each other's way.
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(described)?;
    if let Some(found) = schema_version(&tx).map_err(described)? {
        let newer = found.parse::<u32>().map_or(true, |n| n > SCHEMA_VERSION);
        if newer {
            return Err(Error::invalid(format!(
                "registry history {}: schema version {found} is newer than {SCHEMA_VERSION}, the one this program knows",
                path.display()
            )));
        }
    }
    let init = || {
        tx.execute_batch(SCHEMA)?;
        tx.execute("INSERT OR IGNORE INTO metadata VALUES ('schema_version', ?1)", [SCHEMA_VERSION.to_string()])?;
        tx.execute("INSERT OR IGNORE INTO metadata VALUES ('head', '0')", [])
    };
    init().map_err(described)?;
    tx.commit().map_err(described)
}

/// `None` in a fresh file.
fn schema_version(connection: &Connection) -> rusqlite::Result<Option<String>> {
    if !connection.table_exists(None, "metadata")? {
        return Ok(None);
    }
    connection.query_row("SELECT value FROM metadata WHERE key = 'schema_version'", [], |r| r.get(0)).optional()
}

fn describe(path: &Path, error: rusqlite::Error) -> Error {
    let file = path.display();
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "cannot be opened for writing"
        }
        Some(ErrorCode::NotADatabase) => "is not a SQLite database",
        Some(ErrorCode::DatabaseCorrupt) => "is damaged",
        Some(ErrorCode::DiskFull) => "the disk is full",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            return Error::unavailable(format!("registry history {file}: is locked by another program"))
                .retryable(true);
        }
        Some(ErrorCode::ConstraintViolation) => {
            return Error::conflict(format!("registry history {file}: was changed by another program")).retryable(true);
        }
        _ => return Error::internal(format!("registry history {file}: {error}")),
    };
    Error::unavailable(format!("registry history {file}: {reason}"))
}

fn sql_id(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

fn row_version(row: &rusqlite::Row<'_>) -> rusqlite::Result<Version> {
    let parent: Option<i64> = row.get(1)?;
    Ok(Version { id: row.get::<_, i64>(0)?.max(0) as u64, parent: parent.map(|p| p.max(0) as u64) })
}

const SET_HEAD: &str =
    "INSERT INTO metadata (key, value) VALUES ('head', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value";

impl History for SqliteHistory {
    fn blocks(&self) -> bool {
        true
    }
    fn versions(&self) -> Result<Vec<Version>> {
        self.read(|c| {
            let mut statement = c.prepare_cached("SELECT id, parent_id FROM versions ORDER BY id")?;
            statement.query_map([], row_version)?.collect()
        })
    }

    fn version(&self, id: u64) -> Result<Option<Version>> {
        self.read(|c| {
            let mut statement = c.prepare_cached("SELECT id, parent_id FROM versions WHERE id = ?1")?;
            statement.query_row([sql_id(id)], row_version).optional()
        })
    }

    fn changes(&self, id: u64) -> Result<ChangeSet> {
        let bytes: Option<Vec<u8>> = self.read(|c| {
            let mut statement = c.prepare_cached("SELECT data FROM changesets WHERE version_id = ?1")?;
            statement.query_row([sql_id(id)], |r| r.get(0)).optional()
        })?;
        let file = self.path.display();
        codec::decode(&bytes.ok_or_else(not_found)?)
            .map_err(|e| Error::internal(format!("registry history {file}: version v{id}")).because(e))
    }

    fn head(&self) -> Result<Option<u64>> {
        let text: Option<String> = self.read(|c| {
            let mut statement = c.prepare_cached("SELECT value FROM metadata WHERE key = 'head'")?;
            statement.query_row([], |r| r.get(0)).optional()
        })?;
        let damaged = || Error::internal(format!("registry history {}: head is no version", self.path.display()));
        text.map(|t| t.parse().map_err(|_| damaged())).transpose()
    }

    fn set_head(&self, id: u64) -> Result<()> {
        if self.version(id)?.is_none() {
            return Err(not_found());
        }
        self.write(|tx| tx.execute(SET_HEAD, [id.to_string()]).map(drop))
    }

    fn save(&self, version: Version, changes: &ChangeSet) -> Result<()> {
        let data = codec::encode(changes)?;
        let (id, parent) = (sql_id(version.id), version.parent.map(sql_id));
        self.write(|tx| {
            tx.prepare_cached("INSERT INTO versions (id, parent_id) VALUES (?1, ?2)")?.execute(params![id, parent])?;
            tx.prepare_cached("INSERT INTO changesets (version_id, data) VALUES (?1, ?2)")?
                .execute(params![id, data])?;
            tx.execute(SET_HEAD, [version.id.to_string()]).map(drop)
        })
    }

    fn highest(&self) -> Result<u64> {
        let id: Option<i64> = self.read(|c| c.query_row("SELECT MAX(id) FROM versions", [], |r| r.get(0)))?;
        Ok(id.unwrap_or(0).max(0) as u64)
    }

    fn last_child(&self, id: u64) -> Result<Option<Version>> {
        self.read(|c| {
            let query = "SELECT id, parent_id FROM versions WHERE parent_id = ?1 ORDER BY id DESC LIMIT 1";
            c.prepare_cached(query)?.query_row([sql_id(id)], row_version).optional()
        })
    }
}
