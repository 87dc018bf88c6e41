//! Filesystems of the node as directories of a guest. What the guest does in
//! them is done by `wasmtime-wasi` on the blocking pool, below a handle of the
//! directory that no path leads out of.

use std::path::PathBuf;
use std::sync::Arc;

use wasmtime_wasi::{FsPerms, WasiCtxBuilder};
use wippy_runtime::files::Filesystem;
use wippy_runtime::io::blocking;
use wippy_runtime::registry::EntryId;
use wippy_runtime::{Error, Result};

use super::commands;
use crate::process::GuestState;

/// A directory that the caller may mount.
pub struct Directory {
    fs: EntryId,
    path: PathBuf,
    /// Held until the path is opened.
    filesystem: Arc<dyn Filesystem>,
    guest: String,
    permissions: FsPerms,
}

/// The directories that the entry mounts, by their path in the guest. Errors: PermissionDenied `not allowed to access
/// filesystem: ID`; NotFound `wasi mount filesystem not found: ID`; Invalid for a filesystem that is no directory.
pub async fn find(state: &mut GuestState) -> Result<Vec<Directory>> {
    let program = state.program.clone();
    let mut found = Vec::new();
    for mount in &program.wasi().mounts {
        let fs = mount.fs.clone();
        let asked = state.request(commands::Mount { fs: fs.clone() }).await;
        let filesystem = asked.map_err(|e| Error::internal(e.to_string()))??;
        let Some(place) = filesystem.directory() else {
            return Err(Error::invalid(format!("wasi mount filesystem is no directory: {fs}")));
        };
        let permissions = if mount.read_only || !place.writable { FsPerms::ReadOnly } else { FsPerms::ReadWrite };
        found.push(Directory { fs, path: place.path, guest: mount.guest.clone(), permissions, filesystem });
    }
    found.sort_by(|a, b| a.guest.cmp(&b.guest));
    Ok(found)
}

/// Shows them to the guest. Errors: Internal for one that cannot be opened.
pub async fn open(mut builder: WasiCtxBuilder, directories: Vec<Directory>) -> Result<WasiCtxBuilder> {
    if directories.is_empty() {
        return Ok(builder);
    }
    blocking(move || {
        for Directory { fs, path, guest, permissions, filesystem } in directories {
            let opened = builder.preopened_dir(path, guest, permissions);
            opened.map_err(|e| Error::internal(format!("failed to open wasi mount: {fs}: {e}")))?;
            drop(filesystem);
        }
        Ok(builder)
    })
    .await
}
