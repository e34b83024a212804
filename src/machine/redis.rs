//! Redis, and Valkey, in a container: a dump of all it holds, and a dump that takes the place of that.
//!
//! Its programs run in its own container, with the password of its environment or of its configuration.

use super::compose::Docker;
use crate::command::Spec;
use crate::failure::{Context, Failure, Kind, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;

/// Sets `client` and `server` to the programs. The password is that of the environment, where images have it under
/// several names.
const SETUP: &str = r#"set -eu
client=redis-cli; server=redis-server
command -v $client >/dev/null || client=valkey-cli
command -v $server >/dev/null || server=valkey-server
export REDISCLI_AUTH="${REDISCLI_AUTH:-${REDIS_PASSWORD:-${VALKEY_PASSWORD:-}}}"
[ -n "$REDISCLI_AUTH" ] || unset REDISCLI_AUTH
"#;

/// Starts a server of our own on the files in `$at`, waits until it has read them, and asks it how many keys it has.
/// No network and no configuration: only the socket in `$at`.
const START: &str = r#"start() {
    $server --dir "$at" --dbfilename "$file" --port 0 --unixsocket "$at/socket" --save "" --daemonize yes "$@" >/dev/null
    for try in $(seq 600); do
        case $($client -s "$at/socket" PING 2>/dev/null) in PONG) return 0 ;; esac
        sleep 0.1
    done
    echo "it does not read the dump" >&2; exit 1
}
keys() { $client -s "$at/socket" INFO keyspace | sed -n 's/^db[0-9]*:keys=\([0-9]*\).*/\1/p' | { n=0; while read k; do n=$((n + k)); done; echo $n; }; }
end() { $client -s "$at/socket" SHUTDOWN NOSAVE >/dev/null 2>&1 || true; }
"#;

/// Exchanges what is in the data folder `$at` for a dump. The states: nothing; `moved` (the old is aside, all of it); and
/// `done`. `$aof` says whether the server keeps an append-only file: it then reads no dump, so one is made from it.
const EXCHANGE: &str = r#"n="$at/.banister-ID"
if [ -e "$n/done" ]; then exit 0; fi
mkdir -p "$n/old"
names() { ls -A "$at" | while read -r name; do case $name in "$file"|"$aof_folder"|"$aof_file"|"$aof_file".*) echo "$name" ;; esac; done; }
if [ ! -e "$n/moved" ]; then
    names | while read -r name; do mv "$at/$name" "$n/old/$name"; done
    sync; : >"$n/moved"
fi
names | while read -r name; do rm -rf "${at:?}/$name"; done
cat >"$at/$file"
# Whoever gives it may be killed.
[ "$(wc -c <"$at/$file")" -eq "$size" ]
owner=$(stat -c %u:%g "$at"); chown "$owner" "$at/$file"
if [ "$aof" = yes ]; then
    start --appendonly no --appendfilename "$aof_file" $folder_option
    $client -e -s "$at/socket" CONFIG SET appendonly yes >/dev/null
    said=; written=
    # Until it is written, however long that takes.
    while said=$($client -e -s "$at/socket" INFO persistence); do
        case $said in
        *aof_rewrite_in_progress:1*|*aof_rewrite_scheduled:1*) sleep 0.1 ;;
        *aof_last_bgrewrite_status:ok*) written=yes; break ;;
        *) break ;;
        esac
    done
    end
    if [ -z "$written" ]; then echo "its append-only file can't be written" >&2; exit 1; fi
    names | while read -r name; do chown -R "$owner" "$at/$name"; done
fi
rm -f "$at/socket"
sync; : >"$n/done"
"#;

/// A Redis server.
#[derive(Clone, Copy)]
pub struct Redis<'a> {
    pub docker: Docker<'a>,
    /// The container's name.
    pub container: &'a str,
}

/// Where a server has its data, as it says itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Layout {
    folder: String,
    file: String,
    keeps_log: bool,
    log_file: String,
    /// Absent before Redis 7.
    log_folder: Option<String>,
}

impl Redis<'_> {
    /// Prints all that it holds, as an RDB file.
    pub fn dump(&self) -> Spec {
        self.run(&["exec", "-i", self.container], "exec $client -e --rdb -", &[])
    }

    /// Where its data is.
    pub fn layout(&self) -> Result<Layout> {
        let ask = |name: &str| -> Result<Option<String>> {
            let spec = self.run(
                &["exec", "-i", self.container],
                "exec $client -e --no-raw CONFIG GET \"$1\"",
                &[name],
            );
            Ok(value(&self.docker.run_spec(&spec)?))
        };
        let must = |name: &str| -> Result<String> {
            ask(name)?.ok_or_else(|| {
                let message = format!("Redis in `{}` does not say its `{name}`", self.container);
                Failure::new(Kind::Refused, message)
                    .help("allow it the command CONFIG, or restore it with commands of your own in `dumps`")
            })
        };
        Ok(Layout {
            folder: must("dir")?,
            file: must("dbfilename")?,
            keeps_log: must("appendonly")? == "yes",
            log_file: must("appendfilename")?,
            log_folder: ask("appenddirname")?,
        })
    }

    /// Starts a second server on a dump, in the container and for a moment, and counts its keys.
    pub fn try_dump(&self, dump: &File) -> Result<u64> {
        let script = format!(
            "{START}at=$(mktemp -d); file=dump.rdb\ntrap 'end; rm -rf \"$at\"' EXIT\n\
             cat >\"$at/$file\"\nstart --appendonly no\nkeys\n"
        );
        number(&self.docker.feed(self.run(&["exec", "-i", self.container], &script, &[]), dump)?)
    }

    /// Puts a dump in the place of the data of a server that does not run, by a container of its image that has its
    /// volumes. Called again after it was cut off, it goes on; called again after it is done, it does nothing.
    pub fn exchange(&self, image: &str, layout: &Layout, id: &str, dump: &File) -> Result<()> {
        let failed = || "the dump can't be read".to_owned();
        let size = dump.metadata().or_fail(Kind::Refused, failed)?.len();
        let script = format!("size={size}\n{START}{}", EXCHANGE.replace("ID", id));
        self.docker.forget_container(&helper(id))?;
        self.docker.feed(self.beside(image, layout, id, &script), dump).map(drop)
    }

    /// Removes what [`Redis::exchange`] moved aside.
    pub fn drop_aside(&self, image: &str, layout: &Layout, id: &str) -> Result<()> {
        let script = format!("rm -rf \"$at/.banister-{id}\"\n");
        self.docker.forget_container(&helper(id))?;
        self.docker.run_spec(&self.beside(image, layout, id, &script)).map(drop)
    }

    /// How many keys it has.
    pub fn keys(&self) -> Result<u64> {
        let script = "$client -e INFO keyspace | sed -n 's/^db[0-9]*:keys=\\([0-9]*\\).*/\\1/p' \
                      | { n=0; while read k; do n=$((n + k)); done; echo $n; }";
        number(&self.docker.run_spec(&self.run(&["exec", "-i", self.container], script, &[]))?)
    }

    /// A script in a container that has the volumes of the server, and lives for the moment.
    fn beside(&self, image: &str, layout: &Layout, id: &str, script: &str) -> Spec {
        let name = helper(id);
        let log_folder = layout.log_folder.as_deref();
        let option = if log_folder.is_some() { "--appenddirname \"$aof_folder\"" } else { "" };
        let script = format!(
            "at=$1; file=$2; aof=$3; aof_file=$4; aof_folder=$5\n{}",
            script.replace("$folder_option", option)
        );
        let fixed = ["run", "--rm", "--interactive", "--network", "none", "--user", "0:0", "--name", &name];
        let more = ["--volumes-from", self.container, "--entrypoint", "sh", image, "-c"];
        let script = format!("{SETUP}{script}");
        let keeps_log = if layout.keeps_log { "yes" } else { "no" };
        // What has no folder gets a name that nothing has.
        let arguments = [
            "sh",
            &layout.folder,
            &layout.file,
            keeps_log,
            &layout.log_file,
            log_folder.unwrap_or(".no-such-folder"),
        ];
        let words = fixed.into_iter().chain(more).chain([script.as_str()]).chain(arguments);
        self.docker.spec(words)
    }

    fn run(&self, docker: &[&str], script: &str, arguments: &[&str]) -> Spec {
        let script = format!("{SETUP}{script}");
        let words = docker.iter().copied().chain(["sh", "-c", &script, "sh"]);
        self.docker.spec(words.chain(arguments.iter().copied()))
    }
}

fn helper(id: &str) -> String {
    format!("banister-redis-{id}")
}

/// The value in the answer to `CONFIG GET`, as `redis-cli --no-raw` writes it: `2) "value"`.
fn value(said: &str) -> Option<String> {
    let line = said.lines().find_map(|line| line.trim().strip_prefix("2) "))?;
    serde_json::from_str(line).ok()
}

fn number(said: &str) -> Result<u64> {
    said.trim().parse().map_err(|_| {
        let first = said.lines().next().unwrap_or_default().to_owned();
        Failure::new(Kind::CommandFailed, "what Redis says is not understood").why(first)
    })
}
