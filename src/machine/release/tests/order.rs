//! The order within a series, and that no text breaks the reading of tags.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::failure::Kind;
use crate::machine::release::{Release, Why};

fn release(tag: &str) -> Release {
    tag.parse().unwrap()
}

/// The same numbers in each run of the tests.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % count
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

#[test]
fn a_chain_of_versions_is_in_its_order() {
    let chain = [
        "1.0-dev",
        "1.0-dev2",
        "1.0-pre1",
        "1.0a1",
        "1.0-alpha.2",
        "1.0-beta.rc1",
        "1.0-beta.rc1-2",
        "1.0-beta",
        "1.0b2",
        "1.0.beta10",
        "1.0-rc.1.dev3",
        "1.0rc1",
        "1.0-rc1-1",
        "v1.0.0-rc.2",
        "1.0",
        "1.0-0",
        "1.0+1",
        "1.0-hotfix2",
        "1.0.post10-dev1",
        "1.0.post10",
        "1.0-10-1",
        "1.0a",
        "1.0a-1",
        "1.0.1",
    ];
    let chain: Vec<Release> = chain.into_iter().map(release).collect();
    for (n, one) in chain.iter().enumerate() {
        for (m, other) in chain.iter().enumerate() {
            assert_eq!(one.compare(other), Some(n.cmp(&m)), "{one} {other}");
        }
    }
}

#[test]
fn spelling_plays_no_part_in_the_order() {
    for (one, other) in [
        ("v1.2.3", "1.2.3"),
        ("V1.2.3", "v1.2.3"),
        ("1.2", "1.2.0"),
        ("2024.06", "2024.6"),
        ("2024-06-01", "2024.6.1"),
        ("1.2-RC1", "1.2.rc.1"),
        ("1.2.3-final", "1.2.3"),
        ("Release-1.2", "release-1.2"),
        ("1.2-m2", "1.2-milestone.2"),
    ] {
        assert_eq!(release(one).compare(&release(other)), Some(Ordering::Equal), "{one} {other}");
        assert_ne!(release(one), release(other));
    }
}

#[test]
fn two_series_have_no_order() {
    for (one, other) in [
        ("v4", "v4.0.1"),
        ("20240101", "34"),
        ("20240101", "240101"),
        ("1.2-alpine", "1.2"),
        ("1.2-amd64", "1.2-arm64"),
        ("1.2-win32", "1.3-win64"),
        ("n8n@1.2", "n8n-core@1.2"),
        ("240915-e1280b2fb", "240916"),
        ("1712345678", "34"),
        ("latest", "1.2"),
        ("latest", "latest"),
    ] {
        assert_eq!(release(one).compare(&release(other)), None, "{one} {other}");
    }
}

#[test]
fn what_can_not_be_read_says_why() {
    for (tag, why) in [
        ("latest", Some(Why::Moving)),
        ("lts", Some(Why::Moving)),
        ("chart-fix", Some(Why::NoNumber)),
        ("0.0.0", Some(Why::Placeholder)),
        ("v0.0.0-20230101120000-0123456789ab", Some(Why::Placeholder)),
        ("99.99", Some(Why::Placeholder)),
        ("v99.99.99.2766", Some(Why::Placeholder)),
        ("9999", Some(Why::Placeholder)),
        ("e1280b2fb", Some(Why::Commit)),
        ("git-1234567", Some(Why::Commit)),
        ("v0.99.2", None),
        ("v9.9", None),
        ("0.0.14", None),
        ("99", None),
        ("0.1", None),
    ] {
        assert_eq!(release(tag).why(), why, "{tag}");
        assert_eq!(release(tag).has_order(), why.is_none());
    }
}

#[test]
fn trials_are_known_by_their_stage_or_their_prefix() {
    for tag in [
        "1.2.0-rc.1",
        "v3.4.0.beta2",
        "2024.1.0b3",
        "1.9.0-rc1-2",
        "nightly-2024-01-02",
        "develop-20250609.2",
    ] {
        assert!(release(tag).is_trial(), "{tag}");
    }
    for tag in
        ["1.2.0", "1.2.0-1", "2024-11b", "1.0.2k", "stable-9457-1", "1.2-alpine", "latest", "1.2.0+beef"]
    {
        assert!(!release(tag).is_trial(), "{tag}");
    }
}

#[test]
fn what_can_not_be_a_tag_is_refused() {
    for wrong in ["", "a b", "main at 1a2b3c4", "a\n", "a:b", "a^", "a~1", &"1".repeat(1_001), "a\u{0}"] {
        assert_eq!(wrong.parse::<Release>().unwrap_err().kind, Kind::Invalid, "{wrong:?}");
    }
    let long = release(&"1.".repeat(500));
    assert_eq!(long.numbers().len(), 500);
    assert!(release(&"9".repeat(1_000)).why() == Some(Why::Placeholder));
}

#[test]
fn a_release_is_stored_as_its_tag() {
    let json = serde_json::to_string(&release("version/2024.8.6")).unwrap();
    assert_eq!(json, "\"version/2024.8.6\"");
    assert_eq!(serde_json::from_str::<Release>(&json).unwrap().tag(), "version/2024.8.6");
}

#[test]
fn the_first_two_numbers_say_what_a_backup_fits() {
    let fits = |one: &str, other: &str| release(one).has_first_two_numbers_of(&release(other));
    assert!(fits("0.2.13", "v0.2.9") && fits("version/2024.8.6", "version/2024.8.1") && fits("3", "3"));
    assert!(!fits("0.20.1", "0.2.1") && !fits("0.2.1-ee.0", "0.2.1-ce.0") && !fits("latest", "stable"));
    assert!(fits("latest", "latest"));
    assert_eq!(release("version/2024.08.6").first_two_numbers(), "2024.8");
    assert_eq!(release("v0.2.13").first_two_numbers(), "0.2");
    assert_eq!(release("latest").first_two_numbers(), "latest");
}

#[test]
fn a_version_is_named_without_its_prefix() {
    for (tag, version, file) in [
        ("version/2024.08.6", "2024.08.6", "version-2024.08.6"),
        ("v1.2.0-rc.1", "1.2.0-rc.1", "v1.2.0-rc.1"),
        ("n8n@1.68.0", "1.68.0", "n8n@1.68.0"),
        ("RELEASE.2024-05-28T17-19-04Z", "2024-05-28T17-19-04Z", "RELEASE.2024-05-28T17-19-04Z"),
        ("latest", "latest", "latest"),
    ] {
        assert_eq!((release(tag).version(), release(tag).file_name().as_str()), (version, file));
    }
    assert!(release(&"é".repeat(400)).file_name().len() <= 160);
}

/// Within each series the order is total up to equality: antisymmetric and transitive, for what is less and for what is
/// equal.
#[test]
fn the_order_within_a_series_is_a_strict_weak_order() {
    let mut dice = Dice(88_172_645_463_325_252);
    let parts = [
        "1", "2", "10", "0", "00", "2024", "2024-11", "rc", "rc1", "b", "b2", "alpha", ".", "-", "_", "+",
        ".", "-", "a", "k", "ls3", "post", "dev", "final", "alpine3", "ee", "1", "0", "8f3a2b1",
    ];
    let mut families: BTreeMap<_, Vec<Release>> = BTreeMap::new();
    for _ in 0..8_000 {
        let count = 1 + dice.below(6);
        let tail: String = (0..count).map(|_| dice.pick(&parts)).collect();
        let tag =
            format!("{}{}{tail}", dice.pick(&["", "v", "", "r-"]), dice.pick(&["1", "1.0", "1.2", "2"]));
        let release = release(&tag);
        if let Some(family) = release.family().cloned() {
            families.entry(family).or_default().push(release);
        }
    }
    let mut triples = 0;
    for members in families.values().filter(|members| members.len() > 2) {
        for _ in 0..members.len() * 20 {
            let [a, b, c] = [(); 3].map(|()| &members[dice.below(members.len())]);
            let order = |one: &Release, other: &Release| one.compare(other).unwrap();
            assert_eq!(order(a, b), order(b, a).reverse(), "{a} {b}");
            assert_eq!(order(a, a), Ordering::Equal);
            if order(a, b) == order(b, c) {
                assert_eq!(order(a, c), order(a, b), "{a} {b} {c}");
                triples += 1;
            }
            if order(a, b).is_eq() {
                assert_eq!(order(a, c), order(b, c), "{a} {b} {c}");
            }
            assert_eq!(a.list_order(b), b.list_order(a).reverse());
        }
    }
    assert!(triples > 10_000, "{triples}");
}

#[test]
fn no_text_breaks_the_reading() {
    let mut dice = Dice(1_181_783_497_276_652_981);
    let letters = [
        "0", "1", "9", "12", "2024", "01", "20240101", ".", "-", "_", "/", "@", "+", "t", "z", "v", "g",
        "rc", "b", "a", "é", "日", "١", "²", "İ", "ẞ", "\u{301}", "sha", "abcdef1", "~", "=", "x",
    ];
    for _ in 0..60_000 {
        let count = dice.below(14);
        let tag: String = (0..count).map(|_| dice.pick(&letters)).collect();
        read_all(&tag);
    }
    for _ in 0..30_000 {
        let count = dice.below(40);
        let bytes: Vec<u8> = (0..count).map(|_| dice.below(256) as u8).collect();
        read_all(&String::from_utf8_lossy(&bytes));
    }
    for long in ["1", "1.", "-", "a1", "rc1", "v", "é", "1_", "0"] {
        read_all(&long.repeat(1_000 / long.len()));
    }
}

fn read_all(tag: &str) {
    let Ok(release) = tag.parse::<Release>() else { return };
    assert_eq!(release.has_order(), release.compare(&release).is_some());
    let _ = (release.is_trial(), release.first_two_numbers(), release.spelling());
}
