//! How much a backup holds of each of its parts, and whether that is little beside what an earlier one held: a disk that
//! is not mounted leaves an empty folder, whose backup is as good as any other by all else that is known of it.

use crate::units::Size;
use serde::{Deserialize, Serialize};

/// How much a backup holds of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub files: u64,
    /// Of all of them.
    pub bytes: u64,
    /// How many folders down its path what it lies in is mounted, from 0 for the root.
    #[serde(default)]
    pub mounted_at: usize,
}

/// How much is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    All,
    /// Nine of ten files, and bytes.
    Most,
}

/// Of fewer files their number says nothing: a database may be one.
const FEW: u64 = 10;

impl Held {
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Whether what it lay in `before` is not mounted any more, as far as can be told: then it is not what it was.
    pub fn is_unmounted(&self, before: &Held) -> bool {
        self.mounted_at < before.mounted_at && self.bytes < before.bytes
    }

    /// What is gone since `before`; none if it is not much.
    pub fn loss(&self, before: &Held) -> Option<Loss> {
        let fell = |now: u64, before: u64| now.saturating_mul(10) <= before;
        match () {
            () if self.is_empty() => (!before.is_empty()).then_some(Loss::All),
            () if before.files < FEW => fell(self.bytes, before.bytes).then_some(Loss::Most),
            () => (fell(self.files, before.files) && fell(self.bytes, before.bytes)).then_some(Loss::Most),
        }
    }

    /// How many files, with their size.
    pub fn count(&self) -> String {
        let files = if self.files == 1 { "file" } else { "files" };
        format!("{} {files} ({})", self.files, Size(self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_after_something_is_all_and_a_tenth_of_many_files_is_most() {
        let held = |files, bytes| Held { files, bytes, mounted_at: 0 };
        assert_eq!(held(0, 0).loss(&held(3, 5)), Some(Loss::All));
        assert_eq!(held(1, 0).loss(&held(1, 5)), Some(Loss::All));
        assert_eq!(held(0, 0).loss(&held(2, 0)), None);
        assert_eq!(held(1, 9).loss(&held(1204, 90)), Some(Loss::Most));
        assert_eq!(held(1, 9).loss(&held(1204, 89)), None);
        assert_eq!(held(9, 9).loss(&held(9, 1000)), Some(Loss::Most));
        assert_eq!(held(1, 900).loss(&held(9, 1000)), None);
        assert_eq!(held(5, 9).loss(&held(5, 9)), None);
        let on_a_disk = Held { mounted_at: 2, ..held(5, 9) };
        assert!(held(5, 8).is_unmounted(&on_a_disk) && !held(5, 9).is_unmounted(&on_a_disk));
        assert!(!on_a_disk.is_unmounted(&held(5, 10)));
    }
}
