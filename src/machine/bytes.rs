//! Bytes that are no UTF-8, such as a comment in Latin-1: kept as they are, each as a character that nobody writes.

use super::files::unreadable;
use crate::failure::{Failure, Kind, Result};
use std::path::Path;

/// Of the private use area: U+F780 stands for the byte 0x80, U+F7FF for 0xFF.
const BYTES: std::ops::RangeInclusive<char> = '\u{f780}'..='\u{f7ff}';

/// The text of a file. Fails with [`Kind::NotFound`] if there is none, and with [`Kind::Refused`] if it can't be read.
pub fn read(path: &Path) -> Result<String> {
    let failed = || format!("`{}` can't be read", path.display());
    let bytes = std::fs::read(path).map_err(|error| unreadable(error, failed()))?;
    decoded(&bytes).ok_or_else(|| {
        Failure::new(Kind::Refused, failed()).why("a character between U+F780 and U+F7FF is in it")
    })
}

/// The text of bytes. None if one of the characters that stand for bytes is in it.
pub fn decoded(bytes: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        if !is_text(chunk.valid()) {
            return None;
        }
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(0xf700 + u32::from(*byte))));
    }
    Some(text)
}

/// What the text was read from.
pub fn encoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match BYTES.contains(&c) {
            true => bytes.push(c as u8),
            false => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// Whether there is no such byte in it.
pub fn is_text(text: &str) -> bool {
    !text.contains(|c| BYTES.contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_come_out_as_they_went_in() {
        let all: Vec<u8> = (0..=255).collect();
        for bytes in [&all[..], "Grüße \u{feff}𝄞".as_bytes(), b"# Gr\xfc\xdfe\n", b"\xed\xa0\x80\xf0\x9f"]
        {
            let text = decoded(bytes).unwrap();
            assert_eq!(encoded(&text), bytes);
            assert_eq!(is_text(&text), std::str::from_utf8(bytes).is_ok());
        }
        assert_eq!(decoded("\u{f7fc}".as_bytes()), None);
    }
}
