//! Names of files as patterns of `--exclude-file`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The line that excludes this path, and all below it, and nothing else. What no line can hold, a line's end, is any one
/// character.
pub fn pattern(path: &Path) -> Vec<u8> {
    let mut line = Vec::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'\n' | b'\r' => line.push(b'?'),
            b'\\' | b'*' | b'?' | b'[' => line.extend([b'\\', *byte]),
            // Variables are filled in.
            b'$' => line.extend(b"$$"),
            byte => line.push(*byte),
        }
    }
    // Blanks at the end are cut off.
    if let Some(blank) = line.pop_if(|last| last.is_ascii_whitespace()) {
        line.extend([b'[', blank, b']']);
    }
    line
}

/// The lines that exclude all below `path`, but for `kept`, which lies below it.
pub fn patterns_below(path: &Path, kept: &Path) -> Vec<Vec<u8>> {
    let Ok(rest) = kept.strip_prefix(path) else { return vec![pattern(path)] };
    let mut lines = Vec::new();
    let mut at = path.to_owned();
    for name in rest {
        lines.push([&pattern(&at)[..], b"/*"].concat());
        at.push(OsStr::new(name));
        lines.push([b"!", &pattern(&at)[..]].concat());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_restic_reads_into_a_line_is_taken_out_of_it() {
        for (path, line) in [
            ("/srv/data", "/srv/data"),
            ("/a b", "/a b"),
            ("/a*?[x]\\", "/a\\*\\?\\[x]\\\\"),
            ("/$HOME", "/$$HOME"),
            ("/ends ", "/ends[ ]"),
            ("/two\nlines", "/two?lines"),
            ("/#a", "/#a"),
        ] {
            assert_eq!(pattern(Path::new(path)), line.as_bytes());
        }
        let lines = patterns_below(Path::new("/b"), Path::new("/b/c/d"));
        assert_eq!(lines, [&b"/b/*"[..], b"!/b/c", b"/b/c/*", b"!/b/c/d"]);
    }
}
