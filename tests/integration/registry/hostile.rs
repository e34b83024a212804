//! Registries that want a token, that are out of order, or that mean harm.

use super::server::{JSON, Seen, Server, reply};
use banister::internals::machine::client::{Client, Limits, Unknown};
use banister::internals::machine::registry::{Digest, Image, Registry, RunHelper, Tags};
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const INDEX: (&str, &str) = ("content-type", "application/vnd.oci.image.index.v1+json");
const TAGS: &str = r#"{"name":"a/b","tags":["1.0","1.1"]}"#;
const NOBODY: RunHelper = &|_, _, _| Ok(None);
const NOWHERE: &str = "/nonexistent";

fn limits() -> Limits {
    Limits { connect: Duration::from_secs(1), answer: Duration::from_secs(2), all: Duration::from_secs(8) }
}

fn asked<T>(limits: Limits, config: &Path, run: RunHelper, ask: impl FnOnce(&mut Registry) -> T) -> T {
    let never = || false;
    let client = Client::new(None, [], limits, &never).unwrap();
    ask(&mut Registry::new(&client, config, run))
}

fn image(server: &Server) -> Image {
    format!("{}/a/b:1.0", server.authority()).parse().unwrap()
}

fn tags_of(server: &Server) -> Result<Option<Tags>, Unknown> {
    asked(limits(), Path::new(NOWHERE), NOBODY, |registry| registry.tags(&image(server)))
}

fn tags(answer: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> Result<Option<Tags>, Unknown> {
    tags_of(&Server::start(answer))
}

fn digest(answer: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> Result<Option<Digest>, Unknown> {
    let server = Server::start(answer);
    asked(limits(), Path::new(NOWHERE), NOBODY, |registry| registry.digest(&image(&server)))
}

#[track_caller]
fn unknown<T: std::fmt::Debug>(asked: Result<Option<T>, Unknown>, why: &str) -> Unknown {
    let unknown = asked.expect_err("it must be unknown");
    assert!(unknown.why.contains(why), "{unknown}");
    unknown
}

/// Wants a token for what is asked, as the documentation of the token flow has it.
fn guarded(seen: &Seen, stream: &mut TcpStream, port: u16, token: &str, body: &str) {
    if seen.path.starts_with("/token") {
        let expires = r#","expires_in":300,"issued_at":"2025-01-01T00:00:00Z""#;
        return reply(seen, stream, 200, &[JSON], format!(r#"{{"token":"{token}"{expires}}}"#));
    }
    if seen.authorization() == Some("Bearer good") {
        return reply(seen, stream, 200, &[JSON], body);
    }
    let challenge = format!(
        r#"Bearer realm="http://127.0.0.1:{port}/token?x=1",service="registry.example",scope="repository:a/b:pull""#
    );
    let errors = r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":null}]}"#;
    reply(seen, stream, 401, &[JSON, ("www-authenticate", &challenge)], errors);
}

fn config(text: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("config.json"), text).unwrap();
    folder
}

#[test]
fn a_token_is_fetched_once_and_kept_for_its_repository() {
    let server = Server::with_port(|port| {
        move |seen: &Seen, stream: &mut TcpStream| guarded(seen, stream, port, "good", TAGS)
    });
    asked(limits(), Path::new(NOWHERE), NOBODY, |registry| {
        assert_eq!(registry.tags(&image(&server)).unwrap().unwrap().tags.len(), 2);
        assert_eq!(registry.tags(&image(&server)).unwrap().unwrap().tags.len(), 2);
    });
    let seen = server.seen();
    let paths: Vec<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
    let list = "/v2/a/b/tags/list?n=1000";
    let token = "/token?x=1&scope=repository%3Aa%2Fb%3Apull&service=registry%2Eexample";
    assert_eq!(paths, [list, token, list, list]);
    assert_eq!((seen[0].authorization(), seen[1].authorization()), (None, None));
    assert_eq!(seen[0].header("accept-encoding"), Some("identity"));
}

#[test]
fn who_is_logged_in_shows_the_password_to_the_token_service_alone() {
    let server = Server::with_port(|port| {
        move |seen: &Seen, stream: &mut TcpStream| guarded(seen, stream, port, "good", TAGS)
    });
    let folder = config(&format!(r#"{{"auths":{{"http://{}/v1/":{{"auth":"dTpw"}}}}}}"#, server.authority()));
    let file = folder.path().join("config.json");
    asked(limits(), &file, NOBODY, |registry| assert!(registry.tags(&image(&server)).is_ok()));
    let shown: Vec<Option<String>> =
        server.seen().iter().map(|seen| seen.authorization().map(str::to_owned)).collect();
    assert_eq!(shown, [None, Some("Basic dTpw".into()), Some("Bearer good".into())]);
}

#[test]
fn an_identity_token_is_sent_as_a_form() {
    let server = Server::with_port(|port| {
        move |seen: &Seen, stream: &mut TcpStream| guarded(seen, stream, port, "good", TAGS)
    });
    let folder = config(r#"{"credsStore":"test"}"#);
    let file = folder.path().join("config.json");
    let helper: RunHelper = &|_, _, _| Ok(Some(r#"{"Username":"<token>","Secret":"long&lived"}"#.into()));
    asked(limits(), &file, helper, |registry| assert!(registry.tags(&image(&server)).is_ok()));
    let seen = server.seen();
    assert_eq!((seen[1].method.as_str(), seen[1].path.as_str()), ("POST", "/token?x=1"));
    assert!(seen[1].body.contains("grant_type=refresh%5Ftoken"), "{}", seen[1].body);
    assert!(seen[1].body.contains("refresh_token=long%26lived"), "{}", seen[1].body);
    assert_eq!(seen[1].authorization(), None);
}

#[test]
fn a_registry_that_refuses_its_own_token_is_asked_twice_and_no_more() {
    let server = Server::with_port(|port| {
        move |seen: &Seen, stream: &mut TcpStream| guarded(seen, stream, port, "bad", TAGS)
    });
    let said = unknown(tags_of(&server), "denies access (401): UNAUTHORIZED authentication required");
    assert!(said.help.unwrap().contains("docker login"));
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn tokens_that_are_none_are_not_sent() {
    for token in ["", r"a\r\nx: y", r"\u0000", "a b", "ä"] {
        let server = Server::with_port(|port| {
            move |seen: &Seen, stream: &mut TcpStream| guarded(seen, stream, port, token, TAGS)
        });
        unknown(tags_of(&server), "token");
        assert_eq!(server.seen().len(), 2);
    }
}

#[test]
fn a_token_service_is_asked_by_https_or_on_this_machine() {
    for realm in [
        "http://auth.example/token",
        "ftp://127.0.0.1/x",
        "/token",
        "https://u:p@127.0.0.1/",
        "http://169.254.169.254/",
    ] {
        let challenge = format!(r#"Bearer realm="{realm}",service="x""#);
        let said =
            tags(move |seen, stream| reply(seen, stream, 401, &[("www-authenticate", &challenge)], ""));
        unknown(said, "where we don't go");
    }
    unknown(tags(|seen, stream| reply(seen, stream, 401, &[], "")), "of a kind that is not known here");
    let negotiate = ("www-authenticate", "Negotiate");
    unknown(
        tags(move |seen, stream| reply(seen, stream, 401, &[negotiate], "")),
        "of a kind that is not known here",
    );
}

#[test]
fn nobody_outside_sends_us_to_this_machine() {
    use banister::internals::machine::client::url::Url;
    let never = || false;
    let client = Client::new(None, ["plain.lan:5000".to_owned()], limits(), &never).unwrap();
    let may = |from: &str, to: &str| client.may_follow(&Url::parse(from).unwrap(), &Url::parse(to).unwrap());
    assert!(may("https://a.example/", "https://b.example/"));
    assert!(!may("https://a.example/", "http://a.example/"));
    assert!(!may("https://a.example/", "https://127.0.0.1/"));
    assert!(!may("https://a.example/", "http://[::1]:9200/"));
    assert!(may("http://localhost:5000/", "http://127.0.0.1:5001/"));
    assert!(may("https://a.example/", "http://plain.lan:5000/"));
    assert!(!may("https://a.example/", "http://plain.lan/"));
    assert_eq!(client.server("plain.lan:5000").unwrap().to_string(), "http://plain.lan:5000/");
    assert_eq!(client.server("plain.lan").unwrap().to_string(), "https://plain.lan/");
}

#[test]
fn a_redirect_to_another_server_carries_no_password_and_gets_none_there() {
    let other = Server::start(|seen, stream| match seen.path.as_str() {
        "/open" => reply(seen, stream, 200, &[JSON], TAGS),
        _ => reply(seen, stream, 401, &[("www-authenticate", "Basic realm=\"x\"")], ""),
    });
    for (path, works) in [("/open", true), ("/closed", false)] {
        let target = format!("http://{}{path}", other.authority());
        let server = Server::start(move |seen, stream| match seen.authorization() {
            None => reply(seen, stream, 401, &[("www-authenticate", "Basic realm=\"x\"")], ""),
            Some(_) => reply(seen, stream, 307, &[("location", &target)], ""),
        });
        let folder = config(&format!(r#"{{"auths":{{"{}":{{"auth":"dTpw"}}}}}}"#, server.authority()));
        let file = folder.path().join("config.json");
        let said = asked(limits(), &file, NOBODY, |registry| registry.tags(&image(&server)));
        assert_eq!(said.is_ok(), works, "{said:?}");
        assert_eq!(server.seen()[1].authorization(), Some("Basic dTpw"));
    }
    assert!(other.seen().iter().all(|seen| seen.authorization().is_none()));
    // One that wants a login at once, before ours did.
    let target = format!("http://{}/closed", other.authority());
    let server = Server::start(move |seen, stream| reply(seen, stream, 307, &[("location", &target)], ""));
    let folder = config(&format!(
        r#"{{"auths":{{"{}":{{"auth":"dTpw"}},"{}":{{"auth":"dTpw"}}}}}}"#,
        server.authority(),
        other.authority()
    ));
    let said = asked(limits(), &folder.path().join("config.json"), NOBODY, |registry| {
        registry.tags(&image(&server))
    });
    unknown(said, "which wants a login");
    assert!(other.seen().iter().all(|seen| seen.authorization().is_none()));
}

#[test]
fn redirects_end() {
    let server = Server::start(|seen, stream| {
        reply(seen, stream, 302, &[("location", &format!("{}x", seen.path))], "")
    });
    unknown(tags_of(&server), "redirects again and again");
    assert_eq!(server.seen().len(), 4);
    for location in ["http://a.example/", "file:///etc/passwd", "//\u{7f}"] {
        unknown(
            tags(move |seen, stream| reply(seen, stream, 302, &[("location", location)], "")),
            if location.contains('\u{7f}') { "" } else { "redirects" },
        );
    }
}

#[test]
fn pages_are_followed_at_the_same_server() {
    let server = Server::start(|seen, stream| {
        let (link, tag) = match seen.path.split_once("last=") {
            None => (r#"</v2/a/b/tags/list?n=2&last=b>; rel="next""#.to_owned(), r#""a","b""#),
            Some((_, "b")) => (r#"<?last=c>; rel="next""#.to_owned(), r#""c","b""#),
            _ => (String::new(), r#""d""#),
        };
        let headers = [JSON, ("link", &link)];
        reply(
            seen,
            stream,
            200,
            &headers[..if link.is_empty() { 1 } else { 2 }],
            format!(r#"{{"tags":[{tag}]}}"#),
        );
    });
    let tags = tags_of(&server).unwrap().unwrap();
    assert_eq!(tags.tags.into_iter().collect::<String>(), "abcd");
    assert_eq!((tags.missing, server.seen().len()), (None, 3));
}

#[test]
fn pages_elsewhere_in_a_circle_or_without_an_end_are_told() {
    let missing = |link: String| {
        let tags = tags(move |seen, stream| reply(seen, stream, 200, &[JSON, ("link", &link)], TAGS))
            .unwrap()
            .unwrap();
        assert_eq!(tags.tags.len(), 2);
        tags.missing.unwrap().why
    };
    assert!(missing("<https://evil.example/x>; rel=next".into()).contains("elsewhere"));
    assert!(missing("<http://127.0.0.1:1/x>; rel=next".into()).contains("elsewhere"));
    assert!(missing("</v2/a/b/tags/list?n=1000>; rel=next".into()).contains("in a circle"));
    let server = Server::start(|seen, stream| {
        let link = format!("<{}x>; rel=next", seen.path);
        reply(seen, stream, 200, &[JSON, ("link", &link)], TAGS);
    });
    let tags = tags_of(&server).unwrap().unwrap();
    assert!(tags.missing.unwrap().why.contains("more pages"));
    assert_eq!(server.seen().len(), 20);
    // The second page is an error.
    let tags = self::tags(|seen, stream| match seen.path.contains("last") {
        true => reply(seen, stream, 500, &[], ""),
        false => reply(seen, stream, 200, &[JSON, ("link", "<?last=1>; rel=next")], TAGS),
    });
    assert!(tags.unwrap().unwrap().missing.unwrap().why.contains("answered 500"));
}

#[test]
fn names_that_are_no_tags_are_counted() {
    let list = r#"{"tags":["1.0","a\u001b[2Jb","","-x","ä","..",1,null,{"a":1},"1.0"]}"#;
    let tags = tags(move |seen, stream| reply(seen, stream, 200, &[JSON], list)).unwrap().unwrap();
    assert_eq!(tags.tags.into_iter().collect::<Vec<_>>(), ["1.0"]);
    assert_eq!((tags.invalid, tags.examples), (8, vec!["a [2Jb".to_owned(), String::new(), "-x".to_owned()]));
    let empty = self::tags(|seen, stream| reply(seen, stream, 200, &[JSON], r#"{"name":"a/b","tags":null}"#));
    assert_eq!(empty, Ok(Some(Tags::default())));
    let many = (0..30_000).map(|number| format!("\"v{number}\"")).collect::<Vec<_>>().join(",");
    let many =
        self::tags(move |seen, stream| reply(seen, stream, 200, &[JSON], format!("{{\"tags\":[{many}]}}")));
    let many = many.unwrap().unwrap();
    assert_eq!(many.tags.len(), 20_000);
    assert!(many.missing.unwrap().why.contains("20000"));
}

#[test]
fn what_is_no_list_is_unknown() {
    let html = ("content-type", "text/html; charset=utf-8");
    unknown(
        tags(move |seen, stream| reply(seen, stream, 200, &[html], "<html>")),
        "something else (`text/html`)",
    );
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "{\"tags\":1}",
        "{\"tags\":{}}",
        "{\"tags\":[\"a\"",
        "\u{0}",
        "1e999",
        &"[".repeat(100_000),
    ] {
        let body = body.to_owned();
        unknown(tags(move |seen, stream| reply(seen, stream, 200, &[JSON], &body)), "no list of tags");
    }
    unknown(
        tags(move |seen, stream| reply(seen, stream, 404, &[html], "<html>")),
        "does not answer as a registry does",
    );
    unknown(tags(|seen, stream| reply(seen, stream, 204, &[], "")), "answered 204");
    let gone = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"x"}]}"#;
    assert_eq!(tags(move |seen, stream| reply(seen, stream, 404, &[JSON], gone)), Ok(None));
}

#[test]
fn a_registry_that_limits_its_questions_is_unknown() {
    let body = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit"}]}"#;
    let server = Server::start(move |seen, stream| reply(seen, stream, 429, &[JSON], body));
    let said = unknown(tags_of(&server), "limits how often it is asked (429)");
    assert_eq!((said.again, server.seen().len()), (None, 1));
    let server =
        Server::start(move |seen, stream| reply(seen, stream, 429, &[("retry-after", "3600")], body));
    let said = unknown(tags_of(&server), "(429)");
    assert_eq!((said.again.unwrap().to_string(), server.seen().len()), ("1h".into(), 1));
    for huge in ["99999999999999999999", "-1", "18446744073709551615", "Wed, 21 Oct 2015 07:28:00 GMT"] {
        let said = tags(move |seen, stream| reply(seen, stream, 429, &[("retry-after", huge)], body));
        assert_eq!(unknown(said, "(429)").again, None);
    }
    unknown(tags(move |seen, stream| reply(seen, stream, 403, &[JSON], body)), "limits how often");
    unknown(digest(move |seen, stream| reply(seen, stream, 429, &[JSON], body)), "limits how often");
    // Soon enough to wait for.
    let server = Server::start(|seen, stream| {
        static ASKED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        match ASKED.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => reply(seen, stream, 429, &[("retry-after", "1")], ""),
            _ => reply(seen, stream, 200, &[JSON], TAGS),
        }
    });
    let begun = Instant::now();
    assert!(tags_of(&server).is_ok());
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_server_out_of_order_is_asked_once_more() {
    let server = Server::start(|seen, stream| reply(seen, stream, 503, &[], ""));
    unknown(tags_of(&server), "answered 503");
    assert_eq!(server.seen().len(), 2);
    let server = Server::start(|_, _| {});
    unknown(tags_of(&server), "not reached");
    assert_eq!(server.seen().len(), 2);
    let server = Server::start(|_, stream| drop(stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n")));
    unknown(tags_of(&server), "not reached");
    let nobody = Server::start(|_, _| {});
    let port = nobody.port;
    drop(nobody);
    std::thread::sleep(Duration::from_millis(100));
    let image: Image = format!("127.0.0.1:{port}/a").parse().unwrap();
    let said = asked(limits(), Path::new(NOWHERE), NOBODY, |registry| registry.tags(&image));
    unknown(said, "connection refused");
}

#[test]
fn a_manifest_is_what_its_digest_says() {
    let body = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    let right = Digest::of(body.as_bytes()).to_string();
    let wrong = Digest::of(b"other").to_string();
    // Known by its header, without the body.
    let named = right.clone();
    let server = Server::start(move |seen, stream| {
        reply(seen, stream, 200, &[INDEX, ("docker-content-digest", &named)], body)
    });
    let said = asked(limits(), Path::new(NOWHERE), NOBODY, |registry| registry.digest(&image(&server)));
    assert_eq!(said.unwrap().unwrap().as_str(), right);
    let seen = server.seen();
    assert_eq!((seen.len(), seen[0].method.as_str()), (1, "HEAD"));
    assert_eq!(seen[0].header("accept").unwrap().split(", ").count(), 4);
    // Not named, or broken: it is read, and counted.
    for named in ["", "sha256:12", "sha512:00", "\u{7}"] {
        let headers = move |seen: &Seen, stream: &mut TcpStream| match named {
            "" => reply(seen, stream, 200, &[INDEX], body),
            named if seen.method == "HEAD" => {
                reply(seen, stream, 200, &[INDEX, ("docker-content-digest", named)], body)
            }
            _ => reply(seen, stream, 200, &[INDEX], body),
        };
        let said = digest(headers);
        if named != "\u{7}" {
            assert_eq!(said.unwrap().unwrap().as_str(), right);
        }
    }
    // No HEAD here.
    let said = digest(move |seen, stream| match seen.method.as_str() {
        "HEAD" => reply(seen, stream, 405, &[], ""),
        _ => reply(seen, stream, 200, &[INDEX], body),
    });
    assert_eq!(said.unwrap().unwrap().as_str(), right);
    // Named wrongly.
    let said = digest(move |seen, stream| match seen.method.as_str() {
        "HEAD" => reply(seen, stream, 404, &[], ""),
        _ => reply(seen, stream, 200, &[INDEX, ("docker-content-digest", &wrong)], body),
    });
    unknown(said, "another digest");
    // Converted, of two types, or none.
    let old = ("content-type", "application/vnd.docker.distribution.manifest.v1+prettyjws");
    unknown(digest(move |seen, stream| reply(seen, stream, 200, &[old], "{}")), "something else");
    let image = ("content-type", "application/vnd.oci.image.manifest.v1+json");
    unknown(digest(move |seen, stream| reply(seen, stream, 200, &[image], body)), "of two types");
    unknown(digest(move |seen, stream| reply(seen, stream, 200, &[INDEX], "<html>")), "can't be read");
    let many = format!(r#"{{"manifests":[{}]}}"#, vec!["{}"; 2_000].join(","));
    unknown(digest(move |seen, stream| reply(seen, stream, 200, &[INDEX], &many)), "more than 1000 images");
}

#[test]
fn credentials_that_are_wrong_are_told_without_being_shown() {
    let server = Server::start(|seen, stream| {
        reply(seen, stream, 401, &[("www-authenticate", "Basic realm=\"x\"")], "")
    });
    for (text, why) in [
        ("{", "line 1, column 1"),
        (r#"{"auths":{"x":{"auth":"c2VjcmV0"}}"#, "not as `docker login` writes it"),
        (r#"{"auths":"c2VjcmV0"}"#, "not as `docker login` writes it"),
        (r#"{"auths":{"HOST":{"auth":"!!"}}}"#, "wants a login"),
        (r#"{"auths":{"HOST":{"auth":"c2VjcmV0"}}}"#, "wants a login"),
        (r#"{"credsStore":"../../bin/sh"}"#, "is not a helper"),
        (r#"{"credsStore":"broken"}"#, "printed no credentials"),
    ] {
        let folder = config(&text.replace("HOST", &server.authority()));
        let helper: RunHelper = &|_, _, _| Ok(Some("credentials: secret".into()));
        let said = asked(limits(), &folder.path().join("config.json"), helper, |registry| {
            registry.tags(&image(&server))
        });
        let said = unknown(said, why);
        assert!(!format!("{said:?}").contains("secret") && !format!("{said:?}").contains("c2Vj"), "{said:?}");
    }
}

#[test]
fn a_pause_ends_when_the_run_is_stopped() {
    let server = Server::start(|seen, stream| reply(seen, stream, 429, &[("retry-after", "30")], ""));
    let begun = Instant::now();
    let stop = || begun.elapsed() > Duration::from_millis(300);
    let client = Client::new(None, [], Limits::default(), &stop).unwrap();
    let said = Registry::new(&client, Path::new(NOWHERE), NOBODY).tags(&image(&server));
    unknown(said, "(429)");
    assert!(begun.elapsed() < Duration::from_secs(2));
    let said = Registry::new(&client, Path::new(NOWHERE), NOBODY).tags(&image(&server));
    unknown(said, "interrupted");
}
