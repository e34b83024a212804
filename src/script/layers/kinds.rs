//! The kinds of servers that scripts are for.

use crate::site::Server;
use std::collections::BTreeSet;

/// Each of them once, in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kinds(pub(super) Vec<String>);

/// One; none, if it is called nothing.
impl From<&str> for Kinds {
    fn from(kind: &str) -> Kinds {
        Kinds(Some(kind).filter(|kind| !kind.is_empty()).map(str::to_owned).into_iter().collect())
    }
}

impl Kinds {
    /// Those of these servers.
    pub fn of<'a>(servers: impl IntoIterator<Item = &'a Server>) -> Kinds {
        servers.into_iter().map(|server| server.kind.clone()).collect()
    }
}

impl FromIterator<String> for Kinds {
    fn from_iter<T: IntoIterator<Item = String>>(kinds: T) -> Kinds {
        Kinds(kinds.into_iter().collect::<BTreeSet<_>>().into_iter().collect())
    }
}
