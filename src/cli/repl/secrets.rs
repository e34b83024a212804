//! Secrets that a person types.

use crate::script::text::tokens::{Sort, tokens};
use crate::secret::{keep, named_like_a_secret};

/// Hides, from now on, each text that stands beside a name of a secret: in `"DB_PASSWORD", "…"` and in `token: "…"`. What
/// is typed is written into the journal and the history before anything could say that it was secret.
pub fn learn(line: &str) {
    let tokens = tokens(line);
    for three in tokens.windows(3) {
        let [name, between, value] = three else { continue };
        let text = |token: &crate::script::text::tokens::Token| &line[token.place.clone()];
        let is_text = |sort: Sort| matches!(sort, Sort::Text { quote: '"' | '`', closed: true });
        let beside = match name.sort {
            Sort::Word => matches!(text(between), ":" | "="),
            sort => is_text(sort) && matches!(text(between), "," | ":"),
        };
        // As settings are called: neither `ssh-keygen`, nor the `key` of a file.
        let name = text(name).trim_matches(['"', '`']);
        let is_setting = name.chars().all(|c| c.is_alphanumeric() || c == '_') && name != "key";
        if beside && is_text(value.sort) && is_setting && named_like_a_secret(name) {
            keep(format!("typed {name}"), &line[value.place.start + 1..value.place.end - 1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::show;

    #[test]
    fn what_stands_beside_the_name_of_a_secret_is_hidden_and_nothing_else_is() {
        let lines = [
            "web.set_env(\"DB_PASSWORD\", \"first-typed\")",
            "let api_token = \"second-typed\"",
            "f(#{ token: `third-typed`, name: \"plain-typed\" })",
            "web.run([\"ssh-keygen\", \"word-typed\"]); web.read_yaml(\"a\", #{ key: \"path-typed\" })",
        ];
        for line in lines {
            learn(line);
        }
        let hidden = lines.map(|line| show(line).into_owned());
        for (n, secret) in ["first-typed", "second-typed", "third-typed"].iter().enumerate() {
            assert!(hidden[n].contains("‹secret›") && !hidden[n].contains(secret), "{}", hidden[n]);
        }
        assert!(hidden[2].contains("plain-typed"), "{}", hidden[2]);
        assert_eq!(hidden[3], lines[3]);
    }
}
