//! Mail servers that mean no good: each ends in its time, with a failure that says why.

use super::{Letter, MailServer};
use crate::failure::{Kind, Result};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// A server on this machine that does this with whoever comes.
fn server(serve: impl Fn(TcpStream) + Send + 'static) -> MailServer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap());
        }
    });
    MailServer { host: "127.0.0.1".into(), port, is_tls_first: false }
}

/// One that answers each line.
fn answering(answer: impl Fn(&str) -> String + Send + 'static) -> MailServer {
    server(move |mut stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let _ = write!(stream, "220 hello\r\n");
        let (mut line, mut is_text) = (String::new(), false);
        while reader.read_line(&mut line).is_ok_and(|count| count > 0) {
            if !is_text || line == ".\r\n" {
                let answer = answer(line.trim_end());
                is_text = answer.starts_with("354");
                let _ = write!(stream, "{answer}\r\n");
            }
            line.clear();
        }
    })
}

fn send(server: &MailServer, within: Duration) -> Result<Vec<String>> {
    let to = ["a@example.org".to_owned(), "b@example.org".to_owned()];
    let letter = Letter { from: "banister@example.org", to: &to, message: "To: a\n\n.hidden dot\n" };
    server.hand_over(&letter, None, within)
}

#[test]
fn one_that_says_nothing_or_speaks_without_end_ends_in_its_time() {
    let silent =
        server(|stream| std::thread::sleep(Duration::from_secs(30 + u64::from(stream.peer_addr().is_err()))));
    let dripping = server(|mut stream| {
        while stream.write_all(b"2").is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    for server in [silent, dripping] {
        let began = Instant::now();
        let failure = send(&server, Duration::from_secs(1)).unwrap_err();
        assert_eq!(failure.kind, Kind::TimedOut, "{failure:?}");
        assert!(began.elapsed() < Duration::from_secs(10));
    }
    let endless_line = server(|mut stream| while stream.write_all(&[b'2'; 4096]).is_ok() {});
    let endless_lines = server(|mut stream| while stream.write_all(b"220-more\r\n").is_ok() {});
    for (server, why) in
        [(endless_line, "a line of its answer does not end"), (endless_lines, "its answer does not end")]
    {
        let failure = send(&server, Duration::from_secs(20)).unwrap_err();
        assert_eq!((failure.kind, failure.why), (Kind::Refused, vec![why.to_owned()]));
    }
}

#[test]
fn what_is_no_answer_or_no_is_told_with_what_it_said() {
    let why = |server: &MailServer| send(server, Duration::from_secs(20)).unwrap_err().why.join("; ");
    assert_eq!(
        why(&server(|mut stream| _ = stream.write_all(b"HTTP/1.1 400\r\n"))),
        "its answer is not one of a mail server"
    );
    assert_eq!(why(&server(drop)), "it closed the connection");
    let busy = server(|mut stream| _ = stream.write_all(b"421-too\r\n421 busy \x1b[2J\r\n"));
    assert_eq!(why(&busy), "421 too busy [2J to the greeting");
    let nobody = answering(|line| match line.starts_with("RCPT") {
        true => "550 unknown".into(),
        false => "250 ok".into(),
    });
    assert_eq!(why(&nobody), "a@example.org: 550 unknown; b@example.org: 550 unknown");
    let later = answering(|line| match line.starts_with("RCPT TO:<b") {
        true => "451 later".into(),
        false => "250 ok".into(),
    });
    assert_eq!(why(&later), "b@example.org: 451 later");
}

#[test]
fn who_is_refused_for_good_keeps_the_others_from_nothing() {
    let server = answering(|line| match line {
        "DATA" => "354 go on".into(),
        _ if line.starts_with("RCPT TO:<a") => "550 gone".into(),
        _ => "250 ok".into(),
    });
    assert_eq!(send(&server, Duration::from_secs(20)).unwrap(), ["a@example.org: 550 gone"]);
}

/// Whoever sits in between must not get the mail by taking STARTTLS out of the answer.
#[test]
fn nothing_is_sent_in_the_clear_to_another_machine() {
    let server = answering(|_| "250 ok".into());
    // Another name for this machine, which we can't know for one.
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let server = MailServer { host, ..server };
    let Err(failure) = send(&server, Duration::from_secs(20)) else { panic!("it was sent") };
    // Where the name leads to an address on which nobody listens, it was not sent either.
    let said = failure.why.join("; ");
    assert!(said.contains("does not offer STARTTLS") || failure.kind == Kind::Unreachable, "{failure:?}");
}
