//! What the operating system says about the memory of this program.

/// Bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    pub resident: u64,
    /// Of them, those no file backs: heaps and stacks.
    pub heap: u64,
    pub stack: u64,
    /// The most that was ever resident.
    pub peak: u64,
}

/// Reads the use as of now. Zeros where the system does not tell.
pub fn memory_use() -> MemoryUse {
    std::fs::read_to_string("/proc/self/status").map(|text| parse(&text)).unwrap_or_default()
}

/// The format is that of proc_pid_status(5).
fn parse(status: &str) -> MemoryUse {
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        kilobytes.map_or(0, |n| n.saturating_mul(1024))
    };
    MemoryUse { resident: bytes("VmRSS"), heap: bytes("RssAnon"), stack: bytes("VmStk"), peak: bytes("VmHWM") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_status_file() {
        let text = "Name:\twippy\nVmHWM:\t    9000 kB\nVmRSS:\t    8000 kB\nRssAnon:\t5000 kB\nVmStk:\t 132 kB\n";
        let want = MemoryUse { resident: 8000 << 10, heap: 5000 << 10, stack: 132 << 10, peak: 9000 << 10 };
        assert_eq!(parse(text), want);
        assert_eq!(parse("VmRSS: lots\n"), MemoryUse::default());
    }
}
