//! Secrets that a person types.

use crate::script::tokens::{Sort, tokens};
use crate::secret::{keep, named_like_a_secret};

/// Hides, from now on, each text that stands beside a name of a secret: in `"DB_PASSWORD", "…"` and in `token: "…"`. What
/// is typed is written into the journal and the history before anything could say that it was secret.
pub fn learn(line: &str) {
    let tokens = tokens(line);
    for three in tokens.windows(3) {
        let [name, between, value] = three else { continue };
        let text = |token: &crate::script::tokens::Token| &line[token.place.clone()];
        let is_text = |sort: Sort| matches!(sort, Sort::Text { quote: '"' | '`', closed: true });
        let beside = match name.sort {
            Sort::Word => matches!(text(between), ":" | "="),
            sort => is_text(sort) && matches!(text(between), "," | ":"),
        };
        if beside && is_text(value.sort) && named_like_a_secret(text(name)) {
            let inside = &line[value.place.start + 1..value.place.end - 1];
            keep(format!("typed {}", text(name).trim_matches('"')), inside);
        }
    }
}
