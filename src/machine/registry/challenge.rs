//! What a registry wants to see before it answers: the header `WWW-Authenticate` (RFC 9110).

/// How it may be proved who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    Basic,
    /// A token of another service.
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

/// The one to answer: a token where one is offered, since that can be had without credentials.
pub fn challenge<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let mut found = None;
    for offer in headers.flat_map(offers) {
        let parameter = |name: &str| {
            let named = offer.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            named.map(|(_, value)| value.clone())
        };
        if offer.scheme.eq_ignore_ascii_case("bearer")
            && let Some(realm) = parameter("realm")
        {
            return Some(Challenge::Bearer {
                realm,
                service: parameter("service"),
                scope: parameter("scope"),
            });
        }
        if offer.scheme.eq_ignore_ascii_case("basic") {
            found = Some(Challenge::Basic);
        }
    }
    found
}

#[derive(Default)]
struct Offer {
    scheme: String,
    parameters: Vec<(String, String)>,
}

/// `Bearer realm="…",service="…", Basic realm="…"`: a word with `=` is a parameter of the last one without.
fn offers(header: &str) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            return offers;
        }
        match after.trim_start().strip_prefix('=') {
            None => {
                offers.push(Offer { scheme: word.to_owned(), ..Offer::default() });
                rest = after;
            }
            Some(value) => {
                let (value, after) = value_of(value.trim_start());
                if let Some(offer) = offers.last_mut() {
                    offer.parameters.push((word.to_owned(), value));
                }
                rest = after;
            }
        }
    }
}

/// A value, in quotes or not, and what is behind it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find([',', ' ', '\t']).unwrap_or(text.len()));
        return (value.to_owned(), rest);
    };
    let (mut value, mut is_escaped) = (String::new(), false);
    for (at, letter) in quoted.char_indices() {
        match letter {
            '\\' if !is_escaped => is_escaped = true,
            '"' if !is_escaped => return (value, &quoted[at + 1..]),
            letter => {
                is_escaped = false;
                value.push(letter);
            }
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(header: &str) -> Option<Challenge> {
        challenge([header].into_iter())
    }

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Some(Challenge::Bearer { realm: realm.into(), service: owned(service), scope: owned(scope) })
    }

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#;
        let scope = Some("repository:a/b:pull,push");
        assert_eq!(of(hub), bearer("https://auth.docker.io/token", Some("registry.docker.io"), scope));
        assert_eq!(of("Basic realm=\"Registry Realm\""), Some(Challenge::Basic));
        assert_eq!(
            of(r#"Basic realm="a, Bearer realm=x", bearer REALM = "b" , service=c"#),
            bearer("b", Some("c"), None)
        );
        assert_eq!(challenge(["Basic", "Bearer realm=a"].into_iter()), bearer("a", None, None));
        assert_eq!(of(r#"Bearer realm="a\"b"#), bearer("a\"b", None, None));
    }

    #[test]
    fn nonsense_is_no_challenge() {
        let long = "a=b,".repeat(10_000);
        for header in
            ["", "=", "Bearer", "Bearer service=a", "Negotiate", ",,,", "realm=x", "\"", "=\"", &long]
        {
            assert_eq!(of(header), None);
        }
    }
}
