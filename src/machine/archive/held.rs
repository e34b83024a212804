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
    /// Whether something was mounted at its path.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_mount: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(value: &bool) -> bool {
    !value
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
        let held = |files, bytes| Held { files, bytes, is_mount: false };
        assert_eq!(held(0, 0).loss(&held(3, 5)), Some(Loss::All));
        assert_eq!(held(1, 0).loss(&held(1, 5)), Some(Loss::All));
        assert_eq!(held(0, 0).loss(&held(2, 0)), None);
        assert_eq!(held(1, 9).loss(&held(1204, 90)), Some(Loss::Most));
        assert_eq!(held(1, 9).loss(&held(1204, 89)), None);
        assert_eq!(held(9, 9).loss(&held(9, 1000)), Some(Loss::Most));
        assert_eq!(held(1, 900).loss(&held(9, 1000)), None);
        assert_eq!(held(5, 9).loss(&held(5, 9)), None);
    }
}
