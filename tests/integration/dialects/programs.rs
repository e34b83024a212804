//! What the real programs read in settings files.

use banister::internals::machine::env_file::Dialect;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The values of the names that are set; nothing if the program refuses the file.
pub type Read = Option<BTreeMap<String, String>>;
pub type Outside = BTreeMap<String, String>;

/// The programs of a dialect; more than one where versions or implementations may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Make,
    Dash,
    Bash,
    /// Docker Compose 2.
    Compose,
    /// docker-compose 1.29.
    OldCompose,
    /// python-dotenv of the distribution, and the newest.
    Dotenv,
    NewDotenv,
}

impl Program {
    pub const ALL: [Program; 7] = [
        Program::Make,
        Program::Dash,
        Program::Bash,
        Program::Compose,
        Program::OldCompose,
        Program::Dotenv,
        Program::NewDotenv,
    ];

    pub fn dialect(self) -> Dialect {
        match self {
            Program::Make => Dialect::Make,
            Program::Dash | Program::Bash => Dialect::Shell,
            Program::Compose => Dialect::Compose,
            Program::OldCompose | Program::Dotenv | Program::NewDotenv => Dialect::Dotenv,
        }
    }

    /// Where it is, if it is there.
    pub fn path(self) -> Option<PathBuf> {
        let of_variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let path = match self {
            Program::Make => Some("/usr/bin/make".into()),
            Program::Dash => Some("/usr/bin/dash".into()),
            Program::Bash => Some("/usr/bin/bash".into()),
            Program::OldCompose => Some("/usr/bin/docker-compose".into()),
            Program::Dotenv => Some("/usr/bin/python3".into()),
            Program::Compose => of_variable("BANISTER_TEST_COMPOSE"),
            Program::NewDotenv => of_variable("BANISTER_TEST_PYTHON"),
        };
        path.filter(|path| path.exists())
    }

    /// What it reads in each of these texts.
    pub fn read(self, texts: &[String], names: &[&str], outside: &Outside) -> Vec<Read> {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let file = |n: usize| folder.join(format!("f{n}"));
        for (n, text) in texts.iter().enumerate() {
            fs::write(file(n), text).unwrap();
        }
        let path = self.path().unwrap();
        match self {
            Program::Make => (0..texts.len()).map(|n| by_make(&file(n), names, outside)).collect(),
            Program::Dash | Program::Bash => {
                (0..texts.len()).map(|n| by_shell(&path, &file(n), names, outside)).collect()
            }
            Program::Dotenv | Program::NewDotenv => by_dotenv(&path, folder, texts.len(), names, outside),
            Program::Compose | Program::OldCompose => {
                let mut read = vec![None; texts.len()];
                for chunk in (0..texts.len()).collect::<Vec<_>>().chunks(16) {
                    by_compose(&path, folder, chunk, names, outside, &mut read);
                }
                read
            }
        }
    }
}

fn by_make(env: &Path, names: &[&str], outside: &Outside) -> Read {
    let folder = tempfile::tempdir_in(env.parent().unwrap()).unwrap();
    let folder = folder.path();
    let mut makefile = format!("include {}\n", env.display());
    for name in names {
        makefile += &format!(
            "ifneq ($(origin {name}),undefined)\n$(file >{}/{name},[$({name})])\nendif\n",
            folder.display()
        );
    }
    makefile += "all: ;\n";
    fs::write(folder.join("Makefile"), makefile).unwrap();
    let made =
        Command::new("make").args(["-rRs", "-C"]).arg(folder).env_clear().envs(outside).output().unwrap();
    if !made.status.success() {
        return None;
    }
    let mut read = BTreeMap::new();
    for name in names {
        let Ok(bytes) = fs::read(folder.join(name)) else { continue };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let text = text.trim_end_matches('\n').strip_prefix('[').unwrap().strip_suffix(']').unwrap();
        read.insert(name.to_string(), text.to_owned());
    }
    Some(read)
}

fn by_shell(shell: &Path, env: &Path, names: &[&str], outside: &Outside) -> Read {
    let mut script = String::from(". ./\"$0\"\n");
    for name in names {
        script += &format!("[ \"${{{name}+x}}\" ] && printf '%s\\0%s\\0' {name} \"${name}\"\n");
    }
    script += "exit 0\n";
    let mut command = Command::new(shell);
    if shell.ends_with("bash") {
        command.arg("--posix");
    }
    // Whatever a random file says, it finds no program.
    let folder = tempfile::tempdir_in(env.parent().unwrap()).unwrap();
    fs::copy(env, folder.path().join("env")).unwrap();
    command.args(["-c", &script, "env"]).current_dir(folder.path()).env_clear().env("PATH", "/nonexistent");
    let made = command.envs(outside).stdin(Stdio::null()).output().unwrap();
    if !made.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&made.stdout).into_owned();
    let mut parts = text.split('\0');
    let mut read = BTreeMap::new();
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        if names.contains(&name) {
            read.insert(name.to_owned(), value.to_owned());
        }
    }
    Some(read)
}

const SCRIPT: &str = r#"
import sys, dotenv, logging
logging.disable(logging.CRITICAL)
folder, count, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
for n in range(count):
    try:
        read = dotenv.dotenv_values(f"{folder}/f{n}", encoding="utf-8")
    except UnicodeDecodeError:
        print(n, "refused")
        continue
    print(n, "read")
    for name in names:
        if read.get(name) is not None:
            print(n, name, read[name].encode("utf-8").hex())
"#;

fn by_dotenv(python: &Path, folder: &Path, count: usize, names: &[&str], outside: &Outside) -> Vec<Read> {
    let made = Command::new(python)
        .args(["-c", SCRIPT])
        .arg(folder)
        .arg(count.to_string())
        .args(names)
        .env_clear()
        .envs(outside)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut read: Vec<Read> = vec![None; count];
    for line in String::from_utf8(made.stdout).unwrap().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let n: usize = words[0].parse().unwrap();
        match words[1] {
            "refused" => {}
            "read" => read[n] = Some(BTreeMap::new()),
            name => {
                let bytes =
                    (0..words[2].len()).step_by(2).map(|at| u8::from_str_radix(&words[2][at..at + 2], 16));
                let value = String::from_utf8(bytes.collect::<Result<_, _>>().unwrap()).unwrap();
                read[n].as_mut().unwrap().insert(name.to_owned(), value);
            }
        }
    }
    read
}

/// Asks for many at once; if one is refused, for each half.
fn by_compose(
    path: &Path,
    folder: &Path,
    which: &[usize],
    names: &[&str],
    outside: &Outside,
    read: &mut [Read],
) {
    let is_old = path.ends_with("usr/bin/docker-compose");
    let mut file = String::from(if is_old { "version: '3.7'\nservices:\n" } else { "name: x\nservices:\n" });
    for n in which {
        file += &format!("  s{n}:\n    image: x\n    env_file: ./f{n}\n");
    }
    fs::write(folder.join("compose.yaml"), file).unwrap();
    let mut command = Command::new(path);
    command.args(["-f", "compose.yaml", "config"]);
    if !is_old {
        command.args(["--format", "json"]);
    }
    let made = command.current_dir(folder).env_clear().envs(outside).output().unwrap();
    if !made.status.success() {
        if let [one] = which {
            if std::env::var_os("SHOW").is_some() {
                eprintln!("s{one}: {}", String::from_utf8_lossy(&made.stderr));
            }
            return;
        }
        let (first, second) = which.split_at(which.len() / 2);
        by_compose(path, folder, first, names, outside, read);
        by_compose(path, folder, second, names, outside, read);
        return;
    }
    let config = if is_old { as_json(&made.stdout) } else { made.stdout };
    let config: Value = serde_json::from_slice(&config).unwrap();
    for n in which {
        let found =
            config["services"][format!("s{n}")]["environment"].as_object().cloned().unwrap_or_default();
        let value = |name: &&str| Some((name.to_string(), found.get(*name)?.as_str()?.replace("$$", "$")));
        read[*n] = Some(names.iter().filter_map(value).collect());
    }
}

fn as_json(yaml: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let script = "import sys, yaml, json; json.dump(yaml.safe_load(sys.stdin.buffer), sys.stdout)";
    let mut child = Command::new("/usr/bin/python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(yaml).unwrap();
    child.wait_with_output().unwrap().stdout
}
