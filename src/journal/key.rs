//! Keys: paths of ordinals.

use sha2::{Digest, Sha256};

/// The frame that a key stands in: `/3` of `/3/1`, `/0[lab]` of `/0[lab]/2`, `/5!` of `/5!/0`, nothing of `/4`.
pub fn frame(key: &str) -> &str {
    key.rfind('/').map_or("", |slash| &key[..slash])
}

/// The last ordinal of a key: 1 of `/3/1`, 0 of `/0[lab]`, 5 of `/5!`.
pub fn ordinal(key: &str) -> u32 {
    let last = key.rsplit('/').next().unwrap_or_default();
    let digits = last.find(|c: char| !c.is_ascii_digit()).unwrap_or(last.len());
    last[..digits].parse().unwrap_or(0)
}

/// The key itself and everything around it, innermost first, up to the handler or the typed line it stands in, if it
/// stands in one: what is done there is not before or after the course of the script.
pub fn outward(key: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(key), |inner| {
        let frame = frame(inner);
        (!frame.is_empty() && !frame.ends_with('!') && !is_line(frame)).then_some(frame)
    })
}

/// Whether the key is in the course from a step on: that of the step, of what is in it, or of what its thread of control
/// came to later. What other branches did beside it is not.
pub fn is_from(key: &str, step: &str) -> bool {
    let is_in = |outer: &str| {
        key.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '[']))
    };
    in_course(key) && (is_in(step) || begins_after(key, step))
}

/// The same, but for the step and what is in it.
pub fn begins_after(key: &str, step: &str) -> bool {
    outward(step).any(|outer| {
        let rest = key.strip_prefix(frame(outer)).and_then(|rest| rest.strip_prefix('/'));
        let next = rest.map(|rest| rest.split('/').next().unwrap_or_default());
        next.is_some_and(|next| ordinal(next) > ordinal(outer))
    })
}

/// By this, keys are sorted in the order of the script's course.
pub fn order(key: &str) -> Vec<(u32, &str)> {
    key.split('/').skip(1).map(|part| (ordinal(part), part)).collect()
}

/// The blocks, handlers and lines that a key lies in, outermost first: `/0`, `/0[lab]` and `/0[lab]/2` of `/0[lab]/2/1`.
pub fn around(key: &str) -> impl Iterator<Item = &str> {
    key.match_indices(['/', '[', '!']).map(|(at, _)| &key[..at]).filter(|outer| !outer.is_empty())
}

/// Whether the key belongs to what `on_failure` does.
pub fn in_handler(key: &str) -> bool {
    key.contains('!')
}

/// The key of the line with this number, from 0, that a person typed.
pub fn line(number: usize) -> String {
    format!("~{number}")
}

/// Whether the key is that of a typed line, and not of what is done in it.
fn is_line(key: &str) -> bool {
    is_typed(key) && !key.contains('/')
}

/// Whether the key belongs to what a person typed.
pub fn is_typed(key: &str) -> bool {
    key.starts_with('~')
}

/// Whether the key belongs to the course of the script itself.
pub fn in_course(key: &str) -> bool {
    !in_handler(key) && !is_typed(key)
}

/// So long may the name of a folder be, without what is added to it.
const LONGEST: usize = 100;

/// As a folder's name: `3.1` for `/3/1`. Each key has one of its own: where the name of a branch has letters that are
/// replaced, or is too long, the key's digest is added, because another one may differ only in those.
pub fn folder_name(key: &str) -> String {
    let is_kept = |c: char| c == '/' || c.is_ascii_alphanumeric() || "[]!-_~".contains(c);
    let letter = |c: char| match c {
        '/' => '.',
        c if is_kept(c) => c,
        _ => '_',
    };
    let name: String = key.trim_start_matches('/').chars().map(letter).collect();
    if key.chars().all(is_kept) && name.len() <= LONGEST {
        return name;
    }
    let digest: String = Sha256::digest(key).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{}~{digest}", &name[..name.len().min(LONGEST)])
}

/// The name that an earlier version gave the folder, if that was another one.
pub fn former_folder_name(key: &str) -> Option<String> {
    let letter = |c: char| match c {
        '/' => '.',
        c if c.is_ascii_alphanumeric() || "[]!-_~".contains(c) => c,
        _ => '_',
    };
    let name: String = key.trim_start_matches('/').chars().map(letter).collect();
    (name != folder_name(key)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_knows_what_is_around_it() {
        assert_eq!(outward("/3/1/0").collect::<Vec<_>>(), ["/3/1/0", "/3/1", "/3"]);
        assert_eq!(outward("/5!/2/1").collect::<Vec<_>>(), ["/5!/2/1", "/5!/2"]);
        assert_eq!(outward("/0[lab]/2").collect::<Vec<_>>(), ["/0[lab]/2", "/0[lab]"]);
        assert_eq!(outward("~4/2/1").collect::<Vec<_>>(), ["~4/2/1", "~4/2"]);
        assert_eq!(around("/0[lab]/2/1").collect::<Vec<_>>(), ["/0", "/0[lab]", "/0[lab]/2"]);
        assert_eq!(around("/5!/2").collect::<Vec<_>>(), ["/5", "/5!"]);
        assert_eq!((frame("/4"), ordinal("/0[lab]"), ordinal("/5!"), ordinal("/3/12")), ("", 0, 5, 12));
    }

    #[test]
    fn the_course_from_a_step_on_is_its_own_branch_and_what_comes_after_all_branches() {
        let from = |key: &str| is_from(key, "/2[lab]/1");
        assert!(
            ["/2[lab]/1", "/2[lab]/1/0", "/2[lab]/2", "/2[lab]/10/3", "/3", "/3/0"].into_iter().all(from)
        );
        assert!(
            !["/2[hub]/1", "/2[hub]/9", "/2[lab]/0", "/1", "/2[lab]", "~0/3", "/3!/0"].into_iter().any(from)
        );
        assert!(!is_from("/10", "/100") && is_from("/100", "/10"));
    }

    #[test]
    fn no_two_keys_have_one_folder() {
        assert_eq!(folder_name("/3/1"), "3.1");
        assert_eq!(folder_name("/5!/0[web-1]/2"), "5!.0[web-1].2");
        let names = ["a b", "a_b", "a.b", "ä", "ö", &"long".repeat(100), &"long".repeat(101)];
        let folders: std::collections::BTreeSet<String> =
            names.iter().map(|name| folder_name(&format!("/0[{name}]/1"))).collect();
        assert_eq!(folders.len(), names.len(), "{folders:?}");
        assert!(folders.iter().all(|name| name.len() < 150), "{folders:?}");
    }
}
