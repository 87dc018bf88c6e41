//! Versions: numbered states that applies made, linked to their parents.
//!
//! Version 0 is the root. After going back, the next apply starts a branch, so
//! the versions form a tree; numbers only ever grow.

use std::fmt;

/// One version. Its text form is `v<id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    pub id: u64,
    /// The version it was made from; `None` for the root.
    pub parent: Option<u64>,
}

impl Version {
    pub const ROOT: Version = Version { id: 0, parent: None };
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.id)
    }
}

/// The steps from one version to another through their common ancestor.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// Versions whose changes are undone, in that order.
    pub back: Vec<u64>,
    /// Versions whose changes are applied, in that order.
    pub forward: Vec<u64>,
}

impl Path {
    /// Both lineages start at the root and end at the version itself.
    pub fn between(from: &[u64], to: &[u64]) -> Path {
        let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        Path { back: from[common..].iter().rev().copied().collect(), forward: to[common..].to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn paths_go_through_the_common_ancestor() {
        let cases: [[&[u64]; 4]; 5] = [
            [&[0, 1, 2], &[0, 1, 2], &[], &[]],
            [&[0], &[0, 1, 2], &[], &[1, 2]],
            [&[0, 1, 2], &[0], &[2, 1], &[]],
            [&[0, 1, 2, 3], &[0, 1, 4], &[3, 2], &[4]],
            [&[0, 1], &[0, 2], &[1], &[2]],
        ];
        for [from, to, back, forward] in cases {
            assert_eq!(Path::between(from, to), Path { back: back.to_vec(), forward: forward.to_vec() });
        }
    }
}
