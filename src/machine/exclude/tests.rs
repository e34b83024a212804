//! What restic's patterns mean: facts of restic/restic, `internal/filter`.

use super::*;

/// Pattern, path, and whether it is excluded.
const FACTS: &[(&str, &str, bool)] = &[
    ("*.go", "/foo/bar/test.go", true),
    ("*.c", "/foo/bar/test.go", false),
    ("*", "/foo/bar/test.go", true),
    ("**", "/foo/bar/test.go", true),
    ("foo*", "/foo/bar/test.go", true),
    ("bar*", "/foo/bar/test.go", true),
    ("/bar*", "/foo/bar/test.go", false),
    ("bar/*", "/foo/bar/test.go", true),
    ("baz/*", "/foo/bar/test.go", false),
    ("bar/test.go", "/foo/bar/test.go", true),
    ("bar/*.go", "/foo/bar/test.go", true),
    ("ba*/*.go", "/foo/bar/test.go", true),
    ("bb*/*.go", "/foo/bar/test.go", false),
    ("test.*", "/foo/bar/test.go", true),
    ("tesT.*", "/foo/bar/test.go", false),
    ("bar/*", "/foo/bar/baz", true),
    ("bar", "/foo/bar", true),
    ("/foo/bar", "/foo/bar", true),
    ("/foo/bar/", "/foo/bar", true),
    ("/foo/bar", "/foo/baz", false),
    ("/foo/bar", "/foo/baz/", false),
    ("/foo///bar", "/foo/bar", true),
    ("/foo/../bar", "/foo/bar", false),
    ("/foo/../bar", "/bar", true),
    ("/foo", "/foo/baz", true),
    ("/foo/", "/foo/baz", true),
    ("/foo/*", "/foo", false),
    ("/foo/*", "/foo/baz", true),
    ("bar", "/foo/bar/baz", true),
    ("bar", "/foo/bar/test.go", true),
    ("/foo/*test.*", "/foo/bar/test.go", false),
    ("/foo/*/test.*", "/foo/bar/test.go", true),
    ("/foo/*/bar/test.*", "/foo/bar/test.go", false),
    ("/*/*/bar/test.*", "/foo/bar/test.go", false),
    ("/*/*/bar/test.*", "/foo/bar/baz/test.go", false),
    ("/*/*/baz/test.*", "/foo/bar/baz/test.go", true),
    ("/*/foo/bar/test.*", "/foo/bar/baz/test.go", false),
    ("/*/foo/bar/test.*", "/foo/bar/baz/test.go", false),
    ("/foo/bar/test.*", "bar/baz/test.go", false),
    ("/x/y/bar/baz/test.*", "bar/baz/test.go", false),
    ("/x/y/bar/baz/test.c", "bar/baz/test.go", false),
    ("baz/test.*", "bar/baz/test.go", true),
    ("baz/tesT.*", "bar/baz/test.go", false),
    ("test.go", "bar/baz/test.go", true),
    ("*.go", "bar/baz/test.go", true),
    ("*.c", "bar/baz/test.go", false),
    ("sdk", "/foo/bar/sdk", true),
    ("sdk", "/foo/bar/sdk/test/sdk_foo.go", true),
    ("sdk/*/cpp/*/*vars*.html", "/usr/share/doc/libreoffice/sdk/docs/cpp/ref/a00517.html", false),
    ("foo/**/bar/*.go", "/home/user/foo/job/special/project/bar/test.go", true),
    ("foo/**/bar/*.go", "/home/user/foo/bar/test.go", true),
    ("foo/**/bar/*.go", "x/foo/bar/test.go", true),
    ("foo/**/bar/*.go", "foo/bar/test.go", true),
    ("foo/**/bar/*.go", "foo/bar/baz/bar/test.go", true),
    ("foo/**/bar/*.go", "/home/user/foo/test.c", false),
    ("foo/**/bar/*.go", "bar/foo/main.go", false),
    ("foo/**/bar/*.go", "/foo/bar/main.go", true),
    ("foo/**/bar/*.go", "bar/main.go", false),
    ("foo/**/bar", "/home/user/foo/x/y/bar", true),
    ("foo/**/bar", "/home/user/foo/x/y/bar/main.go", true),
    ("foo/**/bar/**/x", "/home/user/foo/bar/x", true),
    ("foo/**/bar/**/x", "/home/user/foo/blaaa/blaz/bar/shared/job/x", true),
    ("user/**/important*", "/home/user/job/x/y/hidden/x", false),
    ("user/**/hidden*/**/c", "/home/user/job/x/y/hidden/z/a/b/c", true),
    ("c:/foo/*test.*", "c:/foo/bar/test.go", false),
    ("c:/foo", "c:/foo/bar", true),
    ("c:/foo/", "c:/foo/bar", true),
    ("c:/foo/*/test.*", "c:/foo/bar/test.go", true),
    ("c:/foo/*/bar/test.*", "c:/foo/bar/test.go", false),
];

/// The same of lists.
const LISTS: &[(&[&str], &str, bool)] = &[
    (&[], "/foo/bar/test.go", false),
    (&["*.go"], "/foo/bar/test.go", true),
    (&["*.go"], "/foo/bar", false),
    (&["*.c"], "/foo/bar/test.go", false),
    (&["*.go", "*.c"], "/foo/bar/test.go", true),
    (&["*"], "/foo/bar/test.go", true),
    (&["x"], "/foo/bar/test.go", false),
    (&["?"], "/foo/bar/test.go", false),
    (&["?", "x"], "/foo/bar/x", true),
    (&["/*/*/bar/test.*"], "/foo/bar/test.go", false),
    (&["/*/*/bar/test.*"], "/foo/bar/bar", false),
    (&["/*/*/bar/test.*", "*.go"], "/foo/bar/test.go", true),
    (&["", "*.c"], "/foo/bar/test.go", false),
    (&["!**", "*.go"], "/foo/bar/test.go", true),
    (&["!**", "*.c"], "/foo/bar/test.go", false),
    (&["/foo/*/test.*", "!*.c"], "/foo/bar/test.c", false),
    (&["/foo/*/test.*", "!*.c"], "/foo/bar/test.go", true),
    (&["/foo/*/*", "!test.*", "*.c"], "/foo/bar/test.go", false),
    (&["/foo/*/*", "!test.*", "*.c"], "/foo/bar/test.c", true),
    (&["/foo/*/*", "!test.*", "*.c"], "/foo/bar/file.go", true),
    (&["/**/*", "!/foo", "/foo/*", "!/foo/bar"], "/foo/other/test.go", true),
    (&["/**/*", "!/foo", "/foo/*", "!/foo/bar"], "/foo/bar", false),
    (&["/**/*", "!/foo", "/foo/*", "!/foo/bar"], "/foo/bar/test.go", false),
    (&["/**/*", "!/foo", "/foo/*", "!/foo/bar"], "/foo/bar/test.go/child", false),
    (&["/**/*", "!/foo", "/foo/*", "!/foo/bar", "/foo/bar/test*"], "/foo/bar/test.go/child", true),
    (&["/foo/bar/*"], "/foo", false),
    (&["/foo/bar/*", "!/foo/bar/[a-m]*"], "/foo", false),
    (&["/foo/**/test.c"], "/foo/bar/foo/bar/test.c", true),
    (&["/foo/*/test.c"], "/foo/bar/foo/bar/test.c", false),
];

fn excludes(patterns: &[&str], path: &str) -> bool {
    let exclude = Exclude::new(patterns.iter().copied(), Path::new("/home/ops")).unwrap();
    exclude.of(Path::new(path)).is_some()
}

#[test]
fn patterns_mean_what_they_mean_for_restic() {
    for (pattern, path, is) in FACTS {
        assert_eq!(excludes(&[pattern], path), *is, "{pattern} {path}");
    }
    for (patterns, path, is) in LISTS {
        assert_eq!(excludes(patterns, path), *is, "{patterns:?} {path}");
    }
}

#[test]
fn the_forms_of_a_name_are_understood() {
    for (pattern, name, is) in [
        ("[uU]ser", "User", true),
        ("[a-m]*", "foo", true),
        ("[a-m]*", "zoo", false),
        ("[^a-m]*", "zoo", true),
        ("[^a-m]*", "foo", false),
        ("a?c", "a\u{e9}c", true),
        ("a?c", "ac", false),
        ("a*b*c", "aXbYbZc", true),
        ("a*b*c", "aXcYb", false),
        ("\\*", "*", true),
        ("\\*", "x", false),
        ("[\\-x]", "-", true),
        ("*", "", false),
        ("***", "x", true),
    ] {
        assert_eq!(excludes(&[&format!("/top/{pattern}")], &format!("/top/{name}")), is, "{pattern} {name}");
    }
}

#[test]
fn the_home_is_that_of_the_server_and_a_pattern_in_it_begins_there() {
    assert!(excludes(&["~/data/*.log"], "/home/ops/data/x.log"));
    assert!(!excludes(&["~/data/*.log"], "/srv/home/ops/data/x.log"));
    assert!(excludes(&["~/data", "!~/data/kept"], "/home/ops/data/x"));
    assert!(!excludes(&["~/data/*", "!~/data/kept"], "/home/ops/data/kept"));
    let odd = Exclude::new(["~/x"], Path::new("/home/[o]*")).unwrap();
    assert!(odd.of(Path::new("/home/[o]*/x")).is_some() && odd.of(Path::new("/home/o/x")).is_none());
}

#[test]
fn a_pattern_finds_its_place_through_links_too() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().canonicalize().unwrap().join("real");
    std::fs::create_dir(&real).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let exclude = Exclude::new([format!("{}/*.log", link.display()).as_str()], Path::new("/")).unwrap();
    assert!(exclude.of(&link.join("x.log")).is_some());
    assert!(exclude.of(&real.join("x.log")).is_some());
    assert!(exclude.of(&real.join("x.txt")).is_none());
}

#[test]
fn a_pattern_that_can_not_be_read_is_refused_with_a_reason() {
    for pattern in [
        "*[._]log[.-][0-9]",
        "!*[._]log[.-][0-9]",
        "test/[",
        "test/**/[",
        "[]",
        "[]a]",
        "[a-]",
        "x\\",
        "[^]",
        ".",
        "..",
        "!",
    ] {
        assert!(Exclude::new([pattern], Path::new("/")).is_err(), "{pattern}");
    }
    assert!(Exclude::new(["x".repeat(5000).as_str()], Path::new("/")).is_err());
    assert!(Exclude::new(["", "*.foo"], Path::new("/")).is_ok());
}

/// Each `**` could be tried with each number of folders, which takes years.
#[test]
fn a_pattern_from_a_backup_can_not_take_for_ever() {
    let path = format!("/{}", "a/".repeat(200));
    let began = std::time::Instant::now();
    assert!(!excludes(&[&format!("/{}b", "**/".repeat(300))], &path));
    assert!(!excludes(&[&format!("{}b", "*a".repeat(200))], &format!("/{}", "a".repeat(250))));
    let many: Vec<String> = (0..5000).map(|number| format!("x{number}")).collect();
    let exclude = Exclude::default().with(many.iter().map(String::as_str));
    assert_eq!(exclude.others.len(), MOST);
    assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
}
