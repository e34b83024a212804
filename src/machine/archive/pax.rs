//! Extended headers (POSIX `pax`): what a tar says of a member besides its header.
//!
//! Access control lists stand there twice: as the attributes that the kernel has, for GNU tar and for us, and as text, for
//! `tar --acls` and bsdtar; with numbers, because names may mean others elsewhere.

use super::sparse::Map;
use crate::machine::tree::Extended;
use std::fmt::Write;

/// How the keys of extended attributes begin.
const ATTRIBUTE: &str = "SCHILY.xattr.";
/// The most bytes that are said of one member: what readers take.
pub(super) const MOST: usize = 1 << 20;

/// The key of an attribute. What ends a key in a record is escaped as GNU tar does it.
fn key_of(name: &str) -> String {
    format!("{ATTRIBUTE}{}", name.replace('%', "%25").replace('=', "%3D"))
}

/// The attribute of a key, if it is the key of one.
pub(super) fn attribute_of(key: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(key).ok()?.strip_prefix(ATTRIBUTE)?;
    Some(name.replace("%3D", "=").replace("%25", "%"))
}

/// What is said of a member: records, one after another.
#[derive(Default)]
pub(super) struct Records(pub Vec<u8>);

impl Records {
    pub fn add(&mut self, key: &str, value: &[u8]) {
        // Its length counts itself, too.
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while rest + length.to_string().len() != length {
            length = rest + length.to_string().len();
        }
        self.0.extend_from_slice(format!("{length} {key}=").as_bytes());
        self.0.extend_from_slice(value);
        self.0.push(b'\n');
    }

    /// A text that need not be one.
    pub fn add_name(&mut self, key: &str, name: &[u8]) {
        if std::str::from_utf8(name).is_err() && !self.0.starts_with(b"21 hdrcharset=BINARY\n") {
            let others = std::mem::take(&mut self.0);
            self.add("hdrcharset", b"BINARY");
            self.0.extend_from_slice(&others);
        }
        self.add(key, name);
    }

    pub fn add_extended(&mut self, extended: &Extended) {
        for (name, value) in &extended.0 {
            self.add(&key_of(name), value);
            let key = match name.as_str() {
                "system.posix_acl_access" => "SCHILY.acl.access",
                "system.posix_acl_default" => "SCHILY.acl.default",
                _ => continue,
            };
            if let Some(text) = list(value) {
                self.add(key, text.as_bytes());
            }
        }
    }

    pub fn add_map(&mut self, name: &[u8], map: &Map) {
        self.add("GNU.sparse.major", b"1");
        self.add("GNU.sparse.minor", b"0");
        self.add_name("GNU.sparse.name", name);
        self.add("GNU.sparse.realsize", map.size.to_string().as_bytes());
    }
}

/// An access control list as text; none if it has another form than is known.
fn list(value: &[u8]) -> Option<String> {
    let entries = value.strip_prefix(&2u32.to_le_bytes())?;
    let mut text = String::new();
    for entry in entries.chunks(8) {
        let [tag, tag_high, bits, _, id @ ..] = entry else { return None };
        let id = u32::from_le_bytes(id.try_into().ok()?);
        let who = match u16::from_le_bytes([*tag, *tag_high]) {
            0x01 => "user:".to_owned(),
            0x02 => format!("user:{id}"),
            0x04 => "group:".to_owned(),
            0x08 => format!("group:{id}"),
            0x10 => "mask:".to_owned(),
            0x20 => "other:".to_owned(),
            _ => return None,
        };
        let bit = |bit: u8, letter: char| if bits & bit == 0 { '-' } else { letter };
        writeln!(text, "{who}:{}{}{}", bit(4, 'r'), bit(2, 'w'), bit(1, 'x')).ok()?;
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_length() {
        for length in [0, 1, 85, 86, 87, 88, 89, 90, 985, 986, 987, 988, 9981, 9982, 9983, 99_990] {
            let mut records = Records::default();
            records.add("key", &vec![b'v'; length]);
            let text = String::from_utf8(records.0).unwrap();
            assert!(text.starts_with(&format!("{} key=", text.len())), "{length}: {}", &text[..12]);
        }
        let mut records = Records::default();
        records.add_name("path", b"caf\xe9");
        assert_eq!(records.0, b"21 hdrcharset=BINARY\n13 path=caf\xe9\n");
    }

    #[test]
    fn what_ends_a_key_is_no_part_of_it() {
        for name in ["user.a=b", "user.100%", "user.%3D", "user.%253D=%"] {
            let key = key_of(name);
            assert!(!key.contains('=') && attribute_of(key.as_bytes()).as_deref() == Some(name), "{key}");
        }
    }

    #[test]
    fn an_access_control_list_is_written_with_numbers() {
        let entry = |tag: u16, bits: u16, id: u32| {
            [&tag.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat()
        };
        let none = u32::MAX;
        let value = [
            2u32.to_le_bytes().to_vec(),
            entry(1, 6, none),
            entry(2, 4, 4242),
            entry(4, 5, none),
            entry(0x10, 7, none),
            entry(0x20, 0, none),
        ];
        let text = "user::rw-\nuser:4242:r--\ngroup::r-x\nmask::rwx\nother::---\n";
        assert_eq!(list(&value.concat()).as_deref(), Some(text));
        assert_eq!(list(b"\x03\0\0\0"), None);
        assert_eq!(list(&value.concat()[..9]), None);
    }
}
