//! Where something is written in `site.toml`.

use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The bytes of a key in a server's table, which is reached through the keys before it.
pub fn spot(text: &str, server: &str, keys: &[&str]) -> Option<Range<usize>> {
    let tree = DeTable::parse(text).ok()?;
    let path: Vec<&str> = ["servers", server].iter().chain(keys).copied().collect();
    let (last, around) = path.split_last()?;
    let mut table = tree.get_ref();
    for key in around {
        table = inside(table, key)?;
    }
    table.iter().find(|(key, _)| key.get_ref() == last).map(|(key, _)| key.span())
}

/// The line and the column of a place, each from 1, the column in characters.
pub fn line_and_column(text: &str, place: usize) -> (usize, usize) {
    let before = text.get(..place).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

/// A table in a table.
pub(super) fn inside<'a, 'b>(table: &'b DeTable<'a>, key: &str) -> Option<&'b DeTable<'a>> {
    match value(table, key)?.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

/// What a key has in a table.
pub(super) fn value<'a, 'b>(table: &'b DeTable<'a>, key: &str) -> Option<&'b Spanned<DeValue<'a>>> {
    table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
}
