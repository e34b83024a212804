//! `download_file(server, release: text)`
//!
//! Fetches the file of a release into the server's state folder, so that `install_file` puts it in place. The file that is
//! installed is not touched. A release that is kept there already, as before an update or by `fetch_file`, is not fetched
//! again: for that no network is needed.
//!
//! A transfer that was cut off is continued. What was fetched must have the SHA-256 that is published; where none is, the reason
//! in `unverified` in site.toml lets it count without.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map: `release` and `sha256` (text of 64 digits).
//!
//! # Errors
//! As those of `published_file`, and `unreachable` if the file can't be fetched; `refused` if it is not what was published, is
//! larger than a program is (2 GiB), does not fit on the disk, has no published digest, or is an archive and site.toml does not say
//! what is `packed` in it.
//!
//! # After a crash
//! It is done again, and continues where it was cut off.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "binary" { server.download_file("v14.0.3"); }
//! ```

use crate::data::ServerName;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::take_out;
use crate::machine::client::Limits;
use crate::machine::program_file::{Kept, Known, LARGEST, LIMITS, digest, download};
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive, Told};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;
use std::path::Path;

pub struct DownloadFile;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    release: String,
}

impl Primitive for DownloadFile {
    type Arguments = Arguments;
    type Outcome = Known;
    const NAME: &'static str = "download_file";
    const SOURCE: &'static str = include_str!("download_file.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Space],
        perform,
        predict: |arguments, _| Ok(json!({ "release": arguments.release, "sha256": Value::Null })),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Known> {
    let server = host.server()?;
    let kept = server.kept_files()?;
    // An update that was abandoned may have wanted another one.
    let in_place = match server.installed()?.name == arguments.release {
        true => Some(digest(&server.program_file()?)?.0),
        false => None,
    };
    let release = arguments.release.clone();
    let wanted = match (in_place, kept.find(&release)?) {
        (Some(sha256), _) => Known { release, sha256 },
        (None, Some(known)) => known,
        (None, None) => fetched(&release, host, &kept)?,
    };
    kept.want(wanted.clone())?;
    Ok(wanted)
}

/// The file of a release, as it is published: fetched, unless it is there.
pub(super) fn fetched(release: &str, host: &Host, kept: &Kept) -> Result<Known> {
    let server = host.server()?;
    let stop = || host.stop.is_asked();
    let wanted = server.release_named(release)?;
    let client = server.release_client(Limits::default(), &stop)?;
    let found = server.release_source(&client, &stop)?.find(&wanted)?;
    let is_reasoned = |reason: &serde_json::Value| reason.as_str().is_some_and(|it| !it.trim().is_empty());
    if !found.is_stated() && !server.own.get("unverified").is_some_and(is_reasoned) {
        return Err(Failure::new(Kind::Refused, format!("no digest of `{}` is published", found.name)).help(
            "name the file with checksums, `sha256`, in site.toml, or say why none is needed: `unverified`",
        ));
    }
    let packed = server.packed_in(&wanted);
    if let Some(sha256) = found.sha256.as_ref().filter(|sha256| kept.has(sha256)) {
        return unpacked(release, sha256, packed.as_deref(), kept, &stop);
    }
    kept.prepare()?;
    let part = kept.part(release, found.sha256.as_deref().or(found.sha512.as_deref()));
    let tell = |line: String| (host.tell)(Told::Progress(line.into()));
    let transfer = server.release_client(LIMITS, &stop)?;
    let sha256 = download(&transfer, &found, &part, &tell, &stop)?;
    let failed = || format!("`{}` can't be renamed", part.display());
    std::fs::rename(&part, kept.path(&sha256)).or_fail(Kind::Refused, failed)?;
    unpacked(release, &sha256, packed.as_deref(), kept, &stop)
}

/// The program in what was fetched, which has this SHA-256: that itself, or what is `packed` in it under this name.
fn unpacked(
    release: &str,
    sha256: &str,
    packed: Option<&str>,
    kept: &Kept,
    stop: &dyn Fn() -> bool,
) -> Result<Known> {
    let release = release.to_owned();
    let Some(name) = packed else {
        return match is_packed(&kept.path(sha256))? {
            false => Ok(Known { release, sha256: sha256.to_owned() }),
            true => {
                let message = "what was fetched is an archive, and no program";
                Err(Failure::new(Kind::Refused, message)
                    .help("nothing was stopped; say which file in it is the program: `packed` in site.toml"))
            }
        };
    };
    let part = kept.part(&release, Some(&format!("{sha256}-unpacked")));
    take_out(&kept.path(sha256), name, &part, LARGEST, stop).map_err(|failure| match failure.kind {
        Kind::Interrupted => failure,
        _ => failure.help("nothing was stopped; correct `packed` and `asset` in site.toml"),
    })?;
    let known = Known { release, sha256: digest(&part)?.0 };
    let failed = || format!("`{}` can't be renamed", part.display());
    std::fs::rename(&part, kept.path(&known.sha256)).or_fail(Kind::Refused, failed)?;
    Ok(known)
}

/// Whether a file begins as one that others are packed in: gzip, zstd, bzip2, xz, zip or tar.
fn is_packed(file: &Path) -> Result<bool> {
    let failed = || format!("`{}` can't be read", file.display());
    let mut begin = Vec::new();
    let opened = File::open(file).or_fail(Kind::Refused, failed)?;
    opened.take(512).read_to_end(&mut begin).or_fail(Kind::Refused, failed)?;
    let signs: [&[u8]; 5] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0", b"PK\x03\x04"];
    Ok(signs.iter().any(|sign| begin.starts_with(sign)) || begin.get(257..262) == Some(b"ustar"))
}
