//! `curl` and `wget` in a container.

use super::inside::Inside;
use crate::failure::Result;
use crate::output;
use crate::practice::world::http;

/// Prints what a URL answers; status 22 for an HTTP error with `-f`, 7 without an answer.
pub fn fetch(inside: &Inside, arguments: &[String]) -> Result<i32> {
    let (mut method, mut headers, mut body, mut url, mut fail) = (None, vec![], String::new(), "", false);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-X" | "--request" => method = words.next().cloned(),
            "-H" | "--header" => {
                let header = words.next().and_then(|header| header.split_once(':'));
                headers.extend(header.map(|(key, value)| (key.to_lowercase(), value.trim().to_string())));
            }
            "-d" | "--data" => body = words.next().cloned().unwrap_or_default(),
            "-o" | "-O" | "-m" | "--max-time" | "-w" => _ = words.next(),
            word if word.starts_with('-') => {
                fail |= word == "--fail" || (!word.starts_with("--") && word.contains('f'))
            }
            word => url = word,
        }
    }
    let method = method.unwrap_or_else(|| if body.is_empty() { "GET".into() } else { "POST".into() });
    // In the container, `localhost` is the container.
    let own = format!("http://{}:", inside.service);
    let url = url.replace("http://localhost:", &own).replace("http://127.0.0.1:", &own);
    match http::request(inside.world, &method, &url, &headers, body.into()) {
        Err(failure) => {
            output::complain(format_args!("curl: (7) {failure}"));
            Ok(7)
        }
        Ok(response) if fail && response.status >= 400 => {
            output::complain(format_args!(
                "curl: (22) The requested URL returned error: {}",
                response.status
            ));
            Ok(22)
        }
        Ok(response) => Ok(i32::from(output::print(response.body).is_err())),
    }
}
