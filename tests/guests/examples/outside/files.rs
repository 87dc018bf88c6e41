use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};

use crate::{ok, tell};

pub fn mounts(told: &mut Vec<String>) {
    told.extend(get_directories().into_iter().map(|(_, path)| path));
}

fn mount(path: &str) -> Descriptor {
    get_directories().into_iter().find(|d| d.1 == path).expect("the mount").0
}

fn open(dir: &Descriptor, path: &str, how: OpenFlags, flags: DescriptorFlags) -> Result<Descriptor, ErrorCode> {
    dir.open_at(PathFlags::SYMLINK_FOLLOW, path, how, flags)
}

fn read(dir: &Descriptor, path: &str) -> Result<String, ErrorCode> {
    let file = open(dir, path, OpenFlags::empty(), DescriptorFlags::READ)?;
    let stream = file.read_via_stream(0)?;
    let mut content = Vec::new();
    while let Ok(part) = stream.blocking_read(4096) {
        content.extend(part);
    }
    Ok(String::from_utf8_lossy(&content).into_owned())
}

fn write(dir: &Descriptor, path: &str, text: &str, append: bool) -> Result<(), ErrorCode> {
    let how = if append { OpenFlags::CREATE } else { OpenFlags::CREATE | OpenFlags::TRUNCATE };
    let file = open(dir, path, how, DescriptorFlags::WRITE)?;
    let stream = if append { file.append_via_stream()? } else { file.write_via_stream(0)? };
    stream.blocking_write_and_flush(text.as_bytes()).map_err(|_| ErrorCode::Io)
}

fn names(dir: &Descriptor) -> Result<String, ErrorCode> {
    let entries = dir.read_directory()?;
    let mut names = Vec::new();
    while let Some(entry) = entries.read_directory_entry()? {
        names.push(entry.name);
    }
    names.sort();
    Ok(names.join(" "))
}

/// Everything a program does with files.
pub fn work(told: &mut Vec<String>, at: &str) {
    let dir = mount(at);
    let text = |text: String| text.trim_end().to_owned();
    tell(told, "read", read(&dir, "given.txt"), text);
    tell(told, "write", write(&dir, "new.txt", "one", false), ok);
    tell(told, "append", write(&dir, "new.txt", " two", true), ok);
    tell(told, "read back", read(&dir, "new.txt"), text);
    tell(told, "stat", dir.stat_at(PathFlags::empty(), "new.txt"), |stat| format!("{:?} {}", stat.type_, stat.size));
    tell(told, "make directory", dir.create_directory_at("sub"), ok);
    tell(told, "rename", dir.rename_at("new.txt", &dir, "sub/moved.txt"), ok);
    tell(told, "list", names(&dir), text);
    tell(told, "remove full directory", dir.remove_directory_at("sub"), ok);
    tell(told, "remove file", dir.unlink_file_at("sub/moved.txt"), ok);
    tell(told, "remove directory", dir.remove_directory_at("sub"), ok);
    tell(told, "set size", open(&dir, "given.txt", OpenFlags::empty(), DescriptorFlags::WRITE).and_then(|f| f.set_size(2)), ok);
    tell(told, "read absent", read(&dir, "absent"), text);
}

/// Everything a program does to get out of its directory.
pub fn escape(told: &mut Vec<String>, at: &str) {
    let dir = mount(at);
    for path in ["../secret.txt", "/etc/passwd", "a/../../secret.txt", "link", "link/../secret.txt", "away/secret.txt"] {
        tell(told, path, read(&dir, path), |_| "read!".to_owned());
    }
    tell(told, "write", write(&dir, "../made.txt", "x", false), ok);
    tell(told, "rename", dir.rename_at("given.txt", &dir, "../given.txt"), ok);
    tell(told, "hard link", dir.link_at(PathFlags::empty(), "../secret.txt", &dir, "copy"), ok);
    tell(told, "symbolic link", dir.symlink_at("/etc", "etc"), ok);
    tell(told, "directory", dir.create_directory_at("../made"), ok);
    tell(told, "stat", dir.stat_at(PathFlags::SYMLINK_FOLLOW, ".."), ok);
}
