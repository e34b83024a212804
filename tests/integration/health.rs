//! Health checks against real sockets on loopback, and against a `docker` that is a script.

use crate::support::accepted::accepted;
use banister::failure::{Failure, Kind};
use banister::internals::machine::compose::Project;
use banister::internals::machine::health::{Check, Place, Report, round, wait};
use banister::internals::machine::http::Request;
use banister::internals::stop::Stop;
use banister::primitive::{Host, Told};
use banister::units::Duration;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What a server does with its n-th request, given the request's head.
type Answerer = dyn Fn(usize, &str) -> Option<String> + Send + Sync;

/// A tiny HTTP server; it ends with the test.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

impl Server {
    fn new(answer: impl Fn(usize, &str) -> Option<String> + Send + Sync + 'static) -> Server {
        Server::on(TcpListener::bind("127.0.0.1:0").unwrap(), Arc::new(answer))
    }

    fn on(listener: TcpListener, answer: Arc<Answerer>) -> Server {
        let address = listener.local_addr().unwrap();
        let (asked, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, end) = (asked.clone(), over.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let head = head(&stream);
                let number = count.fetch_add(1, Ordering::SeqCst);
                if let Some(answer) = answer(number, &head) {
                    let _ = stream.write_all(answer.as_bytes());
                }
            }
        });
        Server { address, asked, over }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn head(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn answer(status: u16, body: &str) -> Option<String> {
    let length = body.len();
    Some(format!("HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"))
}

/// An address on which nothing listens. No other test has its host, so that none is given its port meanwhile.
fn free_address(host: &str) -> String {
    TcpListener::bind((host, 0)).unwrap().local_addr().unwrap().to_string()
}

fn checks(written: Value) -> Vec<Check> {
    written.as_array().unwrap().iter().map(|check| Check::read(check).unwrap()).collect()
}

fn wait_for(written: Value, within: Duration, stable: Duration) -> (Result<Report, Failure>, Vec<String>) {
    wait_in(&Place { folder: "/".into(), ..Place::default() }, written, within, stable)
}

fn wait_in(
    place: &Place,
    written: Value,
    within: Duration,
    stable: Duration,
) -> (Result<Report, Failure>, Vec<String>) {
    let mut changes = Vec::new();
    let place = Arc::new(place.clone());
    let report = wait(
        "`cloud` did not become healthy",
        &checks(written),
        within,
        stable,
        &place,
        &|| false,
        &mut |line| {
            changes.push(line.to_owned());
        },
    );
    (report, changes)
}

/// Generous: nothing in these tests takes so long.
const LONG: Duration = Duration::seconds(300);
const NONE: Duration = Duration::seconds(0);

#[test]
fn a_late_server_is_waited_for() {
    let server = Server::new(|number, _| answer(if number < 3 { 502 } else { 200 }, ""));
    let (report, changes) = wait_for(json!([server.url("/")]), LONG, NONE);
    let name = format!("GET {}", server.url("/"));
    assert_eq!(report.unwrap().checks[0].said, "answered 200");
    assert_eq!(changes, [format!("{name} answered 502, expected 200"), format!("{name} answered 200")]);
}

#[test]
fn a_flapping_server_is_not_healthy_until_it_stays_so() {
    let server = Server::new(|number, _| answer(if number < 6 && number % 2 == 1 { 500 } else { 200 }, ""));
    let (report, changes) = wait_for(json!([server.url("/")]), LONG, Duration::seconds(1));
    report.unwrap();
    assert_eq!(changes.len(), 7, "{changes:#?}");
    assert!(server.asked.load(Ordering::SeqCst) > 7);
}

#[test]
fn a_server_that_never_stays_healthy_is_told_with_its_answers() {
    let server = Server::new(|number, _| answer(if number % 2 == 1 { 500 } else { 200 }, ""));
    let (report, _) = wait_for(json!([server.url("/")]), Duration::seconds(1), LONG);
    let failure = report.unwrap_err();
    assert_eq!(failure.kind, Kind::TimedOut);
    assert_eq!(failure.message, "`cloud` did not become healthy in 1s");
    // It is told whatever it answered last.
    let said = format!("GET {} answered 200; before that answered 500, expected 200", server.url("/"));
    let failing = format!("GET {} answered 500, expected 200", server.url("/"));
    assert!(failure.why.iter().any(|why| why.starts_with(&said) || why.starts_with(&failing)), "{failure:?}");
}

#[test]
fn a_refused_port_is_told_in_plain_words() {
    let address = free_address("127.77.0.1");
    let url = format!("http://{address}/");
    let (report, _) = wait_for(json!([url, { "tcp": address, "name": "database" }]), NONE, NONE);
    let why = report.unwrap_err().why;
    assert_eq!(why, [format!("GET {url} connection refused"), "database connection refused".into()]);
}

#[test]
fn a_service_that_starts_to_listen_late_is_waited_for() {
    let address = free_address("127.77.0.2");
    let place = Arc::new(Place::default());
    let checks = checks(json!([format!("http://{address}/"), { "tcp": address }]));
    let mut late = None;
    // It begins to listen when it was seen not to.
    let report = wait("`cloud` did not become healthy", &checks, LONG, NONE, &place, &|| false, &mut |_| {
        late.get_or_insert_with(|| {
            Server::on(TcpListener::bind(&address).unwrap(), Arc::new(|_, _: &str| answer(200, "")))
        });
    });
    assert_eq!(report.unwrap().checks[1].said, "accepted the connection");
}

#[test]
fn a_wrong_json_field_is_told_with_what_was_expected() {
    let server = Server::new(|_, head| match head.contains("/plain") {
        true => answer(200, "welcome"),
        false => answer(200, r#"{"alive": "true", "build": {"version": "0.2.11"}}"#),
    });
    let seen = |written: Value| {
        let place = Arc::new(Place::default());
        round(&checks(written), &place, &|| false).unwrap()
    };
    let answers = seen(json!([
        { "http": server.url("/"), "json": { "build.version": "0.2.13" } },
        { "http": server.url("/"), "json": { "build.commit": "abc" } },
        { "http": server.url("/"), "json": { "alive": "true", "build.version": "0.2.11" } },
        { "http": server.url("/plain"), "json": { "alive": "true" } },
        { "http": server.url("/plain"), "contains": "welcome" },
        { "http": server.url("/plain"), "contains": "farewell" },
    ]));
    let said: Vec<_> = answers.iter().map(|answer| (answer.ok, answer.said.as_str())).collect();
    assert_eq!(
        said,
        [
            (false, "`build.version` is \"0.2.11\", expected \"0.2.13\""),
            (false, "`build.commit` is missing, expected \"abc\""),
            (true, "answered 200"),
            (false, "answered 200, but not with JSON"),
            (true, "answered 200"),
            (false, "answered 200, without \"farewell\""),
        ]
    );
}

#[test]
fn a_host_header_and_an_address_reach_a_server_behind_another_name() {
    let server = Server::new(|_, head| {
        let hosts: Vec<_> = head.lines().filter(|line| line.to_lowercase().starts_with("host:")).collect();
        answer(if hosts.len() == 1 && hosts[0].ends_with("cloud.example.org") { 200 } else { 404 }, "")
    });
    let place = Arc::new(Place::default());
    let named = format!("http://nowhere.invalid:{}/", server.address.port());
    let written = json!([
        { "http": server.url("/"), "host": "cloud.example.org" },
        { "http": named, "resolve": "127.0.0.1", "host": "cloud.example.org" },
        { "http": "http://nowhere.invalid/", "resolve": format!("127.0.0.1:{}", server.address.port()), "status": 404 },
    ]);
    for answer in round(&checks(written), &place, &|| false).unwrap() {
        assert!(answer.ok, "{}", answer.said);
    }
}

#[test]
fn a_request_gives_any_answer_and_follows_no_redirect() {
    let server = Server::new(|_, head| {
        assert!(head.contains("x-token: 5") && head.starts_with("POST /moved "), "{head}");
        Some(
            "HTTP/1.1 302 Found\r\nLocation: /else\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\n{}".into(),
        )
    });
    let mut request = Request::get(server.url("/moved"));
    request.method = "post".into();
    request.headers.insert("X-Token".into(), "5".into());
    let response = request.send().unwrap();
    assert_eq!((response.status, response.headers["x-a"].as_str()), (302, "1, 2"));
    assert_eq!(response.json(), Some(json!({})));

    let failure = Request::get("ftp://localhost/").send().unwrap_err();
    assert_eq!(failure.kind, Kind::Invalid);
}

#[test]
fn a_server_that_says_nothing_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut request = Request::get(format!("http://{}/", listener.local_addr().unwrap()));
    request.within = Duration::milliseconds(100);
    let failure = request.send().unwrap_err();
    assert_eq!((failure.kind, failure.why[0].as_str()), (Kind::TimedOut, "timed out after 100ms"));
}

#[test]
fn a_server_that_hangs_up_is_unreachable() {
    let server = Server::new(|_, _| None);
    let failure = Request::get(server.url("/")).send().unwrap_err();
    assert_eq!(failure.kind, Kind::Unreachable, "{failure:?}");
}

#[test]
fn a_long_body_is_cut() {
    let body = "x".repeat((1 << 20) + 5);
    let server = Server::new(move |_, _| answer(200, &body));
    assert_eq!(Request::get(server.url("/")).send().unwrap().body.len(), 1 << 20);
}

#[test]
fn waiting_is_interrupted_although_a_check_hangs() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let checks = checks(json!([format!("http://{}/", silent.local_addr().unwrap())]));
    let place = Arc::new(Place::default());
    let failure = wait("`cloud` did not become healthy", &checks, LONG, NONE, &place, &|| true, &mut |_| {})
        .unwrap_err();
    assert_eq!(failure.kind, Kind::Interrupted);
}

#[test]
fn commands_and_queries_are_checks() {
    let place = Arc::new(Place { folder: "/".into(), ..Place::default() });
    let written = json!([
        { "command": ["true"] },
        { "command": ["sh", "-c", "echo nothing listens >&2; exit 3"] },
        { "sql": "select 1", "command": ["echo"], "expect": "-Atc select 1" },
        { "sql": "select 1", "command": ["echo"], "expect": "2" },
        { "sql": "select 1", "command": ["no-such-psql"] },
    ]);
    let answers = round(&checks(written), &place, &|| false).unwrap();
    let said: Vec<_> = answers.iter().map(|answer| (answer.ok, answer.said.as_str())).collect();
    assert_eq!(
        said,
        [
            (true, "ended with status 0"),
            (false, "ended with status 3: nothing listens"),
            (true, "answered \"-Atc select 1\""),
            (false, "answered \"-Atc select 1\", expected \"2\""),
            (false, "there is no program `no-such-psql`"),
        ]
    );
}

/// A `docker` that prints what files of its folder say.
struct Docker {
    folder: tempfile::TempDir,
}

impl Docker {
    fn new() -> Docker {
        let docker = Docker { folder: tempfile::tempdir().unwrap() };
        let shown = docker.folder.path().display();
        let script = format!(
            "#!/bin/sh\ncd '{shown}'\necho \"$1\" >>asked\ncase \"$1\" in\nps) cat ids ;;\ninspect) cat containers ;;\n\
             image) echo sha256:fresh ;;\nlogs) echo 'out of memory'; echo 'giving up' >&2 ;;\nesac\n"
        );
        docker.write("docker", &script);
        let file = docker.folder.path().join("docker");
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
        docker
    }

    fn place(&self) -> Place {
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        let environment = [("PATH".into(), path)].into();
        Place { folder: "/".into(), environment, project: Project::In("/srv/cloud".into()), inside: false }
    }

    /// Replaces a file whole, as it may be read at the same time.
    fn write(&self, name: &str, text: &str) {
        let fresh = self.folder.path().join(format!(".{name}"));
        std::fs::write(&fresh, text).unwrap();
        std::fs::rename(fresh, self.folder.path().join(name)).unwrap();
    }

    fn containers(&self, containers: &[Value]) {
        let ids: Vec<_> = containers.iter().map(|container| container["Id"].as_str().unwrap()).collect();
        self.write("containers", &json!(containers).to_string());
        self.write("ids", &ids.join("\n"));
    }
}

fn container(id: &str, status: &str, restarts: u64, health: Option<&str>) -> Value {
    let mut state = json!({
        "Status": status, "Running": status == "running", "Restarting": status == "restarting",
        "StartedAt": format!("2026-01-01T00:00:0{restarts}Z"),
    });
    if let Some(health) = health {
        state["Health"] = json!({ "Status": health });
    }
    json!({
        "Id": id, "Name": format!("/cloud-core-{id}"), "Image": "sha256:fresh", "RestartCount": restarts, "State": state,
        "Config": { "Labels": { "com.docker.compose.project": "cloud", "com.docker.compose.service": "core" } },
    })
}

#[test]
fn a_compose_service_must_run_be_healthy_and_be_only_one() {
    let docker = Docker::new();
    let place = Arc::new(docker.place());
    let seen = |written: Value| {
        let answer = round(&checks(json!([written])), &place, &|| false).unwrap().remove(0);
        (answer.ok, answer.said)
    };
    let core = json!({ "service": "core" });
    docker.containers(&[]);
    let none = "there is no container of the service `core` whose Compose files are in `/srv/cloud`";
    assert_eq!(seen(core.clone()), (false, none.into()));
    docker.containers(&[container("1", "running", 0, None)]);
    assert_eq!(seen(core.clone()), (true, "is running".into()));
    assert!(seen(json!({ "service": "core", "image": "core:0.2.13" })).0);
    let stale = seen(json!({ "service": "core", "image": "sha256:stale" }));
    assert_eq!(stale, (false, "runs another image than `sha256:stale`".into()));
    docker.containers(&[container("1", "running", 0, Some("starting"))]);
    assert!(!seen(core.clone()).0);
    docker.containers(&[container("1", "running", 0, Some("healthy"))]);
    assert_eq!(seen(core.clone()), (true, "is running and healthy".into()));
    docker.containers(&[container("1", "exited", 0, None)]);
    assert_eq!(seen(core.clone()), (false, "is exited".into()));
    docker.containers(&[container("1", "running", 0, None), container("2", "running", 0, None)]);
    assert!(seen(core.clone()).1.starts_with("there are several containers of the service `core`"));
    let mut neighbour = container("2", "exited", 0, None);
    neighbour["Config"]["Labels"]["com.docker.compose.project"] = json!("other");
    docker.containers(&[container("1", "running", 0, None), neighbour.clone()]);
    assert!(seen(core.clone()).0);
    docker.containers(&[neighbour]);
    assert_eq!(seen(core.clone()), (false, none.into()));
    let mut one_off = container("2", "running", 0, None);
    one_off["Config"]["Labels"]["com.docker.compose.oneoff"] = json!("True");
    docker.containers(&[container("1", "running", 0, None), one_off]);
    assert!(seen(core).0);
}

#[test]
fn docker_is_asked_once_for_all_checks_of_a_round() {
    let docker = Docker::new();
    let mut auth = container("2", "exited", 0, None);
    auth["Config"]["Labels"]["com.docker.compose.service"] = json!("auth");
    let mut other = container("3", "running", 0, None);
    other["Config"]["Labels"]["com.docker.compose.service"] = json!("ui");
    docker.containers(&[container("1", "running", 0, None), auth, other]);
    let place = Arc::new(docker.place());
    let written = json!([
        { "service": "core", "image": "core:0.2.13" }, { "service": "ui", "image": "core:0.2.13" },
        { "service": "auth" }, { "containers": "core" }, { "service": "sync" },
    ]);
    let answers = round(&checks(written), &place, &|| false).unwrap();
    let well: Vec<bool> = answers.iter().map(|answer| answer.ok).collect();
    assert_eq!(well, [true, true, false, true, false]);
    let asked = std::fs::read_to_string(docker.folder.path().join("asked")).unwrap();
    assert_eq!(asked, "ps\ninspect\nimage\n");
    // Another project is another question.
    let written = json!([{ "service": "core", "project": "cloud" }, { "service": "ui", "project": "cloud" }]);
    assert!(round(&checks(written), &place, &|| false).unwrap().iter().all(|answer| answer.ok));
    let asked = std::fs::read_to_string(docker.folder.path().join("asked")).unwrap();
    assert_eq!(asked, "ps\ninspect\nimage\nps\ninspect\n");
}

#[test]
fn the_stable_window_begins_with_an_answer_not_with_its_question() {
    let server = Server::new(|number, _| {
        if number == 0 {
            std::thread::sleep(std::time::Duration::from_millis(600));
        }
        answer(200, "")
    });
    let written = json!([{ "http": server.url("/") }]);
    let (report, _) = wait_for(written, Duration::seconds(10), Duration::milliseconds(400));
    let seconds = report.unwrap().seconds;
    assert!(seconds >= 1.0, "it was seen to be well for {} s only", seconds - 0.6);
}

#[test]
fn a_service_that_is_started_anew_begins_the_stable_window_anew() {
    let docker = Docker::new();
    docker.containers(&[container("1", "running", 0, None)]);
    let checks = checks(json!([{ "service": "core" }]));
    let mut restarts = 0;
    let mut changes = Vec::new();
    let place = Arc::new(docker.place());
    // It restarts each time that the restart before was seen: three times.
    wait(
        "`cloud` did not become healthy",
        &checks,
        LONG,
        Duration::seconds(1),
        &place,
        &|| false,
        &mut |line| {
            changes.push(line.to_owned());
            if restarts < 3 {
                restarts += 1;
                docker.containers(&[container("1", "running", restarts, None)]);
            }
        },
    )
    .unwrap();
    let anew = "service core was restarted";
    assert_eq!(changes, ["service core is running", anew, anew, anew]);
}

#[test]
fn the_log_of_a_service_that_does_not_become_healthy_is_shown() {
    let docker = Docker::new();
    docker.containers(&[container("1", "restarting", 7, None)]);
    let (report, _) = wait_in(&docker.place(), json!([{ "service": "core" }]), NONE, NONE);
    let why = report.unwrap_err().why;
    assert_eq!(why[0], "service core is restarting (restarts so far: 7)");
    assert_eq!(why[1], "the end of its log:\nout of memory\ngiving up");
}

#[test]
fn a_machine_without_docker_is_told() {
    let empty = tempfile::tempdir().unwrap();
    let path = empty.path().display().to_string();
    let place = Place { folder: "/".into(), environment: [("PATH".into(), path)].into(), ..Place::default() };
    let (report, _) = wait_in(&place, json!([{ "service": "core" }]), NONE, NONE);
    assert_eq!(report.unwrap_err().why, ["service core there is no program `docker`"]);
}

/// Calls a primitive on a server with these health checks.
fn call(name: &str, arguments: Value, health: Value) -> (Result<Value, Failure>, Vec<Told>) {
    let server =
        json!({ "kind": "generic", "checkout": "/", "health": health, "healthy": { "stable": "0s" } });
    let server = serde_json::from_value(server).unwrap();
    let told = Mutex::new(Vec::new());
    let host = Host {
        server: Some(&server),
        folder: "/".as_ref(),
        stop: &Stop::new(),
        tell: &|fact| told.lock().unwrap().push(fact),
        hold: &|_| Ok(()),
    };
    let outcome = accepted(name, &arguments).and_then(|call| call.perform(&host));
    (outcome, told.into_inner().unwrap())
}

#[test]
fn the_checks_of_the_site_are_used_unless_others_are_given() {
    let server = Server::new(|_, head| answer(if head.contains("/ill") { 500 } else { 200 }, ""));
    let own = json!([server.url("/")]);
    let (outcome, told) = call("wait_healthy", json!({ "server": { "$server": "cloud" } }), own.clone());
    let line = format!("GET {} answered 200", server.url("/"));
    assert_eq!(outcome.unwrap()["healthy"], true);
    assert_eq!(told, [Told::Progress(line.into())]);

    let given = json!({ "server": { "$server": "cloud" }, "checks": [{ "http": server.url("/ill"), "name": "ill" }] });
    let (outcome, _) = call("is_healthy", given, own);
    let seen = json!({ "name": "ill", "ok": false, "said": "answered 500, expected 200" });
    assert_eq!(outcome.unwrap(), json!({ "healthy": false, "checks": [seen] }));
}

#[test]
fn a_server_without_checks_or_with_wrong_ones_is_not_waited_for() {
    for name in ["wait_healthy", "is_healthy"] {
        let (outcome, _) = call(name, json!({ "server": { "$server": "cloud" } }), json!([]));
        let failure = outcome.unwrap_err();
        assert_eq!(failure.kind, Kind::Invalid);
        assert!(failure.help.unwrap().contains("banister doc wait_healthy"));
        for wrong in
            [json!({ "htpp": "http://localhost/" }), json!("localhost"), json!({ "tcp": "localhost" })]
        {
            let arguments = json!({ "server": { "$server": "cloud" }, "checks": [wrong] });
            assert_eq!(call(name, arguments, json!([])).0.unwrap_err().kind, Kind::Invalid, "{wrong}");
        }
    }
}

#[test]
fn http_gives_the_answer_and_sends_a_secret_but_changes_nothing() {
    let token = banister::internals::secret::keep("test token", "very secret token");
    let server = Server::new(|_, head| {
        let knows = head.contains("authorization: Bearer very secret token");
        answer(if knows { 404 } else { 401 }, r#"{"error": {"code": 7}}"#)
    });
    let (outcome, _) = call("http", json!({ "url": server.url("/"), "bearer": token }), json!([]));
    let outcome = outcome.unwrap();
    assert_eq!((&outcome["status"], &outcome["json"]["error"]["code"]), (&json!(404), &json!(7)));

    let (outcome, _) = call("http", json!({ "url": server.url("/"), "method": "post" }), json!([]));
    let failure = outcome.unwrap_err();
    assert_eq!(failure.kind, Kind::Invalid);
    assert!(failure.message.contains("for `POST` use `run` with curl"), "{failure}");

    let tagged = Server::new(|_, _| answer(200, r#"{"$secret": "test token"}"#));
    let (outcome, _) = call("http", json!({ "url": tagged.url("/") }), json!([]));
    assert_eq!(outcome.unwrap()["json"], Value::Null);
}

#[test]
fn a_token_is_exchanged_for_the_one_that_is_sent() {
    let server = Server::new(|_, head| {
        let sent = |token: &str| head.to_lowercase().contains(&format!("authorization: bearer {token}"));
        match head.split(' ').take(2).collect::<Vec<_>>().as_slice() {
            ["POST", "/exchange"] if sent("first-token") => answer(201, r#"{"id_token":"second-token"}"#),
            ["GET", "/queue"] if sent("second-token") => answer(200, "[]"),
            _ => answer(401, "{}"),
        }
    });
    let look = |token: &str, exchange: &str| {
        let bearer = banister::internals::secret::keep(format!("exchanged {token}"), token);
        let check =
            json!({ "http": server.url("/queue"), "bearer": bearer, "exchange": server.url(exchange) });
        round(&[Check::read(&check).unwrap()], &Arc::default(), &|| false).unwrap().remove(0)
    };
    assert!(look("first-token", "/exchange").ok);
    let refused = look("another-token", "/exchange");
    assert!(!refused.ok && refused.said.starts_with("got no token: POST "), "{refused:?}");
    let check = json!({ "http": server.url("/queue"), "exchange": server.url("/exchange") });
    let failure = round(&[Check::read(&check).unwrap()], &Arc::default(), &|| false).unwrap_err();
    assert_eq!((failure.kind, failure.message.contains("`bearer`")), (Kind::Invalid, true), "{failure:?}");
    assert!(refused.said.ends_with("answered 401") && !refused.said.contains("another-token"), "{refused:?}");
}

/// A server with a certificate of an authority of its own, until it is dropped.
struct Private {
    folder: tempfile::TempDir,
    port: u16,
    child: std::process::Child,
}

impl Private {
    /// None where there is no `openssl`.
    fn new() -> Option<Private> {
        let folder = tempfile::tempdir().unwrap();
        let openssl = |arguments: &str| {
            let mut command = std::process::Command::new("openssl");
            command.args(arguments.split(' ')).current_dir(folder.path());
            command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
            command.stderr(std::process::Stdio::null());
            command
        };
        let run = |arguments: &str| assert!(openssl(arguments).status().unwrap().success(), "{arguments}");
        if openssl("version").status().is_err() {
            eprintln!("SKIPPED: there is no openssl");
            return None;
        }
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
        run(&format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=Our_own"));
        run(&format!("req -x509 {key} -keyout other.key -out other.pem -subj /CN=Another"));
        run(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out csr.pem -subj /CN=localhost",
        );
        std::fs::write(
            folder.path().join("names"),
            "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n",
        )
        .unwrap();
        run(
            "x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out cert.pem",
        );
        let port = free_address("127.0.0.1").rsplit_once(':').unwrap().1.parse().unwrap();
        let child =
            openssl(&format!("s_server -quiet -cert cert.pem -key key.pem -www -accept 127.0.0.1:{port}"));
        let server = Private { child: { child }.spawn().unwrap(), folder, port };
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(std::time::Instant::now() < until, "openssl does not listen");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Some(server)
    }

    fn place(&self, authorities: &str) -> Place {
        let file = self.folder.path().join(authorities).display().to_string();
        Place { folder: "/".into(), environment: [("SSL_CERT_FILE".into(), file)].into(), ..Place::default() }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_certificate_of_an_authority_of_ones_own_is_valid_where_it_is_named() {
    let Some(server) = Private::new() else { return };
    let url = format!("https://localhost:{}/", server.port);
    let written = json!([{ "http": url, "resolve": "127.0.0.1" }]);
    let (report, _) = wait_in(&server.place("ca.pem"), written.clone(), Duration::seconds(10), NONE);
    assert_eq!(report.unwrap().checks[0].said, "answered 200");
    // The check's own file counts, in the checkout.
    let own = json!([{ "http": url, "resolve": "127.0.0.1", "ca": "ca.pem" }]);
    let place = Place { folder: server.folder.path().into(), ..server.place("other.pem") };
    let (report, _) = wait_in(&place, own, Duration::seconds(10), NONE);
    assert_eq!(report.unwrap().checks[0].said, "answered 200");
    // What the file names is all that is added.
    let (report, _) = wait_in(&server.place("other.pem"), written.clone(), NONE, NONE);
    let why = report.unwrap_err().why.join("\n");
    assert!(why.contains("no valid certificate") && why.contains("`SSL_CERT_FILE`"), "{why}");
    assert!(why.contains("`fingerprint` of a check"), "{why}");
    let (report, _) = wait_for(written.clone(), NONE, NONE);
    assert!(report.unwrap_err().why.join("\n").contains("no valid certificate"));
    // A file that is none is the administrator's slip, not a server that needs longer.
    for (name, said) in [("key.pem", "holds no certificate"), ("missing", "can't be read")] {
        let (report, _) = wait_in(&server.place(name), written.clone(), LONG, NONE);
        let failure = report.unwrap_err();
        assert!(failure.kind == Kind::Invalid && failure.message.contains(said), "{failure:?}");
    }
    // A request of a script.
    let given =
        json!({ "kind": "generic", "checkout": "/", "environment": server.place("ca.pem").environment });
    let given: banister::internals::site::Server = serde_json::from_value(given).unwrap();
    let host = Host {
        server: Some(&given),
        folder: "/".as_ref(),
        stop: &Stop::new(),
        tell: &|_| {},
        hold: &|_| Ok(()),
    };
    let arguments = json!({ "url": url, "resolve": "127.0.0.1" });
    let answer = accepted("http", &arguments).unwrap().perform(&host).unwrap();
    assert_eq!(answer["status"], 200);
}

/// The fingerprint of a certificate, as openssl prints it: with colons, in capitals.
fn fingerprint(server: &Private) -> String {
    let mut command = std::process::Command::new("openssl");
    command
        .args("x509 -in cert.pem -noout -fingerprint -sha256".split(' '))
        .current_dir(server.folder.path());
    let printed = String::from_utf8(command.output().unwrap().stdout).unwrap();
    format!("sha256:{}", printed.trim().rsplit_once('=').unwrap().1)
}

#[test]
fn a_certificate_is_known_by_its_fingerprint_alone() {
    let Some(server) = Private::new() else { return };
    let right = fingerprint(&server);
    let plain = right[7..].replace(':', "").to_ascii_lowercase();
    let place = server.place("other.pem");
    let check = |url: &str, fingerprint: &str| json!([{ "http": url, "resolve": format!("127.0.0.1:{}", server.port), "fingerprint": fingerprint }]);
    // Neither its authority nor its name matter.
    for (url, fingerprint) in
        [("https://localhost/", right.as_str()), ("https://wiki.example.org/", &format!("sha256:{plain}"))]
    {
        let (report, _) = wait_in(&place, check(url, fingerprint), Duration::seconds(10), NONE);
        assert_eq!(report.unwrap().checks[0].said, "answered 200");
    }
    let wrong = format!("sha256:{}", "0".repeat(64));
    let (report, _) = wait_in(&place, check("https://localhost/", &wrong), NONE, NONE);
    let why = report.unwrap_err().why.join("\n");
    let told = format!(
        "its certificate is not that of `fingerprint`; if it is the right one, write `fingerprint = \"sha256:{plain}\"`"
    );
    assert!(why.contains(&told), "{why}");
    let both = json!([{ "http": "https://localhost/", "ca": "ca.pem", "fingerprint": right }]);
    for (written, said) in [
        (both, "`ca` or `fingerprint`, and not both"),
        (check("http://localhost/", &right), "is not a request"),
    ] {
        let (report, _) = wait_in(&place, written, LONG, NONE);
        let failure = report.unwrap_err();
        assert!(failure.kind == Kind::Invalid && failure.message.contains(said), "{failure:?}");
    }
}

#[test]
fn a_fingerprint_stands_in_site_toml_and_is_checked_there() {
    let Some(server) = Private::new() else { return };
    let world = crate::support::World::new();
    let site = |fingerprint: &str| {
        world.write(
            "site.toml",
            &format!(
                "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackup = [\"~/data\"]\n\
                 health = [{{ http = \"https://localhost:{}/\", resolve = \"127.0.0.1\", fingerprint = \"{fingerprint}\" }}]\n\
                 healthy = {{ within = \"2s\", stable = \"20ms\" }}\n",
                server.port
            ),
        );
    };
    world.write("data/rows", "kept");
    world.git(&["commit", "-q", "--allow-empty", "-m", "second"]);
    world.git(&["tag", "0.2.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    let right = fingerprint(&server);
    site(&right);
    let said = world.banister(&["check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = world.banister(&["plan", "update"]);
    let plain = right[7..].replace(':', "").to_ascii_lowercase();
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = world.banister(&["status", "--json"]);
    assert!(said.out.contains("\"healthy\":true"), "{said:?}");
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    site(&format!("sha256:{}", "0".repeat(64)));
    let said = world.banister(&["run", "update", "--to", "0.2.0", "--yes"]);
    assert!(said.code == Some(0) && said.out.contains("already runs"), "{said:?}");
    let said = world.banister(&["status"]);
    assert!(said.out.contains(&format!("write `fingerprint = \"sha256:{plain}\"`")), "{said:?}");
    site("AA:BB");
    let said = world.banister(&["check"]);
    assert!(
        said.code == Some(2) && said.out.contains("`fingerprint` is `sha256:` and 64 hexadecimal digits"),
        "{said:?}"
    );
}
