//! The secrets of a server: in its settings file, and in its environment in `site.toml`. Whatever its commands print,
//! these must not be seen in it.

use super::Server;
use crate::machine::env_file::EnvFile;
use crate::secret;
use crate::sync::Mutex;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// When each settings file was last changed as we read it.
static SEEN: Mutex<Option<HashMap<PathBuf, (SystemTime, u64)>>> = Mutex::new(None);

/// Names that are the same on every machine, and say nothing of a site.
const COMMON: [&str; 6] = ["/", "srv", "home", "opt", "var", "data"];

/// So long a value is no word, but generated: it stays a secret if it stands under a harmless name, too.
const GENERATED: usize = 20;

impl Server {
    /// Whether a setting of this name and value holds a secret: by what the site says, by its name, or because it is an
    /// address with a password in it.
    pub fn is_secret(&self, name: &str, value: &str) -> bool {
        let is_in = |list: &[String]| list.iter().any(|other| other == name);
        let is_called_so =
            secret::named_like_a_secret(name) && (value.is_empty() || !secret::is_harmless(value));
        is_in(&self.secrets)
            || (!is_in(&self.not_secrets) && (is_called_so || secret::password_of(value).is_some()))
    }

    /// Learns the secrets of the server, as far as they changed since they were learned last. Returns what a person should
    /// know: that some of the settings can't be read, and so not be hidden.
    pub fn learn_secrets(&self) -> Option<String> {
        for (name, value) in &self.environment {
            self.learn(name, value, "");
        }
        // Its address may have a password in it.
        if let Some(repository) = &self.repository {
            let address = repository.rsplit_once("://").and_then(|(before, _)| before.rfind(':'));
            self.learn("repository", address.map_or(repository, |at| &repository[at + 1..]), "");
        }
        self.learn_words();
        // One that is elsewhere keeps its settings there.
        if self.ssh.is_some() {
            return None;
        }
        let warnings = self.settings_files().into_iter().filter_map(|path| self.learn_file(&path));
        warnings.reduce(|all, next| format!("{all}\n{next}"))
    }

    /// The settings file, or those that a server without one usually has.
    fn settings_files(&self) -> Vec<PathBuf> {
        match self.settings_file(None) {
            Ok(path) => vec![path],
            Err(_) => {
                let mut files = vec![self.checkout.join(".env"), self.make_folder().join(".env")];
                files.dedup();
                files
            }
        }
    }

    fn learn_file(&self, path: &Path) -> Option<String> {
        // A pipe of that name would never end.
        let about = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let changed = about.modified().ok()?;
        let seen = || SEEN.lock();
        let now = (changed, about.len());
        if seen().get_or_insert_default().get(path) == Some(&now) {
            return None;
        }
        let Some((file, unread)) =
            EnvFile::read_what_can_be(path, self.dialect.unwrap_or_default(), self.variables())
        else {
            // Looked at again next time: who may read it may change.
            let unreadable = (SystemTime::UNIX_EPOCH, 0);
            let told = seen().get_or_insert_default().insert(path.to_owned(), unreadable) == Some(unreadable);
            return (!told)
                .then(|| format!("`{}` can't be read: secrets there are not hidden", path.display()));
        };
        seen().get_or_insert_default().insert(path.to_owned(), now);
        self.keep_secrets(&file, "");
        self.learn_as_written(&String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()));
        (!unread.is_empty()).then(|| {
            let lines = unread.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            format!("`{}` can't be read in line {lines}: secrets there are not hidden", path.display())
        })
    }

    /// Hides the secrets of a settings file from now on. `of` tells two files of one server apart.
    pub fn keep_secrets(&self, file: &EnvFile, of: &str) {
        for name in file.names() {
            if let Ok(Some(value)) = file.get(name) {
                self.learn(name, &value, of);
            }
            // Whoever else reads it may read another value.
            for (n, value) in file.readings(name).iter().enumerate() {
                if self.is_secret(name, value) && !secret::is_weak(value) && !secret::is_value(value) {
                    secret::keep(format!("{} {name}{of} as read {n}", self.name), value);
                }
            }
        }
    }

    /// Learns secrets as they stand in the file, too: whoever reads it by other rules, as another program does, gets other
    /// values, such as those with `$` or `#` in them and keys of several lines.
    fn learn_as_written(&self, text: &str) {
        let mut lines = text.lines();
        let mut n = 0;
        while let Some(line) = lines.next() {
            let line = line.trim_start().trim_start_matches("export ");
            let Some((name, written)) = line.split_once(['=', ':']) else { continue };
            let (name, mut written) = (name.trim_end(), written.trim().to_owned());
            let quote = written.chars().next().filter(|first| ['"', '\''].contains(first));
            // A value in quotes may go over several lines, up to its end.
            while let (Some(quote), 1) = (quote, quote.map_or(0, |quote| written.matches(quote).count())) {
                let Some(next) = lines.next() else { break };
                written.push('\n');
                written.push_str(next);
                if next.contains(quote) {
                    break;
                }
            }
            let bare = quote.and_then(|quote| written.trim().strip_prefix(quote)?.strip_suffix(quote));
            let value = bare.unwrap_or(&written).replace("\\n", "\n");
            if self.is_secret(name, &value) && !secret::is_weak(&value) && !secret::is_value(&value) {
                n += 1;
                secret::keep(format!("{} {name} as written {n}", self.name), &value);
            }
        }
    }

    fn learn(&self, name: &str, value: &str, of: &str) {
        let known = format!("{} {name}{of}", self.name);
        if self.is_secret(name, value) {
            secret::keep(known, value);
        } else if secret::is_kept(&known) || self.not_secrets.iter().any(|other| other == name) {
            // Earlier records may name it.
            secret::know(known, value);
            secret::keep_word(value);
        } else if value.len() < GENERATED {
            secret::keep_word(value);
        }
    }

    /// Words of the site that a secret may be like.
    fn learn_words(&self) {
        secret::keep_word(&self.name);
        self.branch.iter().chain([&self.kind]).for_each(|word| secret::keep_word(word));
        let backups = self.backup.iter().map(Path::new).chain(self.backups.as_deref());
        for path in backups.chain([self.checkout.as_path()]) {
            let parts = path.iter().filter_map(|part| part.to_str());
            parts.filter(|part| !COMMON.contains(part)).for_each(secret::keep_word);
        }
    }

    /// The names of settings that are hidden like secrets and are a word of the site as well, with what word that is.
    pub fn doubtful_secrets(&self) -> Vec<(String, &'static str)> {
        let mut found = Vec::new();
        for path in self.settings_files() {
            let Some((file, _)) =
                EnvFile::read_what_can_be(&path, self.dialect.unwrap_or_default(), self.variables())
            else {
                continue;
            };
            let names = file.names();
            let value = |name: &str| file.get(name).ok().flatten().unwrap_or_default();
            for name in &names {
                let secret = value(name);
                if secret.is_empty() || !self.is_secret(name, &secret) {
                    continue;
                }
                let is_part = |path: &Path| path.iter().any(|part| part == secret.as_str());
                let is_setting = |other: &&str| {
                    other != name && !self.is_secret(other, &value(other)) && value(other) == secret
                };
                let word = if secret == self.name {
                    "the name of the server"
                } else if is_part(&self.checkout) || self.backups.as_deref().is_some_and(is_part) {
                    "a part of a path of the server"
                } else if secret::is_harmless(&secret) {
                    "a path, a number or a switch"
                } else if names.iter().any(is_setting) {
                    "the value of another setting"
                } else {
                    continue;
                };
                found.push(((*name).to_owned(), word));
            }
        }
        found
    }
}
