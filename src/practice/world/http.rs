//! HTTP/1.1 as far as the services of a practice server need it: one request per connection, a thread for each,
//! bodies with a known length.

use super::World;
use crate::failure::{Context, Failure, Kind, Result};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// No request of a practice server is larger.
const LARGEST_BODY: usize = 64 << 20;

/// Names, in lower case, with their values.
type Headers = Vec<(String, String)>;

#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// What follows the question mark, as it came.
    pub query: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, path: &str, body: impl Into<Vec<u8>>) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Request {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            headers: vec![],
            body: body.into(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// What is behind `Authorization: Bearer`.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

impl Response {
    pub fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Response {
        Response { status, headers: vec![("content-type".into(), kind.into())], body: body.into() }
    }

    pub fn json(status: u16, value: &Value) -> Response {
        Response::new(status, "application/json; charset=utf-8", value.to_string())
    }

    pub fn text(status: u16, text: impl Into<String>) -> Response {
        Response::new(status, "text/plain; charset=utf-8", text.into())
    }

    /// The body as JSON, null if it is none.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// Answers requests for ever.
pub fn serve(at: SocketAddr, answer: impl Fn(Request) -> Response + Send + Sync + 'static) -> Result<()> {
    let listener = TcpListener::bind(at).or_fail(Kind::Refused, || format!("{at} can't be listened on"))?;
    let answer = Arc::new(answer);
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let answer = Arc::clone(&answer);
        // A connection that breaks is the business of whoever made it.
        std::thread::spawn(move || -> Option<()> {
            stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
            let mut reader = BufReader::new(stream.try_clone().ok()?);
            let request = read_request(&mut reader)?;
            write_response(&stream, &answer(request)).ok()
        });
    }
    Ok(())
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let (first, headers, body) = read_message(reader, false)?;
    let mut words = first.split_whitespace();
    let mut request = Request::new(words.next()?, words.next()?, body);
    request.headers = headers;
    Some(request)
}

/// The first line, the headers and the body. Without a length, an answer goes on to the end of the connection.
fn read_message(reader: &mut impl BufRead, to_end: bool) -> Option<(String, Headers, Vec<u8>)> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.by_ref().take(64 << 10).read_line(&mut line).ok()? == 0 || head.len() > 200 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_string()),
        }
    }
    let mut head = head.into_iter();
    let first = head.next()?;
    let headers: Headers = head
        .filter_map(|line| {
            line.split_once(':').map(|(key, value)| (key.to_lowercase(), value.trim().to_string()))
        })
        .collect();
    let length =
        headers.iter().find(|(key, _)| key == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = Vec::new();
    match length {
        Some(length) if length <= LARGEST_BODY => {
            body.resize(length, 0);
            reader.read_exact(&mut body).ok()?;
        }
        None if to_end => _ = reader.read_to_end(&mut body).ok()?,
        None => {}
        Some(_) => return None,
    }
    Some((first, headers, body))
}

fn write_response(mut stream: &TcpStream, response: &Response) -> std::io::Result<()> {
    let reason = match response.status {
        200 => "OK",
        201 => "Created",
        307 => "Temporary Redirect",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Answer",
    };
    let mut message = format!("HTTP/1.1 {} {reason}\r\n", response.status);
    for (key, value) in &response.headers {
        message.push_str(&format!("{key}: {value}\r\n"));
    }
    message.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", response.body.len()));
    stream.write_all(&[message.as_bytes(), &response.body].concat())
}

/// Sends a request; none of the practice server's answers takes long.
pub fn send(to: SocketAddr, request: &Request) -> Result<Response> {
    exchange(to, request).ok_or_else(|| {
        Failure::new(Kind::Unreachable, format!("{to} does not answer `{} {}`", request.method, request.path))
    })
}

fn exchange(to: SocketAddr, request: &Request) -> Option<Response> {
    let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    let mut message = format!("{} {}{query} HTTP/1.1\r\n", request.method, request.path);
    let own = [("content-length", request.body.len().to_string()), ("connection", "close".to_string())];
    let kept = request.headers.iter().filter(|(key, _)| own.iter().all(|(name, _)| name != key));
    let kept: Vec<(&str, &str)> = kept.map(|(key, value)| (key.as_str(), value.as_str())).collect();
    if request.header("host").is_none() {
        message.push_str("host: localhost\r\n");
    }
    for (key, value) in own.iter().map(|(key, value)| (*key, value.as_str())).chain(kept) {
        message.push_str(&format!("{key}: {value}\r\n"));
    }
    message.push_str("\r\n");
    stream.write_all(&[message.as_bytes(), &request.body].concat()).ok()?;
    let (first, headers, body) = read_message(&mut BufReader::new(stream), true)?;
    let headers =
        headers.into_iter().filter(|(key, _)| key != "content-length" && key != "connection").collect();
    Some(Response { status: first.split_whitespace().nth(1)?.parse().ok()?, headers, body })
}

/// Gets a URL as a container would: the name of a service stands for its container.
pub fn get(world: &World, url: &str) -> Result<Response> {
    request(world, "GET", url, &[], Vec::new())
}

/// As [`get`], with everything.
pub fn request(
    world: &World,
    method: &str,
    url: &str,
    headers: &[(String, String)],
    body: Vec<u8>,
) -> Result<Response> {
    let wrong =
        || Failure::new(Kind::Invalid, format!("`{url}` is not a URL that a practice server can reach"));
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let slash = rest.find('/').unwrap_or(rest.len());
    let (name, port) = rest[..slash].split_once(':').unwrap_or((&rest[..slash], "80"));
    let to = match name {
        "localhost" | "127.0.0.1" => (Ipv4Addr::LOCALHOST, port.parse().map_err(|_| wrong())?).into(),
        service => world.socket(service)?,
    };
    let path = if slash == rest.len() { "/" } else { &rest[slash..] };
    let mut request = Request::new(method, path, body);
    request.headers = headers.to_vec();
    if request.header("host").is_none() {
        request.headers.push(("host".into(), rest[..slash].into()));
    }
    send(to, &request)
}
