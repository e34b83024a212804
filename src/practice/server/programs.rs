//! The programs that stand before the real ones in a practice world's `PATH`.

use crate::failure::{Context, Kind, Result};
use crate::practice::world::start::{MARK, MARK_OF_FILE};
use crate::practice::world::{Settings, World, make_folder, write_whole};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

/// How long a first line may be that the kernel reads, in bytes, in all versions that are used.
const LINE: usize = 127;

/// Writes them: scripts that call the banister binary. An update calls some hundred of them, so the kernel is told to start
/// it without a shell, as far as it can read the line.
pub fn write(world: &World, settings: &Settings) -> Result<()> {
    let bin = world.path("bin");
    make_folder(&bin)?;
    let program = settings.program.as_os_str().as_bytes();
    let dir = world.dir().as_os_str().as_bytes();
    for tool in ["docker", "docker-compose", "sudo", "make"] {
        let text = plain(program, dir, tool).unwrap_or_else(|| script(program, dir, tool));
        write_whole(&bin.join(tool), &text)?;
        std::fs::set_permissions(bin.join(tool), std::fs::Permissions::from_mode(0o755))
            .or_fail(Kind::Refused, || format!("`{tool}` can't be made executable"))?;
    }
    Ok(())
}

/// Without a shell: the program is the interpreter of a file that says which stand-in of which world it is.
fn plain(program: &[u8], dir: &[u8], tool: &str) -> Option<Vec<u8>> {
    let line = [b"#!", program, b" ", MARK_OF_FILE.as_bytes(), b"\n"].concat();
    let is_read = line.len() <= LINE && !program.iter().any(u8::is_ascii_whitespace);
    is_read.then(|| [&line, tool.as_bytes(), b"\n", dir, b"\n"].concat())
}

fn script(program: &[u8], dir: &[u8], tool: &str) -> Vec<u8> {
    let (program, dir) = (quoted(program), quoted(dir));
    let call = [&program[..], MARK.as_bytes(), &dir, tool.as_bytes()].join(&b' ');
    [b"#!/bin/sh\nexec ", &call[..], b" \"$@\"\n"].concat()
}

/// For a shell: within single quotes only the single quote itself needs care.
fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = vec![b'\''];
    for byte in text {
        match byte {
            b'\'' => out.extend(b"'\\''"),
            byte => out.push(*byte),
        }
    }
    out.push(b'\'');
    out
}

#[cfg(test)]
mod tests {
    use super::{plain, quoted, script};

    #[test]
    fn a_path_with_spaces_and_quotes_stays_one_word_for_the_shell() {
        assert_eq!(quoted(b"/a b/it's"), b"'/a b/it'\\''s'");
    }

    #[test]
    fn the_kernel_is_told_what_to_start_as_far_as_it_can_read_it() {
        let of_file = b"#!/usr/bin/banister __practice-file\nmake\n/srv/a b\n";
        assert_eq!(plain(b"/usr/bin/banister", b"/srv/a b", "make").as_deref(), Some(&of_file[..]));
        assert_eq!(plain(b"/opt/my programs/banister", b"/srv", "make"), None);
        assert_eq!(plain(&[b'/'; 120], b"/srv", "make"), None);
        let shell = b"#!/bin/sh\nexec '/opt/b' __practice '/srv' make \"$@\"\n";
        assert_eq!(script(b"/opt/b", b"/srv", "make"), shell);
    }
}
