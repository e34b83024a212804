//! Settings as administrators write them.

use super::{Awkward, Thing};
use std::fs;
use std::path::Path;

/// Writes them before those that a settings file has.
pub fn write(awkward: &Awkward, file: &Path, server: &str) {
    let mut lines = Vec::new();
    if awkward.has(Thing::Latin1) {
        lines.extend_from_slice(b"# Gr\xfc\xdfe, written where Latin-1 was in use\n");
    }
    if awkward.has(Thing::Settings) {
        lines.extend_from_slice(b"MOTTO=\"with blanks and 'quotes'\"\nREGION='eu'\nSPEED=fast   # or slow\n");
        lines.extend_from_slice(b"SMTP_PASSWORD=\"pa55word-in-quotes\"   # of the old relay\n");
    }
    if awkward.has(Thing::SecretWords) {
        let words = ["attempt", "server", server, "world", "result", "ended", "done", "checkout"];
        for (n, word) in words.iter().enumerate() {
            lines.extend_from_slice(format!("APP{n}_TOKEN={word}\n").as_bytes());
        }
    }
    if !lines.is_empty() {
        lines.extend(fs::read(file).unwrap_or_default());
        fs::write(file, lines).unwrap();
    }
}
