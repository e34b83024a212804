//! Headers of a tar member, in GNU's format; where more is to be said, in that of POSIX with an extended header.
//!
//! They are filled by hand, because the names of the `tar` crate lose a leading `./`, which other tools need.

use super::manifest::Sort;
use super::pax::Records;
use super::sparse::Map;
use crate::machine::tree::Extended;
use std::fs::Metadata;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use tar::{Builder, EntryType, Header};

/// What a header says besides the name.
#[derive(Clone, Default)]
pub(super) struct Attributes {
    pub sort: Sort,
    pub mode: u32,
    pub owner: u64,
    pub group: u64,
    /// Seconds since 1970.
    pub modified: u64,
    /// Bytes of content that follow.
    pub size: u64,
    pub extended: Extended,
    /// Where the holes of a file are.
    pub map: Option<Map>,
    /// It is another name of the file that the target names, and has no content of its own.
    pub is_again: bool,
}

impl Attributes {
    /// Those of something on the disk.
    pub fn of(metadata: &Metadata, sort: Sort) -> Attributes {
        Attributes {
            sort,
            mode: metadata.mode() & 0o7777,
            owner: metadata.uid().into(),
            group: metadata.gid().into(),
            modified: metadata.mtime().try_into().unwrap_or(0),
            size: if sort == Sort::File { metadata.len() } else { 0 },
            ..Attributes::default()
        }
    }

    /// Those that another tar gives.
    pub fn of_header(header: &Header, sort: Sort) -> io::Result<Attributes> {
        Ok(Attributes {
            sort,
            mode: header.mode()? & 0o7777,
            owner: header.uid()?,
            group: header.gid()?,
            // A time before 1970 is none here, as it is none of what is on the disk.
            modified: i64::try_from(header.mtime()?).map_or(0, i64::unsigned_abs),
            size: if sort == Sort::File { header.entry_size()? } else { 0 },
            ..Attributes::default()
        })
    }

    /// Those of something that never was on the disk: of whoever runs this, from now. The archive is private; what is
    /// in it may be read by others where it is restored, as a dump by the database in its container, which is another
    /// user than whoever unpacked it.
    pub fn made(size: u64) -> Attributes {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Attributes {
            sort: Sort::File,
            mode: 0o644,
            owner: rustix::process::getuid().as_raw().into(),
            group: rustix::process::getgid().as_raw().into(),
            modified: since.map_or(0, |since| since.as_secs()),
            size,
            ..Attributes::default()
        }
    }
}

/// What a header has room for; longer names stand in a member of their own before it.
const SHORT: usize = 100;

/// Appends the header with what must stand before it, then the content, which must be as long as was said.
pub(super) fn append<W: Write>(
    tar: &mut Builder<W>,
    name: &[u8],
    target: &[u8],
    attributes: &Attributes,
    content: impl io::Read,
) -> io::Result<()> {
    let mut records = Records::default();
    records.add_extended(&attributes.extended);
    attributes.map.iter().for_each(|map| records.add_map(name, map));
    if !records.0.is_empty() {
        return append_extended(tar, name, target, attributes, records, content);
    }
    for (long, sort) in [(name, EntryType::GNULongName), (target, EntryType::GNULongLink)] {
        if long.len() > SHORT {
            let mut header = Header::new_gnu();
            header.set_entry_type(sort);
            header.as_old_mut().name[..13].copy_from_slice(b"././@LongLink");
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_size(long.len() as u64 + 1);
            header.set_cksum();
            tar.append(&header, io::Read::chain(long, &b"\0"[..]))?;
        }
    }
    tar.append(&header(Header::new_gnu(), name, target, attributes), content)
}

/// The same with an extended header before it.
fn append_extended<W: Write>(
    tar: &mut Builder<W>,
    name: &[u8],
    target: &[u8],
    attributes: &Attributes,
    mut records: Records,
    content: impl io::Read,
) -> io::Result<()> {
    // Readers that know nothing of maps show this name, and one beside what was there is no loss.
    let shown = match attributes.map {
        Some(_) => [b"GNUSparseFile.0/", name].concat(),
        None => name.to_vec(),
    };
    for (key, name) in [("path", &shown[..]), ("linkpath", target)] {
        if name.len() > SHORT {
            records.add_name(key, name);
        }
    }
    let mut before = Header::new_ustar();
    before.set_entry_type(EntryType::XHeader);
    before.as_old_mut().name[..12].copy_from_slice(b"./PaxHeaders");
    before.set_mode(0o644);
    before.set_uid(0);
    before.set_gid(0);
    before.set_mtime(0);
    before.set_size(records.0.len() as u64);
    before.set_cksum();
    tar.append(&before, &records.0[..])?;
    tar.append(&header(Header::new_ustar(), &shown, target, attributes), content)
}

fn header(mut header: Header, name: &[u8], target: &[u8], attributes: &Attributes) -> Header {
    header.set_entry_type(match attributes.sort {
        Sort::File if attributes.is_again => EntryType::Link,
        Sort::File => EntryType::Regular,
        Sort::Folder => EntryType::Directory,
        Sort::Link => EntryType::Symlink,
    });
    let old = header.as_old_mut();
    for (field, bytes) in [(&mut old.name, name), (&mut old.linkname, target)] {
        let length = bytes.len().min(SHORT);
        field[..length].copy_from_slice(&bytes[..length]);
    }
    header.set_mode(attributes.mode);
    header.set_uid(attributes.owner);
    header.set_gid(attributes.group);
    header.set_mtime(attributes.modified);
    header.set_size(attributes.size);
    header.set_cksum();
    header
}
