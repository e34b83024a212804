//! The names that a restore uses in and beside a place, and what it says of one.

use crate::failure::{Failure, Kind};
use crate::machine::archive::ASIDE;
use crate::machine::backup::Unpacked;
use crate::machine::tree::Folder;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The folder, in a place, of what one restore brings and moves aside.
pub fn aside(unpacked: &Unpacked) -> OsString {
    format!("{ASIDE}{}", unpacked.id).into()
}

/// What a single file is called that waits beside its place, and what was moved aside for it.
pub fn beside(place: &Path, unpacked: &Unpacked) -> (OsString, OsString) {
    let named = |what: &str| {
        let mut name = OsString::from(".");
        name.push(place.file_name().unwrap_or_default());
        name.push(format!(".{what}.{}", unpacked.id));
        name
    };
    (named("new"), named("old"))
}

/// All that a restore may have left in and beside a place.
pub fn asides(place: &Path, unpacked: &Unpacked) -> Vec<PathBuf> {
    let (_, old) = beside(place, unpacked);
    [staged(place, unpacked), vec![place.with_file_name(old)]].concat()
}

/// The same before anything is exchanged.
pub fn staged(place: &Path, unpacked: &Unpacked) -> Vec<PathBuf> {
    let (new, _) = beside(place, unpacked);
    let mut part = new.clone();
    part.push(".part");
    let beside = [new, part].map(|name| place.with_file_name(name));
    [vec![place.join(aside(unpacked))], beside.into()].concat()
}

/// With the links resolved that lead there: they are the administrator's.
pub fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Opens the folder that a place is in.
pub fn around(place: &Path) -> io::Result<Option<Folder>> {
    match Folder::open(&resolved(place.parent().unwrap_or(Path::new("/")))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        around => around.map(Some),
    }
}

/// As a failure of the person's world.
pub fn refused(message: String, why: impl ToString) -> Failure {
    Failure::new(Kind::Refused, message).why(why.to_string())
}

/// The failure of who may not exchange it.
pub fn not_allowed(place: &Path, why: impl ToString) -> Failure {
    refused(format!("`{}` can't be restored", place.display()), why)
        .why("nothing was changed")
        .help("restore it as root: `sudo banister backup restore`")
}
