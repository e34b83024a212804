//! The certificate authorities that are believed: those of the system, to which its administrator may have added a private
//! one, and those of `SSL_CERT_FILE`. Only where the system has none, those that are built in.

use crate::failure::{Context, Failure, Kind, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

/// The variable that OpenSSL, curl and git read, too.
pub const VARIABLE: &str = "SSL_CERT_FILE";
/// Where distributions keep them all in one file: Debian, Fedora, SUSE, Alpine, FreeBSD.
const SYSTEM: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/ssl/cert.pem",
];
/// What of a file is read, in bytes: all authorities of the world take a quarter of a megabyte.
const LARGEST: u64 = 16 << 20;

/// The file of more authorities that a server's variables name, else our own.
pub fn named(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let own = || std::env::var_os(VARIABLE).map(PathBuf::from);
    let file = environment.get(VARIABLE).map(PathBuf::from).or_else(own);
    file.filter(|file| *file != Path::new(""))
}

/// All that are believed, with those of a file.
///
/// Fails with [`Kind::Invalid`] if that file can't be read, or holds no certificate.
pub fn roots(more: Option<&Path>) -> Result<RootCerts> {
    static KNOWN: OnceLock<Vec<Certificate<'static>>> = OnceLock::new();
    let system = KNOWN.get_or_init(|| {
        let all = SYSTEM.iter().filter_map(|file| certificates(Path::new(file)).ok());
        all.into_iter().next().unwrap_or_default()
    });
    let added = match more {
        None if system.is_empty() => return Ok(RootCerts::WebPki),
        None => Vec::new(),
        Some(file) => certificates(file)?,
    };
    Ok(RootCerts::from(system.iter().cloned().chain(added)))
}

fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>> {
    let shown = file.display();
    let failed = || format!("the certificates in `{shown}` can't be read");
    let mut text = Vec::new();
    let opened = File::open(file).or_fail(Kind::Invalid, failed)?;
    opened.take(LARGEST).read_to_end(&mut text).or_fail(Kind::Invalid, failed)?;
    let mut found = Vec::new();
    for item in parse_pem(&text) {
        if let PemItem::Certificate(certificate) = item.or_fail(Kind::Invalid, failed)? {
            found.push(certificate);
        }
    }
    match found.is_empty() {
        false => Ok(found),
        true => Err(Failure::new(Kind::Invalid, format!("`{shown}` holds no certificate")).help(format!(
            "`{VARIABLE}` names a file with the certificates of authorities, in PEM: -----BEGIN CERTIFICATE-----"
        ))),
    }
}
