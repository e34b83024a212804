//! Reads a tar header by header, with a limit for everything that an archive could say of itself: the `tar` crate takes
//! the length of a name from the archive, and gives it as much memory.

use super::pax::attribute_of;
use crate::machine::tree::Extended;
use std::io::{self, Read};
use tar::{EntryType, Header};

/// The longest name, in bytes; no file system has longer ones.
const NAME: u64 = 64 << 10;
/// The longest extended header, in bytes.
const EXTENDED: u64 = super::pax::MOST as u64;
const BLOCK: u64 = 512;

/// A member whose header was read, with what stood before it.
pub(super) struct Head {
    pub name: Vec<u8>,
    pub target: Option<Vec<u8>>,
    pub sort: EntryType,
    /// Bytes of content in the archive.
    pub size: u64,
    /// Of a file with holes: how long it is with them; its content is map and data then.
    pub whole: Option<u64>,
    pub extended: Extended,
    pub header: Header,
}

/// What headers before a member say of it.
#[derive(Default)]
struct Before {
    name: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    owner: Option<u64>,
    group: Option<u64>,
    major: Option<u64>,
    minor: Option<u64>,
    whole: Option<u64>,
    real_name: Option<Vec<u8>>,
    extended: Extended,
}

pub(super) struct Raw<R> {
    inner: R,
    /// Of the member that was read last.
    content: u64,
    padding: u64,
}

impl<R: Read> Raw<R> {
    pub fn new(inner: R) -> Raw<R> {
        Raw { inner, content: 0, padding: 0 }
    }

    pub fn into_inner(self) -> R {
        self.inner
    }

    /// The next member; none at the end. What was not read of the one before is passed over.
    pub fn next(&mut self) -> io::Result<Option<Head>> {
        let mut before = Before::default();
        loop {
            let Some(header) = self.header()? else {
                let is_cut = before.name.is_some() || before.target.is_some();
                return if is_cut { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(None) };
            };
            let size = header.entry_size()?;
            match header.entry_type() {
                EntryType::GNULongName => set(&mut before.name, self.long(size)?, "name")?,
                EntryType::GNULongLink => set(&mut before.target, self.long(size)?, "target")?,
                EntryType::XHeader => {
                    let text = self.whole(size, EXTENDED, "an extended header in it")?;
                    extended(&text, &mut before)?;
                }
                sort => return self.head(header, sort, size, before).map(Some),
            }
        }
    }

    fn head(&mut self, mut header: Header, sort: EntryType, size: u64, before: Before) -> io::Result<Head> {
        let size = before.size.unwrap_or(size);
        self.begin(size)?;
        before.owner.into_iter().for_each(|owner| header.set_uid(owner));
        before.group.into_iter().for_each(|group| header.set_gid(group));
        let whole = match (before.major, before.minor, before.whole) {
            (None, None, None) => None,
            (Some(1), Some(0), Some(whole)) if sort == EntryType::Regular => Some(whole),
            _ => return Err(io::Error::other("it holds a sparse file in a form that can't be read")),
        };
        let name = before.real_name.or(before.name).unwrap_or_else(|| header.path_bytes().into_owned());
        let target = before.target.or_else(|| header.link_name_bytes().map(|target| target.into_owned()));
        Ok(Head { name, target, sort, size, whole, extended: before.extended, header })
    }

    /// The next header, with a right checksum; none at the end.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let left = self.content + self.padding;
        if io::copy(&mut self.inner.by_ref().take(left), &mut io::sink())? < left {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (self.content, self.padding) = (0, 0);
        let mut header = Header::new_old();
        let bytes = header.as_mut_bytes();
        let first = self.inner.read(&mut bytes[..])?;
        if first == 0 {
            return Ok(None);
        }
        self.inner.read_exact(&mut bytes[first..])?;
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let sum = bytes.iter().enumerate().map(|(place, byte)| {
            // The checksum itself counts as spaces.
            if (148..156).contains(&place) { u32::from(b' ') } else { u32::from(*byte) }
        });
        let sum: u32 = sum.sum();
        match header.cksum()? == sum {
            true => Ok(Some(header)),
            false => Err(io::Error::other("the checksum of a header in it is wrong")),
        }
    }

    fn begin(&mut self, size: u64) -> io::Result<()> {
        let whole = size.checked_next_multiple_of(BLOCK);
        let too_long = || io::Error::other("a member in it is longer than any file");
        (self.content, self.padding) = (size, whole.ok_or_else(too_long)? - size);
        self.content.checked_add(self.padding).map(drop).ok_or_else(too_long)
    }

    fn long(&mut self, size: u64) -> io::Result<Vec<u8>> {
        let mut name = self.whole(size, NAME, "a name in it")?;
        if name.last() == Some(&0) {
            name.pop();
        }
        Ok(name)
    }

    fn whole(&mut self, size: u64, most: u64, what: &str) -> io::Result<Vec<u8>> {
        if size > most {
            return Err(io::Error::other(format!("{what} has {size} bytes, and {most} are the most")));
        }
        self.begin(size)?;
        let mut content = Vec::new();
        self.by_ref().read_to_end(&mut content)?;
        match content.len() as u64 == size {
            true => Ok(content),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Reads the content of the member that was read last.
impl<R: Read> Read for Raw<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.content).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        match self.inner.read(&mut buffer[..most])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.content -= read as u64;
                Ok(read)
            }
        }
    }
}

/// What is said twice could be read in two ways.
fn set<T>(place: &mut Option<T>, value: T, what: &str) -> io::Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(io::Error::other(format!("it says the {what} of a member twice"))),
    }
}

/// Takes up the records `LENGTH KEY=VALUE` of an extended header.
fn extended(mut text: &[u8], before: &mut Before) -> io::Result<()> {
    let wrong = || io::Error::other("an extended header in it is no list of records");
    while !text.is_empty() {
        let space = text.iter().position(|byte| *byte == b' ').ok_or_else(wrong)?;
        let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse::<u64>().ok();
        let length =
            number(&text[..space]).and_then(|length| usize::try_from(length).ok()).ok_or_else(wrong)?;
        if length <= space + 1 || length > text.len() || text[length - 1] != b'\n' {
            return Err(wrong());
        }
        let record = &text[space + 1..length - 1];
        let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(wrong)?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        match key {
            b"path" | b"linkpath" if value.len() as u64 > NAME => {
                return Err(io::Error::other(format!(
                    "a name in it has {} bytes, and {NAME} are the most",
                    value.len()
                )));
            }
            b"path" => set(&mut before.name, value.to_vec(), "name")?,
            b"linkpath" => set(&mut before.target, value.to_vec(), "target")?,
            b"size" => set(&mut before.size, number(value).ok_or_else(wrong)?, "size")?,
            b"uid" => set(&mut before.owner, number(value).ok_or_else(wrong)?, "owner")?,
            b"gid" => set(&mut before.group, number(value).ok_or_else(wrong)?, "group")?,
            b"GNU.sparse.major" => set(&mut before.major, number(value).ok_or_else(wrong)?, "form")?,
            b"GNU.sparse.minor" => set(&mut before.minor, number(value).ok_or_else(wrong)?, "form")?,
            b"GNU.sparse.realsize" => set(&mut before.whole, number(value).ok_or_else(wrong)?, "size")?,
            b"GNU.sparse.name" if value.len() as u64 <= NAME => {
                set(&mut before.real_name, value.to_vec(), "name")?;
            }
            key if key.starts_with(b"GNU.sparse.") => {
                return Err(io::Error::other("it holds a sparse file in a form that can't be read"));
            }
            _ => {
                if let Some(name) = attribute_of(key).filter(|name| Extended::is_kept(name))
                    && before.extended.0.insert(name, value.to_vec()).is_some()
                {
                    return Err(io::Error::other("it says an extended attribute of a member twice"));
                }
            }
        }
        text = &text[length..];
    }
    Ok(())
}
