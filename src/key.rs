//! Keys: where in its course a run is. A key is a path of ordinals such as `/3/1`, with the branch's name inside `parallel`
//! (`/0[lab]/2`) and `!` for what `on_failure` did (`/5!/0`); what a person typed has keys that begin with `~` and the
//! number of the line (`~4/0`). Only this file puts them together and takes them apart.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// A key that somebody else has, as a `Path` is one that a `PathBuf` has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key<'a>(&'a str);

/// A key of one's own; a copy costs nothing. The default is that of the whole script.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyBuf(Arc<str>);

/// A part of a key, between slashes. They are in the order of the script's course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment<'a> {
    ordinal: u32,
    text: &'a str,
}

impl<'a> Segment<'a> {
    /// 0 of `0[lab]`, 5 of `5!`.
    fn of(text: &'a str) -> Segment<'a> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        Segment { ordinal: text[..digits].parse().unwrap_or(0), text }
    }
}

impl<'a> Key<'a> {
    /// That of the whole script.
    pub const ROOT: Key<'static> = Key("");

    pub fn as_str(self) -> &'a str {
        self.0
    }

    pub fn to_buf(self) -> KeyBuf {
        KeyBuf(self.0.into())
    }

    /// That of a call or a block in this block.
    pub fn child(self, ordinal: u32) -> KeyBuf {
        format!("{}/{ordinal}", self.0).into()
    }

    /// That of a branch of this `parallel`.
    pub fn branch(self, name: &str) -> KeyBuf {
        format!("{}[{name}]", self.0).into()
    }

    /// Whether a branch can be called so.
    pub fn can_name_branch(name: &str) -> bool {
        !name.is_empty() && !name.contains(['/', '[', ']', '!'])
    }

    /// That of what the `on_failure` with this key does.
    pub fn handler(self) -> KeyBuf {
        format!("{}!", self.0).into()
    }

    /// The frame that a key stands in: `/3` of `/3/1`, `/0[lab]` of `/0[lab]/2`, `/5!` of `/5!/0`, the root of `/4`.
    pub fn frame(self) -> Key<'a> {
        Key(self.0.rfind('/').map_or("", |slash| &self.0[..slash]))
    }

    /// The last ordinal of a key: 1 of `/3/1`, 0 of `/0[lab]`, 5 of `/5!`.
    pub fn ordinal(self) -> u32 {
        Segment::of(self.0.rsplit('/').next().unwrap_or_default()).ordinal
    }

    /// By this, keys are sorted in the order of the script's course.
    pub fn order(self) -> Vec<Segment<'a>> {
        self.0.split('/').skip(1).map(Segment::of).collect()
    }

    /// How many blocks are around what has this key; of what `on_failure` does, how many are in that.
    pub fn depth(self) -> usize {
        match self.0.split_once('!') {
            Some((_, inside)) => inside.matches('/').count(),
            None => self.0.matches('/').count().saturating_sub(1),
        }
    }

    /// The key itself and everything around it, innermost first, up to the handler or the typed line it stands in, if it
    /// stands in one: what is done there is not before or after the course of the script.
    pub fn outward(self) -> impl Iterator<Item = Key<'a>> {
        std::iter::successors(Some(self), |inner| {
            let frame = inner.frame();
            (frame != Key::ROOT && !frame.0.ends_with('!') && !frame.is_line()).then_some(frame)
        })
    }

    /// The blocks, handlers and lines that a key lies in, outermost first: `/0`, `/0[lab]` and `/0[lab]/2` of `/0[lab]/2/1`.
    pub fn around(self) -> impl Iterator<Item = Key<'a>> {
        let ends = self.0.match_indices(['/', '[', '!']);
        ends.map(move |(at, _)| Key(&self.0[..at])).filter(|outer| *outer != Key::ROOT)
    }

    /// Whether it is that of `outer`, or of what is in that.
    pub fn is_in(self, outer: Key) -> bool {
        self.0.strip_prefix(outer.0).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '[']))
    }

    /// Whether the key is in the course from a step on: that of the step, of what is in it, or of what its thread of
    /// control came to later. What other branches did beside it is not.
    pub fn is_from(self, step: Key) -> bool {
        self.in_course() && (self.is_in(step) || self.begins_after(step))
    }

    /// The same, but for the step and what is in it.
    fn begins_after(self, step: Key) -> bool {
        step.outward().any(|outer| {
            let rest = self.0.strip_prefix(outer.frame().0).and_then(|rest| rest.strip_prefix('/'));
            let next = rest.map(|rest| Segment::of(rest.split('/').next().unwrap_or_default()));
            next.is_some_and(|next| next.ordinal > outer.ordinal())
        })
    }

    /// Whether it is that of a branch of `parallel`, and not of what is done in it.
    pub fn is_branch(self) -> bool {
        self.0.ends_with(']')
    }

    /// The innermost branch that the key is in, or is that of; the root if it is in none.
    pub fn innermost_branch(self) -> Key<'a> {
        Key(self.0.rfind(']').map_or("", |end| &self.0[..=end]))
    }

    /// What the branch with this key is called; nothing for what is none.
    pub fn name_of_branch(self) -> &'a str {
        let name = self.0.strip_suffix(']').and_then(|key| key.rsplit_once('['));
        name.map_or("", |(_, name)| name)
    }

    /// Whether the key belongs to what `on_failure` does.
    pub fn in_handler(self) -> bool {
        self.0.contains('!')
    }

    /// That of the `on_failure` whose doing it is, if it is of one.
    pub fn declaration(self) -> Option<Key<'a>> {
        self.0.split_once('!').map(|(declaration, _)| Key(declaration))
    }

    /// Whether the key belongs to what a person typed.
    pub fn is_typed(self) -> bool {
        self.0.starts_with('~')
    }

    /// Whether the key is that of a typed line, and not of what is done in it.
    fn is_line(self) -> bool {
        self.is_typed() && !self.0.contains('/')
    }

    /// That of the typed line in which it is done, if it is in one.
    pub fn line(self) -> Option<Key<'a>> {
        self.0.split_once('/').map(|(line, _)| Key(line)).filter(|line| line.is_typed())
    }

    /// Whether the key belongs to the course of the script itself.
    pub fn in_course(self) -> bool {
        !self.in_handler() && !self.is_typed()
    }

    /// As a folder's name: `3.1` for `/3/1`. Each key has one of its own: where the name of a branch has letters that are
    /// replaced, or is too long, the key's digest is added, because another one may differ only in those.
    pub fn folder_name(self) -> String {
        let name = self.in_letters_of_folders();
        if self.0.chars().all(is_of_folders) && name.len() <= LONGEST {
            return name;
        }
        let digest: String =
            Sha256::digest(self.0).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{}~{digest}", &name[..name.len().min(LONGEST)])
    }

    /// The name that an earlier version gave the folder, if that was another one.
    pub fn former_folder_name(self) -> Option<String> {
        let name = self.in_letters_of_folders();
        (name != self.folder_name()).then_some(name)
    }

    fn in_letters_of_folders(self) -> String {
        let letter = |c: char| match c {
            '/' => '.',
            c if is_of_folders(c) => c,
            _ => '_',
        };
        self.0.trim_start_matches('/').chars().map(letter).collect()
    }
}

/// So long may the name of a folder be, without what is added to it.
const LONGEST: usize = 100;

/// Whether a folder's name tells this letter of a key from any other.
fn is_of_folders(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "/[]!-_~".contains(letter)
}

impl KeyBuf {
    /// That of the line with this number, from 0, that a person typed.
    pub fn line(number: usize) -> KeyBuf {
        format!("~{number}").into()
    }

    pub fn as_key(&self) -> Key<'_> {
        Key(&self.0)
    }
}

impl From<String> for KeyBuf {
    fn from(text: String) -> KeyBuf {
        KeyBuf(text.into())
    }
}

impl From<&str> for KeyBuf {
    fn from(text: &str) -> KeyBuf {
        KeyBuf(text.into())
    }
}

impl<'a> From<&'a str> for Key<'a> {
    fn from(text: &'a str) -> Key<'a> {
        Key(text)
    }
}

/// What is kept by keys is found by their text.
impl Borrow<str> for KeyBuf {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Key<'_> {
    fn borrow(&self) -> &str {
        self.0
    }
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl fmt::Display for KeyBuf {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        self.as_key().fmt(formatter)
    }
}

impl Serialize for KeyBuf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for KeyBuf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<KeyBuf, D::Error> {
        String::deserialize(deserializer).map(KeyBuf::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_knows_what_is_around_it() {
        let outward = |key| Key(key).outward().map(Key::as_str).collect::<Vec<_>>();
        let around = |key| Key(key).around().map(Key::as_str).collect::<Vec<_>>();
        assert_eq!(outward("/3/1/0"), ["/3/1/0", "/3/1", "/3"]);
        assert_eq!(outward("/5!/2/1"), ["/5!/2/1", "/5!/2"]);
        assert_eq!(outward("/0[lab]/2"), ["/0[lab]/2", "/0[lab]"]);
        assert_eq!(outward("~4/2/1"), ["~4/2/1", "~4/2"]);
        assert_eq!(around("/0[lab]/2/1"), ["/0", "/0[lab]", "/0[lab]/2"]);
        assert_eq!(around("/5!/2"), ["/5", "/5!"]);
        assert_eq!(Key("/4").frame(), Key::ROOT);
        assert_eq!(["/0[lab]", "/5!", "/3/12"].map(|key| Key(key).ordinal()), [0, 5, 12]);
        assert_eq!((Key("~4/2").line(), Key("/4/2").line()), (Some(Key("~4")), None));
        assert_eq!((Key("/5!/2").declaration(), Key("/5/2").declaration()), (Some(Key("/5")), None));
        assert_eq!(["/5!/2/1", "/5", "/5/2"].map(|key| Key(key).depth()), [2, 0, 1]);
        let branch = Key("/0/1[web-1]/2").innermost_branch();
        assert_eq!((branch, branch.name_of_branch()), (Key("/0/1[web-1]"), "web-1"));
        assert_eq!((Key("/0/1").innermost_branch(), Key::ROOT.name_of_branch()), (Key::ROOT, ""));
    }

    #[test]
    fn the_course_from_a_step_on_is_its_own_branch_and_what_comes_after_all_branches() {
        let from = |key: &str| Key(key).is_from(Key("/2[lab]/1"));
        assert!(
            ["/2[lab]/1", "/2[lab]/1/0", "/2[lab]/2", "/2[lab]/10/3", "/3", "/3/0"].into_iter().all(from)
        );
        assert!(
            !["/2[hub]/1", "/2[hub]/9", "/2[lab]/0", "/1", "/2[lab]", "~0/3", "/3!/0"].into_iter().any(from)
        );
        assert!(!Key("/10").is_from(Key("/100")) && Key("/100").is_from(Key("/10")));
    }

    #[test]
    fn no_two_keys_have_one_folder() {
        assert_eq!(Key("/3/1").folder_name(), "3.1");
        assert_eq!(Key("/5!/0[web-1]/2").folder_name(), "5!.0[web-1].2");
        let names = ["a b", "a_b", "a.b", "ä", "ö", &"long".repeat(100), &"long".repeat(101)];
        let folder = |name: &&str| Key("/0").branch(name).as_key().child(1).as_key().folder_name();
        let folders: std::collections::BTreeSet<String> = names.iter().map(folder).collect();
        assert_eq!(folders.len(), names.len(), "{folders:?}");
        assert!(folders.iter().all(|name| name.len() < 150), "{folders:?}");
    }
}
