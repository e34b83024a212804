//! Which server a step is about, where a run is of several.

use super::{Frame, Session};

impl Session {
    /// The server of a step that is about to begin in `outer`: that of the run; if it is of several, the one whose branch
    /// of `parallel` it is in, else the one that it is named after, or that a step around it is named after, innermost
    /// first. Nothing for a step that is about all of them.
    pub fn server_of_step(&self, outer: &Frame, name: &str) -> Option<&str> {
        let servers = self.header.servers.as_slice();
        if let [only] = servers {
            return Some(only);
        }
        let key = outer.key.as_key();
        let mut around: Vec<_> = key.around().collect();
        around.push(key);
        let branches = around.iter().rev().filter(|key| key.is_branch());
        let of_branch = |branch: &str| servers.iter().find(|server| *server == branch);
        if let Some(server) = branches.filter_map(|key| of_branch(key.name_of_branch())).next() {
            return Some(server);
        }
        let written = self.written.lock();
        let steps = around.iter().rev().filter(|key| !key.is_branch());
        let names = steps.filter_map(|key| Some(&*written.index.block(*key)?.name));
        let named = std::iter::once(name).chain(names).map(|step| named_after(step, servers));
        match named.into_iter().find(|named| !named.is_empty())?.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

/// The servers whose names are words of a step's name.
fn named_after<'a>(step: &str, servers: &'a [String]) -> Vec<&'a str> {
    let words: Vec<&str> = step.split_whitespace().map(|word| word.trim_matches([',', ':', ';'])).collect();
    servers.iter().map(String::as_str).filter(|server| words.contains(server)).collect()
}
