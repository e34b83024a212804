//! How many there are of a thing, in words: one is no plural.

/// `1 change`, `2 changes`.
pub fn counted(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}
