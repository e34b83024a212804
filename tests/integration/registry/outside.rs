//! Over TLS with an authority of one's own, and by a proxy.

use super::server::Server;
use banister::internals::machine::client::url::Url;
use banister::internals::machine::client::{Asked, Client, Limits, Method, Question};
use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn status(authorities: Option<&Path>, url: &str) -> Asked<u16> {
    let never = || false;
    let limits = Limits { connect: Duration::from_secs(3), ..Limits::default() };
    let client = Client::new(authorities, [], limits, &never).unwrap();
    let url = Url::parse(url).unwrap();
    let question =
        Question { method: Method::Get, url: &url, accept: "*/*", credential: None, largest: 1 << 20 };
    client.ask(&question).map(|answer| answer.status)
}

fn openssl(folder: &Path, arguments: &str) {
    let made = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn an_authority_of_ones_own_is_believed_where_it_is_named() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| -> PathBuf { folder.path().join(name) };
    let subject = "-nodes -newkey rsa:2048 -keyout";
    openssl(folder.path(), &format!("req -x509 {subject} ca.key -out ca.crt -days 2 -subj /CN=ours"));
    openssl(folder.path(), &format!("req {subject} key -out request -subj /CN=localhost"));
    fs::write(at("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
    openssl(
        folder.path(),
        "x509 -req -in request -CA ca.crt -CAkey ca.key -CAcreateserial -out crt -days 2 -extfile names",
    );
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:{port}\n  tls:\n    certificate: {}\n    key: {}\n",
        at("data").display(),
        at("crt").display(),
        at("key").display()
    );
    fs::write(at("config.yml"), config).unwrap();
    let mut command = Command::new("docker-registry");
    let started =
        command.arg("serve").arg(at("config.yml")).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = started else { return };
    let end = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50));
    }
    let url = format!("https://127.0.0.1:{port}/v2/");
    let (with, without) = (status(Some(&at("ca.crt")), &url), status(None, &url));
    let other = status(Some(&at("ca.crt")), &format!("http://127.0.0.1:{port}/v2/"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(with, Ok(200));
    let without = without.unwrap_err();
    eprintln!("{without:?} {other:?}");
    assert!(without.why.contains("no valid certificate") && without.help.unwrap().contains("SSL_CERT_FILE"));
    assert_eq!(other, Ok(400));
}

#[test]
fn a_proxy_is_asked_for_what_is_outside_and_for_nothing_else() {
    let proxy =
        Server::start(|_, stream| drop(stream.write_all(b"HTTP/1.1 403 no\r\ncontent-length: 0\r\n\r\n")));
    let here = Server::start(|seen, stream| super::server::reply(seen, stream, 200, &[], ""));
    let said = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "registry::outside::asked_in_an_environment", "--nocapture"])
        .env("HTTPS_PROXY", format!("http://{}", proxy.authority()))
        .env("NO_PROXY", "direct.invalid")
        .env("HERE", here.authority())
        .output()
        .unwrap();
    eprintln!("{}", String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success());
    let asked: Vec<_> =
        proxy.seen().into_iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect();
    assert_eq!(asked, ["CONNECT ghcr.example:443"]);
    assert_eq!(here.seen().len(), 1);
}

/// Run by the one above.
#[test]
fn asked_in_an_environment() {
    let Ok(here) = std::env::var("HERE") else { return };
    assert_eq!(status(None, &format!("http://{here}/")), Ok(200));
    eprintln!("{:?}", status(None, "https://ghcr.example/v2/").unwrap_err());
    eprintln!("{:?}", status(None, "https://direct.invalid/v2/").unwrap_err());
}
