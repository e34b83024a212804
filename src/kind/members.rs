//! What the members of archives are that have no manifest, as another program makes them: their names say it.

use super::{FILE, Member, STDLIB, Written, bundled, path_of};
use serde::{Deserialize, Serialize};

/// The members that such archives have, in the order in which they are restored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layout(pub Vec<Member>);

impl Default for Layout {
    /// Of a kind without a layout of its own: that of all bundled ones, as an archive does not say which it has.
    fn default() -> Layout {
        let written = bundled().into_iter().filter_map(|name| {
            let text = STDLIB.get_file(path_of(&name))?.contents_utf8()?;
            Written::parse(text, FILE).ok()?.layout
        });
        Layout(written.flatten().collect())
    }
}

impl Member {
    /// What `*` is, if a member is one of these or in one: its own name, and what `*` stands for.
    pub fn of<'a>(&self, member: &'a str) -> Option<(&'a str, &'a str)> {
        let Some((before, after)) = self.name.split_once('*') else {
            let rest = member.strip_prefix(self.name.as_str())?;
            return (rest.is_empty() || rest.starts_with('/')).then_some((&member[..self.name.len()], ""));
        };
        let rest = member.strip_prefix(before)?;
        let named = match after.is_empty() {
            // The first part of the path, and all that is in it.
            true => rest.split('/').next()?,
            false => rest.strip_suffix(after)?,
        };
        (!named.is_empty()).then(|| (&member[..before.len() + named.len() + after.len()], named))
    }
}
