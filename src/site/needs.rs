//! Which servers need which: `needs` in `site.toml`, as far as it can be wrong.

use super::Server;
use super::spot::{inside, value};
use crate::output::nearest::nearest;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A mistake in `needs`: of which server, which of its needs, and what is wrong.
pub struct Mistake {
    pub server: String,
    pub need: String,
    pub message: String,
}

/// The first mistake, in the order of `order`, the names of all servers.
pub fn mistake(servers: &BTreeMap<String, Server>, order: &[String]) -> Option<Mistake> {
    for server in order.iter().filter_map(|name| servers.get(name)) {
        for need in &server.needs {
            let message = match servers.contains_key(need) {
                _ if *need == server.name => format!("`{need}` can't need itself"),
                true => continue,
                false => {
                    let others = order.iter().filter(|other| **other != server.name);
                    let near = nearest(need, others.map(String::as_str));
                    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                    format!("`{}` needs `{need}`, and there is no such server{near}", server.name)
                }
            };
            return Some(Mistake { server: server.name.clone(), need: need.clone(), message });
        }
    }
    order.iter().find_map(|name| circle(servers, name))
}

/// A circle of needs that leads from a server back to it.
fn circle(servers: &BTreeMap<String, Server>, name: &str) -> Option<Mistake> {
    // By each server that was come to, the one that needs it.
    let mut from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = vec![name];
    while let Some(at) = open.pop() {
        for need in servers.get(at).into_iter().flat_map(|server| &server.needs) {
            if need == name {
                let back = std::iter::successors(Some(at), |at| from.get(at).copied());
                let mut course: Vec<&str> = back.collect();
                course.reverse();
                let first = course.get(1).copied().unwrap_or(name).to_owned();
                let words: Vec<String> = course.iter().map(|name| format!("`{name}` needs ")).collect();
                let message = format!("the servers need each other in a circle: {}`{name}`", words.concat());
                return Some(Mistake { server: name.to_owned(), need: first, message });
            }
            if !from.contains_key(need.as_str()) {
                from.insert(need, at);
                open.push(need);
            }
        }
    }
    None
}

/// Where a server's `needs` names another one, in a tree of `site.toml`.
pub fn place(tree: &DeTable, server: &str, need: &str) -> Option<Range<usize>> {
    let DeValue::Array(needs) = value(inside(inside(tree, "servers")?, server)?, "needs")?.get_ref() else {
        return None;
    };
    let is_it = |item: &DeValue| matches!(item, DeValue::String(name) if name == need);
    needs.iter().find(|item| is_it(item.get_ref())).map(|item| item.span())
}
