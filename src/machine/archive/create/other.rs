//! Takes over the members of a tar that another program made, such as that of a volume.

use super::Writer;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::header::Attributes;
use crate::machine::archive::left::Left;
use crate::machine::archive::manifest::{Sort, text};
use crate::machine::archive::place::{leads_out, parts};
use crate::machine::archive::streams::Stretch;
use std::collections::HashMap;
use std::fs::File;
use std::io::Seek;
use std::path::Path;
use tar::EntryType;

impl Writer<'_> {
    /// Takes over the members of another tar.
    pub(super) fn add_tar(&mut self, name: &[u8], tar: &File) -> Result<()> {
        let failed = || format!("the data read for `{}` is not a tar", text(name));
        let mut file = tar.try_clone().or_fail(Kind::Refused, failed)?;
        file.rewind().or_fail(Kind::Refused, failed)?;
        let whole_tar = tar;
        let mut tar = tar::Archive::new(file);
        // Where the content of each file is, by the file's name.
        let mut contents: HashMap<Vec<u8>, (u64, u64)> = HashMap::new();
        for entry in tar.entries().or_fail(Kind::Refused, failed)? {
            let entry = entry.or_fail(Kind::Refused, failed)?;
            let inner = entry.path_bytes().into_owned();
            let Some(steps) = parts(&inner) else {
                return Err(Failure::new(Kind::Refused, failed()).why(format!("it holds `{}`", text(&inner))));
            };
            // What puts a volume back takes the names as the manifest writes them, which has no others.
            let own = entry.link_name_bytes().map(|target| target.into_owned()).unwrap_or_default();
            if let Some(odd) = [&inner, &own].into_iter().find(|name| std::str::from_utf8(name).is_err()) {
                let message = format!("`{}` in `{}` can't be backed up", text(odd), text(name));
                return Err(Failure::new(Kind::Refused, message)
                    .why("the name is no text in UTF-8")
                    .help("rename it, then run it again"));
            }
            let whole = [&[name], &steps[..]].concat().join(&b'/');
            let sort = match entry.header().entry_type() {
                EntryType::Regular | EntryType::Continuous | EntryType::Link => Sort::File,
                EntryType::Directory => Sort::Folder,
                EntryType::Symlink => Sort::Link,
                _ => {
                    self.leave_out(&whole, &text(&whole), &Left::NoFile);
                    continue;
                }
            };
            self.is_new(&whole, Path::new(""))?;
            let mut attributes =
                Attributes::of_header(entry.header(), sort).or_fail(Kind::Refused, failed)?;
            if entry.header().entry_type() == EntryType::Link {
                // Another name of a file that came before: here it is a file by itself.
                let first = parts(&own).and_then(|parts| contents.get(&parts.join(&b'/')));
                let Some(&(from, length)) = first else {
                    let why = format!(
                        "it holds `{}` as another name of `{}`, which it does not",
                        text(&inner),
                        text(&own)
                    );
                    return Err(Failure::new(Kind::Refused, failed()).why(why));
                };
                attributes.size = length;
                contents.insert(steps.join(&b'/'), (from, length));
                self.put(&whole, &[], &attributes, Stretch { file: whole_tar, from, length })?;
                continue;
            }
            if sort == Sort::File {
                contents.insert(steps.join(&b'/'), (entry.raw_file_position(), attributes.size));
            }
            let target = if sort == Sort::Link { own } else { Vec::new() };
            if sort == Sort::Link && leads_out(&whole, &target) {
                self.leave_out(&whole, &text(&whole), &Left::Outward(target));
                continue;
            }
            let whole = if sort == Sort::Folder { [&whole, &b"/"[..]].concat() } else { whole };
            self.put(&whole, &target, &attributes, entry)?;
        }
        Ok(())
    }
}
