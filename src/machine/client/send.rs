//! One request and its answer, without any judgement of it.

use super::fault::Fault;
use super::{Answer, Method, Question};
use std::io::Read;
use std::time::Duration;
use ureq::http::{HeaderMap, Request, Response};
use ureq::{Agent, AsSendBody, Body};

/// Sends it within a time, from the connection to the end of the answer's body.
pub(super) fn send(agent: &Agent, question: &Question, within: Duration) -> Result<Answer, Fault> {
    let authority = question.url.authority();
    let method = match question.method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post(_) => "POST",
    };
    let mut request = Request::builder().method(method).uri(question.url.to_string());
    request = request.header("accept", question.accept);
    if let Some(credential) = question.credential {
        request = request.header(credential.header, &credential.value);
    }
    let answer = match &question.method {
        Method::Post(form) => {
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            run(agent, request.body(form.0.as_str()), within)
        }
        _ => run(agent, request.body(()), within),
    };
    let mut answer = answer.map_err(|error| Fault::of(error, &authority))?;
    let headers = answer.headers().clone();
    let status = answer.status().as_u16();
    let body = match question.method {
        Method::Head => Vec::new(),
        _ => body(&mut answer, &headers, question.largest, &authority)?,
    };
    Ok(Answer { status, headers, body, url: question.url.clone() })
}

fn run<B: AsSendBody>(
    agent: &Agent,
    request: ureq::http::Result<Request<B>>,
    within: Duration,
) -> Result<Response<Body>, ureq::Error> {
    let request = agent.configure_request(request?).timeout_global(Some(within)).build();
    agent.run(request)
}

fn body(
    answer: &mut Response<Body>,
    headers: &HeaderMap,
    largest: u64,
    authority: &str,
) -> Result<Vec<u8>, Fault> {
    let encoding = headers.get("content-encoding").map(|value| value.as_bytes());
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        return Err(Fault::lasting(format!("`{authority}` answered compressed, which was not asked for")));
    }
    let too_large = || Fault::too_large(authority, largest);
    let length = headers.get("content-length").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > largest) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let read = answer.body_mut().as_reader().take(largest + 1).read_to_end(&mut bytes);
    read.map_err(|error| Fault::of(error.into(), authority))?;
    if bytes.len() as u64 > largest {
        return Err(too_large());
    }
    Ok(bytes)
}
