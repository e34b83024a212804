//! PostgreSQL's programs as a backup and a health check call them, in the container of the database.

use super::inside::Inside;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::yaml;
use crate::output;
use crate::practice::database::client::{ask, sql};
use crate::practice::database::dump::Dump;
use crate::practice::database::table::Tables;
use crate::practice::world::fault;
use crate::practice::world::http::Request;
use serde_json::Value;
use std::io::{Read, Write};
use std::path::PathBuf;

/// What the options of these programs say.
#[derive(Default)]
struct Call {
    database: Option<String>,
    file: Option<String>,
    command: Option<String>,
    list: bool,
    clean: bool,
    bare: bool,
    quiet: bool,
    if_exists: bool,
    names: Vec<String>,
}

/// Long options with a value.
const VALUED: &[&str] =
    &["--dbname", "--file", "--command", "--username", "--host", "--port", "--format", "--jobs", "--set"];

/// Each option with its value, and each other word under an empty name. `-Fc` and `-Atc QUERY` are taken apart.
fn options(program: &str, arguments: &[String]) -> Vec<(String, String)> {
    let mut options = Vec::new();
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        if let Some((name, value)) = word.split_once('=').filter(|(name, _)| name.starts_with("--")) {
            options.push((name.into(), value.into()));
        } else if word.starts_with("--") {
            let value = if VALUED.contains(&word.as_str()) { rest.next().cloned() } else { None };
            options.push((word.clone(), value.unwrap_or_default()));
        } else if let Some(flags) = word.strip_prefix('-') {
            for (place, flag) in flags.char_indices() {
                let valued = "dUhpfFjvn".contains(flag) || (flag == 'c' && program == "psql");
                let attached = &flags[place + flag.len_utf8()..];
                let value = match (valued, attached) {
                    (false, _) => None,
                    (true, "") => rest.next().cloned(),
                    (true, attached) => Some(attached.to_string()),
                };
                options.push((format!("-{flag}"), value.unwrap_or_default()));
                if valued {
                    break;
                }
            }
        } else {
            options.push((String::new(), word.clone()));
        }
    }
    options
}

impl Call {
    fn read(program: &str, arguments: &[String]) -> Call {
        let mut call = Call::default();
        for (name, value) in options(program, arguments) {
            match (program, name.as_str()) {
                (_, "") => call.names.push(value),
                // Several are run one after the other.
                ("psql", "-c" | "--command") => {
                    call.command =
                        Some(call.command.map_or(String::new(), |before| before + ";") + value.as_str());
                }
                (_, "-q" | "--quiet") => call.quiet = true,
                (_, "-c" | "--clean") => call.clean = true,
                (_, "-d" | "--dbname") => call.database = Some(value),
                (_, "-f" | "--file") => call.file = Some(value),
                (_, "-l" | "--list") => call.list = true,
                (_, "-t" | "-A" | "--tuples-only" | "--no-align") => call.bare = true,
                (_, "--if-exists") => call.if_exists = true,
                _ => {}
            }
        }
        call
    }
}

/// Runs one of the programs; a failure is said as PostgreSQL says it.
pub fn run(inside: &Inside, program: &str, arguments: &[String]) -> Result<i32> {
    let call = Call::read(program, arguments);
    let done = match program {
        "pg_isready" => {
            let ready = ask(inside.world, &Request::new("GET", "/ready", "")).is_ok();
            let (text, code) = if ready { ("accepting connections", 0) } else { ("no response", 2) };
            output::line(format_args!("/var/run/postgresql:5432 - {text}"));
            return Ok(code);
        }
        "psql" => psql(inside, &call),
        "pg_dump" => pg_dump(inside, &call),
        "pg_restore" => pg_restore(inside, &call),
        "createdb" => statement(inside, &format!("CREATE DATABASE \"{}\"", call.names.join(" "))),
        _ => {
            let exists = if call.if_exists { "IF EXISTS " } else { "" };
            statement(inside, &format!("DROP DATABASE {exists}\"{}\"", call.names.join(" ")))
        }
    };
    match done {
        Ok(()) => Ok(0),
        Err(failure) => {
            output::complain(format_args!("{program}: {failure}"));
            Ok(if program == "psql" && failure.kind == Kind::Unreachable { 2 } else { 1 })
        }
    }
}

fn statement(inside: &Inside, text: &str) -> Result<()> {
    sql(inside.world, "postgres", text).map(drop)
}

fn psql(inside: &Inside, call: &Call) -> Result<()> {
    let user = inside.environment.get("POSTGRES_USER").cloned().unwrap_or_default();
    let database = call.database.clone().or_else(|| call.names.first().cloned()).unwrap_or(user);
    if call.list {
        for answer in sql(inside.world, "postgres", "SELECT datname FROM pg_database ORDER BY 1")? {
            answer.rows.iter().for_each(|row| output::line(row.join("|")));
        }
        return Ok(());
    }
    let text = match &call.command {
        Some(command) => command.clone(),
        None => String::from_utf8_lossy(&input()?).into_owned(),
    };
    // Nobody is asked for a password here.
    if text.contains("ALTER ROLE ") {
        return Ok(());
    }
    for answer in sql(inside.world, &database, &text)? {
        if answer.columns.is_empty() {
            if !call.quiet {
                output::line(&answer.tag);
            }
        } else if call.bare {
            answer.rows.iter().for_each(|row| output::line(row.join("|")));
        } else {
            output::line(format_args!(" {} \n{}", answer.columns.join(" | "), "-".repeat(20)));
            answer.rows.iter().for_each(|row| output::line(format_args!(" {}", row.join(" | "))));
            let plural = if answer.rows.len() == 1 { "" } else { "s" };
            output::line(format_args!("({} row{plural})\n", answer.rows.len()));
        }
    }
    Ok(())
}

fn input() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).or_fail(Kind::Refused, || "could not read from input".into())?;
    Ok(bytes)
}

fn place(inside: &Inside, path: &str) -> Result<PathBuf> {
    let mut mounts = inside.mounts.iter().filter_map(|mount| {
        let rest = path.strip_prefix(&mount.target)?.trim_start_matches('/');
        (!rest.contains("..")).then(|| mount.source.join(rest))
    });
    mounts.next_back().ok_or_else(|| Failure::new(Kind::NotFound, format!("could not open file \"{path}\"")))
}

fn pg_dump(inside: &Inside, call: &Call) -> Result<()> {
    let database = call.database.clone().or_else(|| call.names.first().cloned()).unwrap_or_default();
    let dump =
        ask(inside.world, &Request::new("GET", &format!("/dump?{database}"), "")).map_err(|failure| {
            Failure::new(failure.kind, format!("error: connection to server failed: {failure}"))
        })?;
    let bytes = dump.body;
    let target = call.file.as_ref().map(|path| place(inside, path)).transpose()?;
    let mut out: Box<dyn Write> = match &target {
        Some(path) => Box::new(create(path)?),
        None => Box::new(std::io::stdout()),
    };
    let failed = || "error: could not write to output file".to_string();
    if fault::strikes(inside.world, "disk-full", "", 0).is_some() {
        // The first half arrives; the rest goes to a device that is really full, and its error is reported.
        out.write_all(&bytes[..bytes.len() / 2]).or_fail(Kind::Refused, failed)?;
        out.flush().or_fail(Kind::Refused, failed)?;
        let mut full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .or_fail(Kind::Refused, || "error: there is no /dev/full".into())?;
        return full.write_all(&bytes[bytes.len() / 2..]).or_fail(Kind::Refused, failed);
    }
    out.write_all(&bytes).or_fail(Kind::Refused, failed)?;
    out.flush().or_fail(Kind::Refused, failed)
}

/// A dump as text: each table's rows between `COPY` and `\\.`.
fn print_rows(tables: &Tables) -> Result<()> {
    let mut text = String::new();
    for (name, table) in tables {
        text.push_str(&format!("COPY public.{name} (id, row) FROM stdin;\n"));
        for row in &table.rows {
            text.push_str(&format!("{}\t{}\n", yaml::text(&row["id"]), Value::Object(row.clone())));
        }
        text.push_str("\\.\n\n");
    }
    // As the real one, it fails where the disk is full: what ends too early looks like a dump with other rows.
    output::print(text).or_fail(Kind::Refused, || "error: could not write to output file".into())
}

fn create(path: &std::path::Path) -> Result<std::fs::File> {
    std::fs::File::create(path).or_fail(Kind::Refused, || "error: could not open output file".into())
}

fn pg_restore(inside: &Inside, call: &Call) -> Result<()> {
    let bytes = match call.names.first() {
        Some(path) => {
            let path = place(inside, path)?;
            std::fs::read(path).or_fail(Kind::NotFound, || "error: could not open input file".into())?
        }
        None => input()?,
    };
    let text = String::from_utf8_lossy(&bytes);
    let Dump { tables, .. } =
        Dump::read(&text).map_err(|failure| Failure::new(failure.kind, format!("error: {failure}")))?;
    if call.list {
        output::line(";\n; Archive created by the practice server\n;     Format: CUSTOM\n;");
        for (number, table) in tables.keys().enumerate() {
            output::line(format_args!(
                "{}; 1259 {} TABLE public {table} postgres",
                number + 200,
                number + 16384
            ));
            output::line(format_args!(
                "{}; 0 {} TABLE DATA public {table} postgres",
                number + 300,
                number + 16384
            ));
        }
        return Ok(());
    }
    if call.file.as_deref() == Some("-") {
        return print_rows(&tables);
    }
    let Some(database) = &call.database else {
        return Err(Failure::new(Kind::Invalid, "error: one of -d/--dbname and -f/--file must be specified"));
    };
    let path = if call.clean { "/restore-clean" } else { "/restore" };
    ask(inside.world, &Request::new("POST", &format!("{path}?{database}"), bytes.clone())).map(drop)
}
