//! Notes from the release pages of forges: shown where the repository says nothing, and never a reason to fail.

use crate::registry::server::{JSON, Seen, Server, reply};
use crate::support;

use std::net::TcpStream;
use std::time::Duration;
use support::World;

/// A server of v1.0.0 that knows v1.1.0, of which an annotated tag says something, and v1.2.0.
fn world(releases: &str) -> World {
    let world = World::new();
    world.git(&["tag", "-d", "0.1.0"]);
    world.git(&["tag", "v1.0.0"]);
    for tag in ["v1.1.0", "v1.2.0", "v1.3.0"] {
        world.git(&["commit", "-q", "--allow-empty", "-m", &format!("commit of {tag}")]);
        let annotated: &[&str] = if tag == "v1.1.0" { &["-a", "-m", "Said by its tag."] } else { &[] };
        world.git(&[&["tag", tag], annotated].concat());
    }
    world.git(&["checkout", "-q", "v1.0.0"]);
    world.write(
        "site.toml",
        &format!(
            "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackup = [\"~/data\"]\nbackups = \"~/kept\"\n\
             health = [{{ command = [\"true\"], name = \"well\" }}]\nhealthy = {{ stable = \"20ms\" }}\n\
             targets = {{ stop = \"stop\" }}\nreleases = {{ {releases} }}\n"
        ),
    );
    world.write("data/file", "kept\n");
    world
}

fn on(server: &Server, sort: &str) -> World {
    world(&format!("forge = \"http://{}/owner/name\", type = \"{sort}\"", server.authority()))
}

/// As GitHub has it: many more fields, and line ends of its web form.
const GITHUB: &str = r#"[
  {"url":"https://api.github.com/repos/owner/name/releases/2","assets_url":"https://api.github.com/x","html_url":"https://github.com/owner/name/releases/tag/v1.3.0",
   "id":2,"author":{"login":"octocat","id":1,"site_admin":false},"node_id":"RE_1","tag_name":"v1.3.0","target_commitish":"main","name":"The third",
   "draft":false,"immutable":false,"prerelease":false,"created_at":"2026-01-02T10:00:00Z","published_at":"2026-01-02T10:05:00Z",
   "assets":[{"name":"app.tar.gz","size":5,"digest":null,"browser_download_url":"https://github.com/x"}],"tarball_url":"https://x","body":"- Third thing\r\n- \u001b[31mred\u202e\r\n","mentions_count":1},
  {"tag_name":"v1.2.0","name":"v1.2.0","draft":false,"prerelease":false,"body":"Second thing","assets":[]},
  {"tag_name":"v1.1.0","name":null,"draft":false,"prerelease":false,"body":"Not shown: its tag says enough.","assets":[]}
]"#;

#[test]
fn the_pages_of_github_say_what_the_repository_does_not() {
    let server = Server::start(|seen, stream| reply(seen, stream, 200, &[JSON], GITHUB));
    let world = on(&server, "github");
    let status = world.banister(&["status"]);
    assert!(status.code == Some(0) && server.seen().is_empty(), "{status:?}");
    for arguments in [&["plan", "update"][..], &["run", "update", "--yes"]] {
        let said = world.banister(arguments);
        assert_eq!(said.code, Some(0), "{said:?}");
        for told in [
            "Release v1.1.0",
            "Said by its tag.",
            "Release v1.2.0",
            "Second thing",
            "The third",
            "- Third thing",
        ] {
            assert!(said.out.contains(told), "{told}: {said:?}");
        }
        assert!(!said.out.contains("Not shown") && !said.out.contains("unknown"), "{said:?}");
        assert!(!said.out.contains('\u{1b}') && !said.out.contains('\u{202e}'), "{said:?}");
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!(seen[0].path, "/api/v3/repos/owner/name/releases?per_page=100");
    assert_eq!(seen[0].authorization(), None);
}

#[test]
fn gitea_forgejo_and_gitlab_answer_at_other_addresses() {
    let gitea = r#"[{"id":7,"tag_name":"v1.2.0","target_commitish":"main","name":"v1.2.0","body":"From the forge.","draft":false,"prerelease":false,
        "author":{"id":1,"login":"a"},"assets":[]},{"tag_name":"v1.3.0","name":"","body":"A draft.","draft":true}]"#;
    let gitlab = r#"[{"tag_name":"v1.2.0","description":"From the forge.","name":"v1.2.0","released_at":"2026-01-01T00:00:00.000Z","upcoming_release":false,
        "commit":{"id":"abc"},"assets":{"count":4,"links":[]}}]"#;
    for (sort, body, path) in [
        ("gitea", gitea, "/api/v1/repos/owner/name/releases?draft=false&limit=50"),
        ("forgejo", gitea, "/api/v1/repos/owner/name/releases?draft=false&limit=50"),
        ("gitlab", gitlab, "/api/v4/projects/owner%2Fname/releases?per_page=100"),
    ] {
        let server = Server::start(move |seen, stream| reply(seen, stream, 200, &[JSON], body));
        let said = on(&server, sort).banister(&["run", "update", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.out.contains("From the forge.") && !said.out.contains("A draft."), "{said:?}");
        assert_eq!(server.seen()[0].path, path);
    }
}

#[test]
fn pages_are_read_until_all_is_found_and_three_at_most() {
    let pages = |last: usize| {
        Server::start(move |seen, stream| {
            let page =
                seen.path.rsplit_once("page=").map_or(1, |(_, page)| page.parse::<usize>().unwrap_or(1));
            let page = if seen.path.contains("&page=") { page } else { 1 };
            let tag = if page == last { "v1.2.0" } else { "v0.9.0" };
            let next =
                format!("</api/v3/repos/owner/name/releases?per_page=100&page={}>; rel=\"next\"", page + 1);
            let body = format!(
                "[{{\"tag_name\":\"{tag}\",\"body\":\"From page {page}.\"}},{{\"tag_name\":\"v1.3.0\",\"body\":\"x\"}}]"
            );
            reply(seen, stream, 200, &[JSON, ("link", &next)], body);
        })
    };
    let server = pages(2);
    let said = on(&server, "github").banister(&["run", "update", "--yes"]);
    assert!(said.code == Some(0) && said.out.contains("From page 2."), "{said:?}");
    assert!(!said.out.contains("unknown") && server.seen().len() == 2, "{said:?} {:?}", server.seen());
    let endless = pages(usize::MAX);
    let said = on(&endless, "github").banister(&["run", "update", "--yes"]);
    assert_eq!((said.code, endless.seen().len()), (Some(0), 3), "{said:?}");
    assert!(
        said.out.contains(
            "release notes of owner/name: unknown (it has more pages of releases than the 3 that are read)"
        ),
        "{said:?}"
    );
    // What was found is shown.
    assert!(said.out.contains("Release v1.3.0"), "{said:?}");
}

/// What a forge answers, and why nothing is known then.
#[test]
fn whatever_a_forge_answers_the_update_is_done() {
    type Answers = fn(&Seen, &mut TcpStream);
    let cases: &[(Answers, &str)] = &[
        (
            |seen, stream| reply(seen, stream, 404, &[JSON], "{\"message\":\"Not Found\"}"),
            "has no such project",
        ),
        (
            |seen, stream| {
                let limit = [JSON, ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")];
                reply(seen, stream, 403, &limit, "{\"message\":\"API rate limit exceeded for 192.0.2.1.\"}");
            },
            "limits how often it is asked (403)",
        ),
        (|seen, stream| reply(seen, stream, 429, &[JSON], "{}"), "limits how often it is asked (429)"),
        (|seen, stream| reply(seen, stream, 403, &[JSON], "{}"), "answered 403"),
        (|seen, stream| reply(seen, stream, 501, &[JSON], "{}"), "answered 501"),
        (
            |seen, stream| reply(seen, stream, 200, &[("content-type", "text/html")], "<html>Sign in</html>"),
            "answered no list of releases, but something else (`text/html`)",
        ),
        (
            |seen, stream| reply(seen, stream, 200, &[JSON], vec![b' '; 5 << 20]),
            "answered more than 4096 KiB",
        ),
        (
            |_, stream| {
                use std::io::Write;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[");
                // Endless, and without a length.
                while stream.write_all(&[b' '; 1 << 16]).is_ok() {}
            },
            "answered more than 4096 KiB",
        ),
        (|_, _| {}, "connection closed without an answer"),
        (|_, _| std::thread::sleep(Duration::from_secs(14)), "timed out"),
        (
            |seen, stream| reply(seen, stream, 200, &[JSON], format!("{{\"a\":{}", "[".repeat(5_000))),
            "answered no list of releases",
        ),
    ];
    std::thread::scope(|scope| {
        for (answers, why) in cases {
            scope.spawn(move || {
                let server = Server::start(*answers);
                let said = on(&server, "gitea").banister(&["run", "update", "--yes"]);
                assert_eq!(said.code, Some(0), "{why}: {said:?}");
                let told =
                    said.out.contains("release notes of owner/name: unknown (") && said.out.contains(why);
                assert!(told, "{why}: {said:?}");
                assert!(said.out.contains("commit of v1.3.0"), "{why}: {said:?}");
                assert!(server.seen().len() <= 3, "{why}: {:?}", server.seen());
            });
        }
    });
    let gone = world("forge = \"http://127.0.0.1:9/owner/name\", type = \"gitea\"");
    let said = gone.banister(&["run", "update", "--yes"]);
    assert!(said.code == Some(0) && said.out.contains("was not reached: connection refused"), "{said:?}");
}

#[test]
fn a_redirect_to_another_server_is_not_followed_and_nothing_hostile_is_shown() {
    let other = Server::start(|seen, stream| reply(seen, stream, 200, &[JSON], GITHUB));
    let place = format!("http://{}/api/v1/repos/owner/name/releases", other.authority());
    let server = Server::start(move |seen, stream| reply(seen, stream, 302, &[("location", &place)], ""));
    let said = on(&server, "gitea").banister(&["run", "update", "--yes"]);
    assert!(said.code == Some(0) && said.out.contains("redirects to where we don't go"), "{said:?}");
    assert!(other.seen().is_empty(), "{:?}", other.seen());

    let renamed = Server::start(|seen, stream| match seen.path.contains("/repositories/7/") {
        true => reply(seen, stream, 200, &[JSON], GITHUB),
        false => reply(seen, stream, 301, &[("location", "/repositories/7/releases")], ""),
    });
    let said = on(&renamed, "github").banister(&["run", "update", "--yes"]);
    assert!(said.code == Some(0) && said.out.contains("- Third thing"), "{said:?}");

    let strange = r#"[{"tag_name":["v1.2.0"],"body":"x"},7,null,"v1.2.0",{"tag_name":"v1.2.0\n","body":"y"},
        {"tag_name":"v1.2.0","name":"a\nstate: done","body":{"x":1}},{"tag_name":"v1.3.0","name":"\u0007\u0000","body":"z\u0000\u009b2Jz"}]"#;
    let server = Server::start(move |seen, stream| reply(seen, stream, 200, &[JSON], strange));
    let said = on(&server, "gitea").banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!said.out.lines().any(|line| line.starts_with("state: done")), "{said:?}");
    assert!(!said.out.contains(|letter: char| letter.is_control() && letter != '\n'), "{said:?}");
}

#[test]
fn what_is_on_no_known_forge_is_asked_nothing() {
    let plain = world("trials = false");
    let said = plain.banister(&["run", "update", "--yes"]);
    assert!(said.code == Some(0) && !said.out.contains("release notes of"), "{said:?}");
    let own = world("forge = \"https://git.example.org/owner/name\"");
    let said = own.banister(&["run", "update", "--yes"]);
    assert!(said.code == Some(0) && said.out.contains("with `type` for a forge of your own"), "{said:?}");
    let wrong = world("forge = \"https://git.example.org/owner/name\", type = \"cvs\"");
    let said = wrong.banister(&["check"]);
    assert!(said.code == Some(2) && format!("{said:?}").contains("cvs"), "{said:?}");
}
