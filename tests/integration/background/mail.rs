//! Mail by SMTP over TLS, other programs that bring notices, and the test of all places.

use super::{command, run_folder, said_by, shown, wait_for, wait_for_end, world};
use crate::support::{self, Said, World};
use base64::Engine as _;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What came to a mail server: all lines of a dialogue, with TLS or without.
type Heard = Arc<Mutex<Vec<String>>>;

/// An authority of our own, and a certificate that it signed for `localhost`, in a folder; nothing without `openssl`.
fn certificates(folder: &Path) -> Option<Arc<ServerConfig>> {
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(folder).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    if openssl("version").is_err() {
        eprintln!("SKIPPED: there is no openssl");
        return None;
    }
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    for arguments in [
        format!("req -x509 {key} -days 2 -keyout ca.key -out ca.pem -subj /CN=Our_own"),
        format!("req -x509 {key} -days 2 -keyout other.key -out other.pem -subj /CN=Another"),
        format!("req {key} -keyout key.pem -out csr.pem -subj /CN=localhost"),
        "x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out cert.pem"
            .into(),
    ] {
        assert!(openssl(&arguments).unwrap().success(), "{arguments}");
    }
    let certificate = CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Some(Arc::new(config.with_single_cert(vec![certificate], key).unwrap()))
}

fn line(stream: &mut impl Read) -> Option<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).ok()? == 1 {
        match byte[0] {
            b'\n' => return Some(String::from_utf8_lossy(&line).trim_end().to_owned()),
            byte => line.push(byte),
        }
    }
    None
}

/// Speaks SMTP until the end, or until TLS is to begin.
fn serve(stream: &mut (impl Read + Write), heard: &Heard, abilities: &str, refuses: bool) -> Option<()> {
    let say = |stream: &mut dyn Write, text: &str| stream.write_all(format!("{text}\r\n").as_bytes()).ok();
    loop {
        let line = self::line(stream)?;
        heard.lock().unwrap().push(line.clone());
        let word = line.split([' ', ':']).next().unwrap_or_default().to_owned();
        match word.as_str() {
            "EHLO" => say(stream, &format!("250-localhost\r\n{abilities}250 8BITMIME"))?,
            "STARTTLS" => return say(stream, "220 go ahead"),
            "MAIL" if refuses => say(stream, "451 later")?,
            "AUTH" if line == "AUTH LOGIN" => {
                for _ in 0..2 {
                    say(stream, "334 VXNlcm5hbWU6")?;
                    let said = self::line(stream)?;
                    heard.lock().unwrap().push(said);
                }
                say(stream, "235 welcome")?;
            }
            "AUTH" => say(stream, "235 welcome")?,
            "DATA" => {
                say(stream, "354 end with a dot")?;
                while let Some(line) = self::line(stream).filter(|line| line != ".") {
                    heard.lock().unwrap().push(line);
                }
                say(stream, "250 taken")?;
            }
            "QUIT" => return say(stream, "221 bye"),
            _ => say(stream, "250 ok")?,
        }
    }
}

/// A mail server at `localhost`, which takes nothing from the first `refused` that come. Gives its port.
fn server(config: Arc<ServerConfig>, is_tls_first: bool, auth: &'static str, refused: usize) -> (u16, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Heard::default();
    let kept = heard.clone();
    let count = AtomicUsize::new(0);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream: TcpStream = stream.unwrap();
            let refuses = count.fetch_add(1, Ordering::SeqCst) < refused;
            if !is_tls_first {
                let _ = stream.write_all(b"220 hello\r\n");
                if serve(&mut stream, &kept, "250-STARTTLS\r\n", refuses).is_none() {
                    continue;
                }
            }
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut tls = StreamOwned::new(connection, stream);
            if is_tls_first {
                let _ = tls.write_all(b"220 hello\r\n");
            }
            kept.lock().unwrap().push("-- TLS --".into());
            let _ = serve(&mut tls, &kept, auth, refuses);
            tls.conn.send_close_notify();
            let _ = tls.flush();
        }
    });
    (port, heard)
}

fn with_notify(world: &World, tables: &str) {
    let site = world.read("site.toml");
    world.write("site.toml", &format!("{tables}\n{site}"));
}

fn said_with(world: &World, arguments: &[&str], name: &str, value: &Path) -> Said {
    support::said(command(world, arguments).env(name, value).output().unwrap())
}

fn program(world: &World, name: &str, text: &str) {
    world.write(name, text);
    fs::set_permissions(world.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn mail_is_handed_over_by_tls_only_to_whom_our_authority_knows() {
    let world = world();
    let Some(config) = certificates(world.path()) else { return };
    let (first, heard_first) = server(config.clone(), true, "250-AUTH LOGIN PLAIN\r\n", 0);
    let (later, heard_later) = server(config, false, "250-AUTH LOGIN\r\n", 0);
    world.write("password", "h0rse-battery-staple\n");
    program(&world, "pass", "#!/bin/sh\necho h0rse-battery-staple\n");
    let folder = world.path().display();
    with_notify(
        &world,
        &format!(
            "[[notify]]\nmail = [\"ops@example.org\"]\nsmtp = \"smtps://localhost:{first}\"\nuser = \"ops@example.org\"\n\
             password_file = \"{folder}/password\"\n\
             [[notify]]\nmail = [\"a@example.org\", \"b@example.org\"]\nsmtp = \"smtp://localhost:{later}\"\n\
             from = \"banister@example.org\"\nuser = \"b\"\npassword_command = [\"{folder}/pass\"]\n"
        ),
    );
    let authority = world.path().join("ca.pem");
    let said = said_with(&world, &["notify", "--test"], "SSL_CERT_FILE", &authority);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.out.matches("took it").count(), 2, "{said:?}");
    assert!(!format!("{said:?}").contains("h0rse"), "{said:?}");

    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let heard = heard_first.lock().unwrap().join("\n");
    assert!(heard.starts_with("-- TLS --\nEHLO "), "{heard}");
    assert!(
        heard.contains(&format!("AUTH PLAIN {}\n", base64("\0ops@example.org\0h0rse-battery-staple"))),
        "{heard}"
    );
    assert!(
        heard.contains(
            "MAIL FROM:<ops@example.org>\nRCPT TO:<ops@example.org>\nDATA\nFrom: ops@example.org\n"
        ),
        "{heard}"
    );
    assert!(
        heard.contains("\n\nops@") && heard.contains("typed `banister notify --test`; nothing has happened"),
        "{heard}"
    );
    let heard = heard_later.lock().unwrap().join("\n");
    let (clear, secret) = heard.split_once("-- TLS --\n").unwrap();
    assert!(
        clear.starts_with("EHLO ") && clear.ends_with("\nSTARTTLS\n") && clear.lines().count() == 2,
        "{heard}"
    );
    let login = format!("AUTH LOGIN\n{}\n{}\n", base64("b"), base64("h0rse-battery-staple"));
    assert!(
        secret.contains(&login) && secret.contains("RCPT TO:<a@example.org>\nRCPT TO:<b@example.org>\n"),
        "{heard}"
    );

    // Of another authority.
    heard_first.lock().unwrap().clear();
    let said = said_with(&world, &["notify", "--test"], "SSL_CERT_FILE", &world.path().join("other.pem"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.out.matches("did not take it").count(), 2, "{said:?}");
    assert!(said.out.contains("certificate"), "{said:?}");
    assert!(!heard_first.lock().unwrap().join("").contains("EHLO"));
}

#[test]
fn mail_that_is_refused_for_now_is_sent_again() {
    let world = world();
    let Some(config) = certificates(world.path()) else { return };
    let (port, heard) = server(config, true, "", 3);
    with_notify(
        &world,
        &format!(
            "[[notify]]\nmail = [\"ops@example.org\"]\nat = [\"failed\"]\nsmtp = \"smtps://localhost:{port}\"\n"
        ),
    );
    let script = "fn main() { let server = this_server();\nstep \"Bad\" { server.make(\"fail\"); } }";
    world.write("runbooks/fails.rhai", script);
    let said = said_with(&world, &["run", "fails"], "SSL_CERT_FILE", &world.path().join("ca.pem"));
    assert_eq!(said.code, Some(1), "{said:?}");
    wait_for("it is taken", || {
        heard
            .lock()
            .unwrap()
            .iter()
            .any(|line| line == "next: banister resume" || line.starts_with("next: banister resume "))
    });
    wait_for_end(&world);
    assert!(shown(&world).contains(r#""untaken_notices":[]"#), "{}", shown(&world));
    let log = fs::read_to_string(run_folder(&world).join("runner.log")).unwrap();
    assert!(
        log.contains("did not take the mail") && log.contains("451 later to `MAIL FROM:<banister@"),
        "{log}"
    );
    let heard = heard.lock().unwrap();
    assert_eq!(heard.iter().filter(|line| *line == "DATA").count(), 1, "{heard:?}");
}

#[test]
fn apprise_gets_its_url_where_other_users_do_not_see_it() {
    let world = world();
    let folder = world.path().display();
    program(
        &world,
        "bin/apprise",
        "#!/bin/sh\necho \"$@\" > $HOME/words\necho \"$APPRISE_URLS\" > $HOME/urls\ncat > $HOME/text\n",
    );
    with_notify(
        &world,
        "[[notify]]\napprise = \"tgram://T0KEN-of-the-bot/123\"\n[[notify]]\nwebhook = \"http://127.0.0.1:9/T0KEN-of-the-hook\"\nshape = \"ntfy\"\n[[notify]]\nping = \"http://127.0.0.1:9/T0KEN-of-the-hook\"\n",
    );
    let path = format!("{folder}/bin:{}", std::env::var("PATH").unwrap());
    let said = said_with(&world, &["notify", "--test"], "PATH", Path::new(&path));
    assert_eq!(said.code, Some(1), "{said:?}");
    let rows: Vec<Vec<&str>> =
        said.out.lines().map(|line| line.split("  ").filter(|cell| !cell.is_empty()).collect()).collect();
    assert!(rows[0][0] == "apprise (tgram)" && rows[0][1].trim() == "took it", "{said:?}");
    assert!(
        rows[1][0] == "webhook of ntfy at 127.0.0.1:9" && rows[1][1].trim().starts_with("did not take it: "),
        "{said:?}"
    );
    assert!(rows[2][0] == "ping at 127.0.0.1:9" && rows[2][1].contains("connection refused"), "{said:?}");
    assert!(!format!("{said:?}").contains("T0KEN"), "{said:?}");
    let words = world.read("words");
    assert!(words.starts_with("--verbose --input-format=text --notification-type=info --title="), "{words}");
    assert!(!words.contains("T0KEN"), "{words}");
    assert_eq!(world.read("urls"), "tgram://T0KEN-of-the-bot/123\n");
    assert!(world.read("text").contains("nothing has happened"));

    let said = said_by(&world, &["notify"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.starts_with("apprise"), "{said:?}");
    assert!(said.out.contains("asked, done, failed, interrupted, rolled_back"), "{said:?}");
    let said = said_by(&support::World::new(), &["notify", "--test"]);
    assert!(said.code == Some(2) && said.err.contains("names nobody who hears of runs"), "{said:?}");
}
