//! The version that a program says of itself among other words.

use super::Release;

/// The first version in a text such as `Gitea version 1.25.1 built with go1.25`: a word with at least two numbers, without
/// the brackets and commas around it.
pub fn mentioned(text: &str) -> Option<&str> {
    let words = text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
    words.into_iter().find(|word| {
        let release = word.parse::<Release>().ok().filter(Release::has_order);
        word.contains(|c: char| c.is_ascii_digit()) && release.is_some_and(|it| it.numbers().len() > 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_version_is_that_of_the_program() {
        for (text, version) in [
            ("1.2.3\n", Some("1.2.3")),
            ("Gitea version 1.25.1 built with GNU Make 4.3, go1.25.4 : bindata", Some("1.25.1")),
            ("forgejo version 14.0.2+gitea-1.22.0 (release name 14.0.2) built", Some("14.0.2+gitea-1.22.0")),
            ("k3s version v1.30.1+k3s1 (aab1c2d3)\ngo version go1.22.2", Some("v1.30.1+k3s1")),
            (
                "minio version RELEASE.2024-05-28T17-19-04Z (commit-id=1)",
                Some("RELEASE.2024-05-28T17-19-04Z"),
            ),
            ("app, version 2.0.", Some("2.0")),
            ("usage: app [options]", None),
            ("", None),
        ] {
            assert_eq!(mentioned(text), version, "{text}");
        }
    }
}
