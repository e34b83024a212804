//! The programs that stand before the real ones in a practice world's `PATH`.

use crate::failure::{Context, Kind, Result};
use crate::practice::world::start::MARK;
use crate::practice::world::{Settings, World, make_folder, write_whole};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

/// Writes them: scripts that call the banister binary.
pub fn write(world: &World, settings: &Settings) -> Result<()> {
    let bin = world.path("bin");
    make_folder(&bin)?;
    for tool in ["docker", "docker-compose", "sudo", "make"] {
        let program = quoted(settings.program.as_os_str().as_bytes());
        let dir = quoted(world.dir().as_os_str().as_bytes());
        let text = [
            b"#!/bin/sh\nexec ",
            &program[..],
            b" ",
            MARK.as_bytes(),
            b" ",
            &dir,
            b" ",
            tool.as_bytes(),
            b" \"$@\"\n",
        ]
        .concat();
        write_whole(&bin.join(tool), &text)?;
        std::fs::set_permissions(bin.join(tool), std::fs::Permissions::from_mode(0o755))
            .or_fail(Kind::Refused, || format!("`{tool}` can't be made executable"))?;
    }
    Ok(())
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
    use super::quoted;

    #[test]
    fn a_path_with_spaces_and_quotes_stays_one_word_for_the_shell() {
        assert_eq!(quoted(b"/a b/it's"), b"'/a b/it'\\''s'");
    }
}
