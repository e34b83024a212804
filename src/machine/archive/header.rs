//! Headers of a tar member, in GNU's format.
//!
//! They are filled by hand, because the names of the `tar` crate lose a leading `./`, which Hoss's own restore needs.

use super::manifest::Sort;
use std::fs::Metadata;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use tar::{Builder, EntryType, Header};

/// What a header says besides the name.
pub(super) struct Attributes {
    pub sort: Sort,
    pub mode: u32,
    pub owner: u64,
    pub group: u64,
    /// Seconds since 1970.
    pub modified: u64,
    /// Bytes of content that follow.
    pub size: u64,
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
    let mut header = Header::new_gnu();
    header.set_entry_type(match attributes.sort {
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
    tar.append(&header, content)
}
