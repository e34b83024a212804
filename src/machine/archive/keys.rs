//! To whom archives are encrypted, and how they are read again: by the user's own `age` or `gpg`, which know the keys.
//! No secret passes through here: recipients are public, and a key of one's own is only named.

use crate::command::{Looked, Spec};
use crate::failure::{Failure, Kind, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The program that encrypts an archive and decrypts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    Age,
    Gpg,
}

/// Both, for whatever goes through them.
const ALL: [Encryption; 2] = [Encryption::Age, Encryption::Gpg];

/// What stands before a recipient that is a key of `gpg`.
const GPG: &str = "gpg:";

/// How the lines begin that `gpg` writes for programs.
const STATUS: &str = "[GNUPG:] ";

impl Encryption {
    /// By the name's ending: `.age` or `.gpg`; none if it has neither.
    pub fn of(path: &Path) -> Option<Encryption> {
        let ending = path.extension()?;
        ALL.into_iter().find(|encryption| ending == encryption.ending())
    }

    /// What ends the name of an archive, without a dot.
    pub fn ending(self) -> &'static str {
        self.program()
    }

    pub(super) fn program(self) -> &'static str {
        match self {
            Encryption::Age => "age",
            Encryption::Gpg => "gpg",
        }
    }

    /// The package of Debian that has it.
    fn package(self) -> &'static str {
        match self {
            Encryption::Age => "age",
            Encryption::Gpg => "gnupg",
        }
    }

    /// With the help for a program that is not there.
    pub(super) fn missing(self, failure: Failure) -> Failure {
        match failure.kind {
            Kind::NotFound => failure.help(format!("install it with `apt-get install {}`", self.package())),
            _ => failure,
        }
    }

    /// What the program said when it failed, for people.
    pub(super) fn said(self, looked: &Looked) -> String {
        // The one offers to be told of bugs, the other talks to programs.
        let idle = |line: &&str| !line.starts_with(STATUS) && !line.starts_with("age: report unexpected");
        let lines: Vec<&str> =
            looked.stderr.lines().map(str::trim).filter(idle).filter(|line| !line.is_empty()).collect();
        match lines.is_empty() {
            true => format!("`{}` {}", self.program(), looked.exit),
            false => lines.join("; "),
        }
    }

    /// Whether the program failed because it has none of the secret keys that it would take.
    pub(super) fn has_no_key(self, looked: &Looked) -> bool {
        self == Encryption::Gpg
            && looked.stderr.lines().any(|line| line.starts_with(&format!("{STATUS}NO_SECKEY")))
    }
}

/// To whom archives are encrypted, and with what they are read again. Without recipients they are not encrypted.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// As `site.toml` has them, see [`Keys::check`].
    pub recipients: Vec<String>,
    /// The file with the key of one of them, for `age`.
    pub identity: Option<PathBuf>,
    /// Variables for the program.
    pub environment: BTreeMap<String, String>,
}

impl Keys {
    /// Fails with [`Kind::Invalid`] if the recipients are not all of one sort, or one of them can't be meant.
    pub fn check(&self) -> Result<()> {
        let of_gpg = self.recipients.iter().filter(|recipient| recipient.starts_with(GPG)).count();
        if of_gpg > 0 && of_gpg < self.recipients.len() {
            return Err(Failure::new(Kind::Invalid, "its `recipients` are of two sorts")
                .why("an archive is encrypted by `age` or by `gpg`, never by both")
                .help("name keys of `age` or of SSH only, or write `gpg:` before each"));
        }
        for recipient in &self.recipients {
            // Not shown: it would be in every log.
            if recipient.to_uppercase().contains("SECRET-KEY") || recipient.contains("PRIVATE KEY") {
                return Err(Failure::new(Kind::Invalid, "one of its `recipients` is a secret key")
                    .help("name the public key, which `age-keygen -y FILE` prints, and make a new one"));
            }
            let name = recipient.strip_prefix(GPG).unwrap_or(recipient);
            if name.trim().is_empty() || name.starts_with('-') || name.contains(['\n', '\0']) {
                return Err(Failure::new(
                    Kind::Invalid,
                    format!("`{recipient}` can't be one of its `recipients`"),
                )
                .help("name public keys, as `age1…`, `ssh-ed25519 …` or `gpg:backup@example.org`"));
            }
        }
        Ok(())
    }

    /// What the recipients ask for.
    pub fn encryption(&self) -> Option<Encryption> {
        self.recipients.first().map(|recipient| match recipient.starts_with(GPG) {
            true => Encryption::Gpg,
            false => Encryption::Age,
        })
    }

    /// What encrypts its stdin. Fails with [`Kind::Refused`] if no recipient is one for this program: nothing is
    /// written then, because it would be readable, or by others than the name says.
    pub(super) fn encrypting(&self, encryption: Encryption, what: &str) -> Result<Spec> {
        if self.encryption() != Some(encryption) {
            let message =
                format!("{what} can't be encrypted: there are no recipients for `{}`", encryption.ending());
            return Err(Failure::new(Kind::Refused, message).help("name some in `recipients` in `site.toml`"));
        }
        let program: &[&str] = match encryption {
            Encryption::Age => &["age"],
            // What was compressed is not compressed again, and nobody on the network is asked for a key.
            Encryption::Gpg => &[
                "gpg",
                "--batch",
                "--yes",
                "--trust-model",
                "always",
                "--no-auto-key-locate",
                "--compress-algo",
                "none",
                "--encrypt",
            ],
        };
        let recipients = self
            .recipients
            .iter()
            .flat_map(|recipient| ["-r", recipient.strip_prefix(GPG).unwrap_or(recipient)]);
        Ok(self.spec(program.iter().copied().chain(recipients)))
    }

    /// What decrypts its stdin; none if there is no key.
    pub(super) fn decrypting(&self, encryption: Encryption) -> Option<Spec> {
        match (encryption, &self.identity) {
            (Encryption::Age, Some(identity)) => {
                Some(self.spec(["age", "-d", "-i", &identity.to_string_lossy()]))
            }
            (Encryption::Age, None) => None,
            // Asked to be quiet it would not say that it has no key.
            (Encryption::Gpg, _) => Some(self.spec(["gpg", "--batch", "--status-fd", "2", "--decrypt"])),
        }
    }

    fn spec<'s>(&self, arguments: impl IntoIterator<Item = &'s str>) -> Spec {
        let mut spec = Spec::new(arguments, "/");
        spec.environment = self.environment.clone();
        spec
    }
}

/// The failure of a program that was to encrypt.
pub(super) fn not_encrypted(encryption: Encryption, what: &str, looked: &Looked) -> Failure {
    Failure::new(Kind::CommandFailed, format!("{what} can't be encrypted"))
        .why(encryption.said(looked))
        .help("check `recipients` in `site.toml`: each must be a public key")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(recipients: &[&str]) -> Keys {
        Keys { recipients: recipients.iter().map(|name| name.to_string()).collect(), ..Keys::default() }
    }

    #[test]
    fn recipients_are_of_one_sort_and_never_secret() {
        for good in [&[][..], &["age1x", "ssh-ed25519 AAAA"], &["gpg:a@example.org", "gpg:0xABCD"]] {
            keys(good).check().unwrap();
        }
        for bad in [&["age1x", "gpg:a"][..], &[""], &["gpg:"], &["-o"], &["gpg:--output"]] {
            assert_eq!(keys(bad).check().unwrap_err().kind, Kind::Invalid, "{bad:?}");
        }
        let secret = keys(&["AGE-SECRET-KEY-1XYZ"]).check().unwrap_err();
        assert!(!secret.to_string().contains("1XYZ"), "{secret}");
        assert_eq!(keys(&[]).encryption(), None);
        assert_eq!(keys(&["gpg:a"]).encryption(), Some(Encryption::Gpg));
    }

    #[test]
    fn a_name_says_what_an_archive_is_encrypted_with() {
        assert_eq!(Encryption::of(Path::new("a/b.tar.gz.age")), Some(Encryption::Age));
        assert_eq!(Encryption::of(Path::new("b.tar.zst.gpg")), Some(Encryption::Gpg));
        assert_eq!(Encryption::of(Path::new("b.tar.zst")), None);
    }
}
