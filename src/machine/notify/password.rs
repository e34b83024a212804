//! The password for a mail server.

use crate::command::{Spec, look};
use crate::failure::{Context, Failure, Kind, Result};
use crate::units::Duration;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

/// No password is longer, in bytes.
const LONGEST: u64 = 4096;

/// The first line of a file. `~` is the home of who runs this.
pub fn of_file(file: &Path) -> Result<String> {
    let path = match (file.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => file.to_owned(),
    };
    let failed = || format!("the password in `{}` can't be read", path.display());
    let mut text = String::new();
    let opened = std::fs::File::open(&path).or_fail(Kind::NotFound, failed)?;
    opened.take(LONGEST).read_to_string(&mut text).or_fail(Kind::Refused, failed)?;
    first_line(&text, &format!("`{}` is empty", path.display()))
}

/// The first line that a command prints.
pub fn of_command(words: &[String], within: Duration) -> Result<String> {
    let began = Instant::now();
    let program = words.first().map_or("", String::as_str);
    let looked = look(&Spec::new(words.iter().cloned(), "/"), &|| began.elapsed() > within.0)?;
    if !looked.exit.success() {
        let last = looked.stderr.trim().lines().last().unwrap_or_default().to_owned();
        let message = format!("`{program}`, which prints the password, {}", looked.exit);
        return Err(Failure::new(Kind::CommandFailed, message).why(last));
    }
    first_line(&looked.stdout, &format!("`{program}`, which prints the password, printed nothing"))
}

fn first_line(text: &str, empty: &str) -> Result<String> {
    match text.lines().next().map(|line| line.trim_end_matches('\r')).filter(|line| !line.is_empty()) {
        Some(line) => Ok(line.to_owned()),
        None => Err(Failure::new(Kind::Refused, empty)),
    }
}
