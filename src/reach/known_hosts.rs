//! A host key that is another one than before, as ssh reports it.

use crate::failure::Failure;
use crate::output::word;

/// What ssh says of it.
#[derive(Debug, Default, PartialEq)]
pub struct Changed {
    /// As `known_hosts` names it, with its port if that is not 22.
    host: String,
    /// The file with the earlier key, and its line there.
    file: String,
    line: String,
    /// Of the key that was sent.
    fingerprint: String,
    /// The key's sort, as `ED25519`.
    sort: String,
}

/// What these lines say of a changed key, if that is what they say.
pub fn changed(said: &[String]) -> Option<Changed> {
    let mut changed = Changed::default();
    for line in said {
        if let Some(host) = between(line, "Host key for ", " has changed") {
            changed.host = host.into();
        } else if let Some((_, place)) =
            line.strip_prefix("Offending ").and_then(|rest| rest.split_once(" key in "))
        {
            let (file, at) = place.rsplit_once(':')?;
            (changed.file, changed.line) = (file.into(), at.into());
        } else if let Some(sort) = between(line, "The fingerprint for the ", " key sent by") {
            changed.sort = sort.into();
        } else if line.starts_with("SHA256:") {
            changed.fingerprint = line.trim_end_matches('.').into();
        }
    }
    (!changed.host.is_empty() && !changed.file.is_empty()).then_some(changed)
}

impl Changed {
    /// The failure with this as its reason: comparing comes before removing.
    pub fn explain(&self, failure: Failure, destination: &str) -> Failure {
        let Changed { host, file, line, fingerprint, sort } = self;
        let key = sort.to_lowercase();
        let help = format!(
            "the server was installed anew, or another machine answers in its place: compare the fingerprint first, at the \
             console of the server: `ssh-keygen -lf /etc/ssh/ssh_host_{key}_key.pub`; if it is the same, remove the earlier \
             key (`ssh-keygen -f {} -R {}`), and accept it once by hand: `ssh {destination} true`",
            word(file),
            word(host)
        );
        failure
            .why("Host key verification failed")
            .why(format!("line {line} of `{file}` has another key for `{host}` than the one it sent now"))
            .why(format!("the fingerprint of the key sent is {fingerprint} ({sort})"))
            .help(help)
    }
}

fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    line.strip_prefix(before)?.split_once(after).map(|(found, _)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_key_is_found_in_what_ssh_says() {
        let said = "The fingerprint for the ED25519 key sent by the remote host is\nSHA256:2Wf.\n\
            Offending ED25519 key in /home/a b/known_hosts:3\n  remove with:\n\
            Host key for [127.0.0.1]:22951 has changed and you have requested strict checking.";
        let said: Vec<String> = said.lines().map(str::to_owned).collect();
        let found = changed(&said).unwrap();
        assert_eq!((found.host.as_str(), found.line.as_str()), ("[127.0.0.1]:22951", "3"));
        assert_eq!((found.fingerprint.as_str(), found.sort.as_str()), ("SHA256:2Wf", "ED25519"));
        assert_eq!(changed(&said[..2]), None);
    }
}
