//! `docker run`: with `--detach` a container that stays ([`super::detached`]), else, as backups use it, a small
//! program that reads or writes the mounted folders.

use super::container::Mount;
use super::detached::{self, Asked};
use crate::failure::{Failure, Kind, Result};
use crate::output;
use crate::practice::world::start;
use crate::practice::world::{World, make_folder};
use std::ffi::OsString;
use std::path::PathBuf;

/// What may run; each is the machine's own.
const PROGRAMS: &[&str] = &["tar", "cp", "cat", "ls", "mkdir", "mv", "rm", "test", "find", "du", "true"];

/// Options of `docker run` that take a value, besides mounts.
const VALUED: &[&str] = &["-u", "--user"];

/// Runs `docker run` with these arguments.
pub fn run(world: &World, arguments: &[String]) -> Result<i32> {
    let mut mounts = Vec::new();
    let (mut entrypoint, mut workdir, mut asked) = (None, None, Asked::default());
    let mut detached = false;
    let mut words = arguments.iter();
    let image = loop {
        let Some(word) = words.next() else {
            return Err(Failure::new(Kind::Invalid, "\"docker run\" requires at least 1 argument."));
        };
        let (name, attached) =
            word.split_once('=').map_or((word.as_str(), None), |(n, v)| (n, Some(v.to_string())));
        match name {
            "-v" | "--volume" => {
                let value = attached.or_else(|| words.next().cloned()).unwrap_or_default();
                mounts.push(mount(world, &value)?);
            }
            "--mount" => {
                return Err(Failure::new(Kind::Refused, "the practice server knows `-v`, not `--mount`"));
            }
            "--entrypoint" => entrypoint = attached.or_else(|| words.next().cloned()),
            "-w" | "--workdir" => workdir = attached.or_else(|| words.next().cloned()),
            "-d" | "--detach" => detached = true,
            name if Asked::knows(name) => {
                asked.option(name, attached.or_else(|| words.next().cloned()).unwrap_or_default())
            }
            name if VALUED.contains(&name) && attached.is_none() => _ = words.next(),
            name if name.starts_with('-') => {}
            _ => break word,
        }
    };
    let command: Vec<String> = entrypoint.into_iter().chain(words.cloned()).collect();
    if detached {
        return detached::run(world, asked, image, command, mounts);
    }
    if let ([program, flag, script], Some(workdir)) = (command.as_slice(), &workdir)
        && (program.as_str(), flag.as_str()) == ("sh", "-c")
    {
        return shell(&mounts, script, workdir);
    }
    if command.is_empty() {
        output::complain(format_args!("Unable to find a command for '{image}'"));
        return Ok(125);
    }
    host_program(world, &mounts, &command, workdir.as_deref())
}

/// Runs a script of the machine's own shell in a mounted folder. It may name only what is in there.
fn shell(mounts: &[Mount], script: &str, workdir: &str) -> Result<i32> {
    let leads_out = script.contains("../")
        || script.split([' ', '\n', '"', '\'', '=', '(']).any(|word| word.starts_with('/'));
    let mount = mounts.iter().find(|mount| mount.target == workdir);
    let Some(mount) = mount.filter(|_| !leads_out) else {
        return Err(Failure::new(Kind::Refused, "the script leads out of the container"));
    };
    start::in_container("sh", &["-c".into(), script.into()], &mount.source)
}

/// A mount as in `-v`. A volume that isn't there is made, as Docker does.
fn mount(world: &World, text: &str) -> Result<Mount> {
    let mut parts = text.split(':');
    let (Some(source), Some(target)) = (parts.next(), parts.next()) else {
        return Err(Failure::new(Kind::Invalid, format!("invalid volume specification: '{text}'")));
    };
    let volume = (!source.starts_with('/')).then(|| source.to_string());
    let source = match &volume {
        Some(name) => world.path("volumes").join(name).join("_data"),
        None => PathBuf::from(source),
    };
    if !world.owns(&source) {
        let message = format!("`{}` is outside of the practice server", source.display());
        return Err(Failure::new(Kind::Refused, message));
    }
    make_folder(&source)?;
    Ok(Mount { volume, source, target: target.into() })
}

/// Runs a program of the machine with the container's paths led into its mounts. Any other absolute path, and any
/// way upwards, is refused: the container sees nothing else, and nothing outside of the world may be touched.
pub fn host_program(
    world: &World,
    mounts: &[Mount],
    command: &[String],
    workdir: Option<&str>,
) -> Result<i32> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| Failure::new(Kind::Invalid, "no command"))?;
    let name = program.rsplit('/').next().unwrap_or(program);
    if !PROGRAMS.contains(&name) {
        if matches!(name, "chown" | "chmod" | "sleep") {
            return Ok(0);
        }
        output::complain(format_args!("exec: \"{program}\": executable file not found in $PATH: unknown"));
        return Ok(127);
    }
    let arguments: Vec<OsString> =
        arguments.iter().map(|argument| outside(mounts, argument)).collect::<Result<_>>()?;
    let cwd = match workdir {
        Some(workdir) => PathBuf::from(outside(mounts, workdir)?),
        None => {
            make_folder(&world.path("empty"))?;
            world.path("empty")
        }
    };
    start::in_container(name, &arguments, &cwd)
}

fn outside(mounts: &[Mount], argument: &str) -> Result<OsString> {
    // `--directory=/from` and `-C/from` hold a path too.
    let start = argument.find('/').filter(|start| *start == 0 || argument.starts_with('-'));
    if argument.split('/').any(|part| part == "..")
        || argument.starts_with("--to-command")
        || argument.starts_with("-exec")
    {
        return Err(Failure::new(Kind::Refused, format!("`{argument}` leads out of the container")));
    }
    let Some(start) = start else { return Ok(argument.into()) };
    let (before, path) = argument.split_at(start);
    let found = mounts.iter().filter_map(|mount| {
        let rest = path.strip_prefix(mount.target.trim_end_matches('/'))?;
        (rest.is_empty() || rest.starts_with('/'))
            .then(|| (mount.target.len(), format!("{}{rest}", mount.source.display())))
    });
    match found.max_by_key(|(length, _)| *length) {
        Some((_, path)) => Ok(format!("{before}{path}").into()),
        None => Err(Failure::new(Kind::NotFound, format!("{path}: No such file or directory"))),
    }
}
