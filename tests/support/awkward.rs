//! The world outside: what servers, users, shells and settings of others are like. A tidy world has nothing of it.
//!
//! Each [`Thing`] can be had alone, so that what breaks by it is known, or together with all others.

pub mod data;
pub mod neighbour;
pub mod not_yet;
pub mod origin;
pub mod people;
pub mod settings;
pub mod shell;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What can be awkward about a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// Folders with blanks, umlauts, and a component that begins with a dash.
    Paths,
    /// Settings in quotes and with comments behind them.
    Settings,
    /// A comment among the settings that is in Latin-1.
    Latin1,
    /// Secrets that are words: names of servers, of folders, and keys of what is recorded.
    SecretWords,
    /// The site is named through a symbolic link, by its real path and by `BANISTER_SITE`, in turn.
    SiteLink,
    /// A user whom the list of users does not know.
    UnknownUser,
    /// An ordinary user.
    Nobody,
    /// `umask 077`.
    Umask,
    /// No `$USER`.
    NoUserName,
    /// A time zone that is no whole hours away, and another one at each resume.
    TimeZone,
    /// `LANG=C`.
    Language,
    /// `GIT_DIR` and `GIT_WORK_TREE` of another repository, as where a hook started us.
    GitVariables,
    /// Settings of git in the environment.
    GitSettings,
    /// `MAKEFLAGS` and `MAKELEVEL`, as where make started us.
    MakeVariables,
    /// `CDPATH`, `BASH_ENV` and `POSIXLY_CORRECT`.
    ShellVariables,
    /// Tags with a prefix and with leading zeros beside the ordinary ones.
    Tags,
    /// A tag that was moved after the checkout had it.
    MovingTag,
    /// A container of another Compose project whose service has the same name.
    Neighbour,
    /// Links in the data that lead nowhere, are absolute, or lead out of it.
    Links,
    /// A socket in the data.
    Socket,
    /// A folder of another filesystem in the data.
    Mount,
    /// An SQLite file that is written to all the time, with a write-ahead log.
    Sqlite,
    /// A shell at the other end of ssh that prints, and a banner.
    NoisyShell,
    /// One that takes its time.
    SlowShell,
}

use Thing::*;

impl Thing {
    pub const ALL: [Thing; 24] = [
        Paths,
        Settings,
        Latin1,
        SecretWords,
        SiteLink,
        UnknownUser,
        Nobody,
        Umask,
        NoUserName,
        TimeZone,
        Language,
        GitVariables,
        GitSettings,
        MakeVariables,
        ShellVariables,
        Tags,
        MovingTag,
        Neighbour,
        Links,
        Socket,
        Mount,
        Sqlite,
        NoisyShell,
        SlowShell,
    ];

    /// Whether whoever runs the tests can have it: only root can be somebody else, and mount.
    pub fn is_possible(self) -> bool {
        let others = super::is_open_to_others(&std::env::temp_dir());
        match self {
            UnknownUser | Nobody => rustix::process::getuid().is_root() && others,
            Mount => rustix::process::getuid().is_root(),
            _ => true,
        }
    }

    /// As a person reads it in a table.
    pub fn name(self) -> String {
        let written = format!("{self:?}");
        let words = written.chars().flat_map(|c| {
            let begins = c.is_ascii_uppercase().then_some(' ');
            begins.into_iter().chain([c.to_ascii_lowercase()])
        });
        words.collect::<String>().trim().to_owned()
    }
}

/// How a world is: with so many of the things.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Awkward(Vec<Thing>);

impl Awkward {
    /// Nothing of it.
    pub fn tidy() -> Awkward {
        Awkward::default()
    }

    pub fn only(thing: Thing) -> Awkward {
        Awkward(vec![thing])
    }

    /// All of these; of two users, the stranger one.
    pub fn of(things: impl IntoIterator<Item = Thing>) -> Awkward {
        Awkward(things.into_iter().collect())
    }

    pub fn has(&self, thing: Thing) -> bool {
        self.0.contains(&thing)
    }

    pub fn things(&self) -> &[Thing] {
        &self.0
    }

    /// The folder of a world below a temporary one. Hoss can't be installed in a home with blanks, as its Makefile can't.
    pub fn root(&self, folder: &Path) -> PathBuf {
        if self.has(Paths) { folder.join("-Grüße").join("-b") } else { folder.to_owned() }
    }

    /// A name in that folder that only this program has to cope with.
    pub fn named(&self, name: &str) -> String {
        if self.has(Paths) { format!("-{name} von Jürgen") } else { name.to_owned() }
    }

    /// The same command, called by whom and in what it is called here. `mounts` are folders and where each is mounted.
    pub fn dress(&self, plain: &Command, mounts: &[(PathBuf, PathBuf)], noise: &Path) -> Command {
        let mut words: Vec<std::ffi::OsString> = Vec::new();
        for (folder, at) in mounts {
            let by = "mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\"";
            words.extend(["unshare", "--mount", "sh", "-c", by, "sh"].map(Into::into));
            words.extend([folder.into(), at.into()]);
        }
        words.extend(people::before(self).into_iter().map(Into::into));
        if self.has(Umask) {
            words.extend(["sh", "-c", "umask 077; exec \"$@\"", "sh"].map(Into::into));
        }
        words.push(plain.get_program().into());
        words.extend(plain.get_args().map(Into::into));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear();
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(plain.get_current_dir().unwrap_or(Path::new("/")));
        self.surround(&mut command, noise);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The environment of others.
    fn surround(&self, command: &mut Command, noise: &Path) {
        if self.has(NoUserName) {
            command.env_remove("USER");
        }
        if self.has(TimeZone) {
            let resumes = command.get_args().any(|word| word == "resume");
            command.env("TZ", if resumes { "Pacific/Honolulu" } else { "Asia/Kolkata" });
        }
        if self.has(Language) {
            command.env("LANG", "C").env("LC_ALL", "C");
        }
        if self.has(GitVariables) {
            command.env("GIT_DIR", "/nowhere/.git").env("GIT_WORK_TREE", "/nowhere");
            command.env("GIT_INDEX_FILE", "/nowhere/index");
        }
        if self.has(GitSettings) {
            command.env("GIT_CONFIG_COUNT", "2");
            command.env("GIT_CONFIG_KEY_0", "color.ui").env("GIT_CONFIG_VALUE_0", "always");
            command.env("GIT_CONFIG_KEY_1", "status.branch").env("GIT_CONFIG_VALUE_1", "true");
        }
        if self.has(MakeVariables) {
            command.env("MAKEFLAGS", "s -j8").env("MAKELEVEL", "2").env("MFLAGS", "-s -j8");
        }
        if self.has(ShellVariables) {
            command.env("CDPATH", "/usr:..:/").env("POSIXLY_CORRECT", "1").env("BASH_ENV", noise);
        }
    }
}
