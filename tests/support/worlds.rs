//! Practice servers as they are when they were just made. Each test program makes one only once, and tests get copies of it,
//! which takes a quarter of the time: what is in the files is copied, and what is in memory, containers and ports, is made
//! anew by `make up`. Tests of the practice server itself make theirs with [`Practice::create`].

use banister::internals::practice::{Linked, Practice, Reach, Size};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The release of a new practice server.
const BASE: &str = "0.2.10";

/// A practice server in a folder that is empty or not there, as [`Practice::create`] makes it.
pub fn server(dir: &Path, program: &Path, faults: &[&str]) -> Practice {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        Template::of("server", &[""], |dir| {
            let practice = Practice::create(dir, &own_program(), &[]).unwrap();
            practice.stop().unwrap();
        })
    });
    template.copy(dir, program);
    let practice = Practice::open(dir).unwrap();
    start(&practice);
    for fault in faults {
        let reach = if *fault == "disk-full" { Reach::Always } else { Reach::New };
        practice.switch_for(fault, reach).unwrap();
    }
    practice
}

/// Linked practice servers, as [`Linked::create`] makes small ones.
pub fn linked(dir: &Path, program: &Path) -> Linked {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        Template::of("linked", &["hub", "archive", "lab"], |dir| {
            let linked = Linked::create(dir, &own_program(), &[], Size::Small).unwrap();
            linked.stop().unwrap();
        })
    });
    template.copy(dir, program);
    let linked = Linked::open(dir).unwrap();
    // The others need the auth service of the first to come up.
    let servers: Vec<&Practice> = linked.servers().map(|(_, practice)| practice).collect();
    let (first, others) = servers.split_at(1);
    start(first[0]);
    std::thread::scope(|scope| others.iter().for_each(|practice| drop(scope.spawn(|| start(practice)))));
    linked
}

fn own_program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_banister"))
}

/// A folder of this process for templates. Nothing is called when a test program ends, so that each removes those of
/// processes that are gone.
pub fn own_folder() -> PathBuf {
    let all = std::env::temp_dir().join("banister-templates");
    fs::create_dir_all(&all).unwrap();
    for entry in fs::read_dir(&all).unwrap().flatten() {
        if !Path::new("/proc").join(entry.file_name()).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let own = all.join(std::process::id().to_string());
    fs::create_dir_all(&own).unwrap();
    own.canonicalize().unwrap()
}

/// Starts the containers of a server whose engine runs, as its administrator would.
fn start(practice: &Practice) {
    let server = practice.checkout().join("server");
    let mut make = Command::new(practice.dir().join("bin/make"));
    make.args(["up", "DETACH=true"]).current_dir(server).envs(practice.environment());
    good(&mut make);
    practice.wait_for(BASE).unwrap();
    // Git knows a file again by its place on the disk.
    good(Command::new("git").arg("-C").arg(practice.checkout()).args(["update-index", "-q", "--refresh"]));
    // What the set-up called is nobody's business.
    fs::write(practice.dir().join("trace.jsonl"), "").unwrap();
}

/// Runs a command, with nothing of another repository or another make.
fn good(command: &mut Command) {
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"] {
        command.env_remove(name);
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// A world that was made and stopped.
struct Template {
    dir: PathBuf,
    /// The folder of each of its servers.
    servers: Vec<&'static str>,
    /// The port of each service of each server.
    ports: Vec<BTreeMap<String, u16>>,
    /// The files that name its folder, its program or one of its ports, as they are there.
    named: Vec<(PathBuf, Vec<u8>)>,
}

/// What is written in one world, and what in another.
type Names = Vec<(Vec<u8>, Vec<u8>)>;

impl Template {
    fn of(name: &str, servers: &[&'static str], make: impl FnOnce(&Path)) -> Template {
        let dir = own_folder().join(name);
        make(&dir);
        let mut ports = Vec::new();
        for server in servers {
            let server = dir.join(server);
            let file = server.join("ports.json");
            let chosen: BTreeMap<String, u16> = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            // An engine that finds 0 there chooses.
            let none: BTreeMap<&String, u16> = chosen.keys().map(|service| (service, 0)).collect();
            fs::write(&file, serde_json::to_vec(&none).unwrap()).unwrap();
            ports.push(chosen);
            fs::remove_file(server.join("engine.json")).unwrap();
            for emptied in ["containers", "logs"] {
                fs::remove_dir_all(server.join(emptied)).unwrap();
                fs::create_dir(server.join(emptied)).unwrap();
            }
        }
        let mut template = Template { dir, servers: servers.to_vec(), ports, named: Vec::new() };
        let same: Vec<_> =
            template.ports.iter().flat_map(|ports| ports.values().map(|port| (*port, *port))).collect();
        let names = template.names(&template.dir, &own_program(), &same);
        let mut named = Vec::new();
        template.find(&template.dir, &names, &mut named);
        template.named = named;
        template
    }

    /// What is called otherwise in a copy.
    fn names(&self, dir: &Path, program: &Path, ports: &[(u16, u16)]) -> Names {
        let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
        let at = |port: &u16| format!("localhost:{port}").into_bytes();
        let paths = [(bytes(&self.dir), bytes(dir)), (bytes(&own_program()), bytes(program))];
        paths.into_iter().chain(ports.iter().map(|(port, other)| (at(port), at(other)))).collect()
    }

    /// Finds the files that have one of the names. Git's objects have none, and are many.
    fn find(&self, folder: &Path, names: &Names, named: &mut Vec<(PathBuf, Vec<u8>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let about = path.symlink_metadata().unwrap();
            if about.is_dir() && !path.ends_with("objects") {
                self.find(&path, names, named);
            } else if about.is_file() {
                let text = fs::read(&path).unwrap();
                if renamed(&text, names).is_some() {
                    named.push((path.strip_prefix(&self.dir).unwrap().to_owned(), text));
                }
            }
        }
    }

    /// Copies it, starts the engines of its servers, and writes the names that things have there.
    fn copy(&self, dir: &Path, program: &Path) {
        fs::create_dir_all(dir).unwrap();
        let dir = dir.canonicalize().unwrap();
        good(Command::new("cp").arg("-a").arg(self.dir.join(".")).arg(&dir));
        let write = |names: &Names| {
            for (name, text) in &self.named {
                // In place: it stays whose it is, and who may read it.
                fs::write(dir.join(name), renamed(text, names).as_deref().unwrap_or(text)).unwrap();
            }
        };
        // Where it is and which program it is, the engine reads.
        write(&self.names(&dir, program, &[]));
        let mut ports = Vec::new();
        for (server, before) in self.servers.iter().zip(&self.ports) {
            let server = dir.join(server);
            Practice::open(&server).unwrap().start().unwrap();
            let chosen = fs::read(server.join("ports.json")).unwrap();
            let chosen: BTreeMap<String, u16> = serde_json::from_slice(&chosen).unwrap();
            ports.extend(before.iter().map(|(service, port)| (*port, chosen[service])));
        }
        write(&self.names(&dir, program, &ports));
    }
}

/// A text with the other names, in one pass: a port of one world may be that of another service in the other. None, if it
/// has no name.
fn renamed(text: &[u8], names: &Names) -> Option<Vec<u8>> {
    let mut new = Vec::new();
    let (mut from, mut at) = (0, 0);
    while at < text.len() {
        let found = names.iter().find(|(name, _)| text[at..].starts_with(name));
        // The port is not the beginning of a longer number.
        let found = found.filter(|(name, _)| {
            let digit = |at: usize, text: &[u8]| text.get(at).is_some_and(u8::is_ascii_digit);
            !(digit(name.len() - 1, name) && digit(at + name.len(), text))
        });
        match found {
            None => at += 1,
            Some((name, other)) => {
                new.extend_from_slice(&text[from..at]);
                new.extend_from_slice(other);
                at += name.len();
                from = at;
            }
        }
    }
    new.extend_from_slice(&text[from..]);
    (from > 0).then_some(new)
}
