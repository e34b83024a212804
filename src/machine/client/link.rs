//! The header `Link`, by which lists of several pages name the next one (RFC 8288).

/// The reference to the next page: what stands in `<…>` with `rel="next"`.
pub fn next<'a>(headers: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    headers.flat_map(links).find(|(_, parameters)| is_next(parameters)).map(|(reference, _)| reference)
}

/// Each reference of a header with its parameters. A reference may have commas in it.
fn links(header: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = header;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once('<')?;
        let (reference, parameters) = after.split_once('>')?;
        let end = parameters.find('<').unwrap_or(parameters.len());
        rest = &parameters[end..];
        Some((reference, &parameters[..end]))
    })
}

fn is_next(parameters: &str) -> bool {
    parameters.split([';', ',']).any(|parameter| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && value.split(' ').any(|relation| relation.eq_ignore_ascii_case("next"))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_others() {
        let github =
            r#"<https://api.example/a?page=1>; rel="prev", <https://api.example/a?page=3,4>; rel="next""#;
        assert_eq!(next([github].into_iter()), Some("https://api.example/a?page=3,4"));
        assert_eq!(
            next(["</v2/a/tags/list?last=b&n=2>; rel=next"].into_iter()),
            Some("/v2/a/tags/list?last=b&n=2")
        );
        assert_eq!(next(["<a>; rel=last", "<b>; title=x; REL=\"prev next\""].into_iter()), Some("b"));
        for none in ["", "<", "<a", "<a>", "<a>; rel=", "a; rel=next", "<a>; rel=nextish", "><;rel=next"] {
            assert_eq!(next([none].into_iter()), None, "{none}");
        }
    }
}
