//! What the stand-ins print. Unlike `println!`, a reader that has gone away is no reason to panic.

use std::io::Write;

/// Writes to standard output, as it is.
pub fn print(text: impl AsRef<[u8]>) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_ref())?;
    out.flush()
}

/// Writes a line to standard output.
pub fn line(text: impl std::fmt::Display) {
    _ = print(format!("{text}\n"));
}

/// Writes a line to standard error.
pub fn complain(text: impl std::fmt::Display) {
    _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}
