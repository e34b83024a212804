//! What is expected of a kind of servers: the functions that it must offer.

use crate::script::layers::{Folder, Layers};

/// The functions that `status` asks with a server.
pub const ASKED: [&str; 3] = ["health", "running_release", "backup_folder"];

/// What is expected of a kind, in its groups: the only list of the functions that it must offer.
pub const CONTRACT: &str = include_str!("../reference/kind.md");

/// A function that a kind must offer.
pub struct Offer {
    /// `check_ready(server, from, to)`.
    pub usage: String,
    /// What is expected of it.
    pub about: String,
    /// Who calls it: bundled runbooks and modules, and `status`; nobody, if only other functions of the kind do.
    pub callers: Vec<String>,
}

impl Offer {
    /// One that a line of the contract says.
    fn of(line: &str) -> Option<Offer> {
        let (usage, about) = line.strip_prefix("- `")?.split_once("`: ")?;
        let name = usage.split('(').next().unwrap_or_default();
        let bundled = Layers::of_site(None, "");
        let calls = |folder: Folder| {
            let names = bundled.list(folder).into_iter().map(|(name, _)| name);
            let is_caller = move |caller: &String| {
                let text = Layers::bundled_file(folder, caller).unwrap_or_default();
                text.contains(&format!("kind::{name}("))
            };
            names.filter(is_caller).collect::<Vec<String>>()
        };
        let mut callers = calls(Folder::Runbooks);
        // What all runbooks share.
        callers.extend(calls(Folder::Stdlib));
        callers.extend(ASKED.contains(&name).then(|| "status".to_owned()));
        Some(Offer { usage: usage.to_owned(), about: about.to_owned(), callers })
    }
}

/// All of them, in their groups, that somebody calls from outside of the kind.
pub fn offers() -> Vec<Offer> {
    CONTRACT.lines().filter_map(Offer::of).filter(|offer| !offer.callers.is_empty()).collect()
}

/// The contract, with who calls what.
pub fn contract() -> String {
    let line = |line: &str| match Offer::of(line) {
        None => format!("{line}\n"),
        Some(Offer { usage, about, callers }) => {
            let callers = match callers.is_empty() {
                true => "other functions".to_owned(),
                false => callers.join(", "),
            };
            format!("- `{usage}`, called by {callers}: {about}\n")
        }
    };
    CONTRACT.lines().map(line).collect()
}
