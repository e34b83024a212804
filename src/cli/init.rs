//! `banister init`.

mod linked;

use super::context::Context;
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::site::FILE;

const HOSS: &str = "hoss";
const MASTODON: &str = "mastodon";

use linked::Linked;
use serde_json::json;
use std::path::{Path, PathBuf};

/// An installation that was found.
struct Found {
    checkout: PathBuf,
    kind: &'static str,
    /// Of a Hoss or a Mastodon, what its settings say.
    endpoint: Option<String>,
    /// The other servers that it is linked with.
    linked: Vec<Linked>,
    /// Of another, the make targets that there are.
    targets: Vec<String>,
}

/// Writes `site.toml` from what is found here or in the home.
pub fn init(context: &Context) -> Result<u8> {
    let here = std::env::current_dir().or_fail(Kind::Invalid, || "can't see the working folder".into())?;
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let Some(found) = find(&here, &home)? else {
        let message = format!("there is no installation in `{}` nor in `{}`", here.display(), home.display());
        return Err(Failure::new(Kind::Invalid, message)
            .help("go to a git checkout with a Makefile, or write `site.toml` by hand as the README shows"));
    };
    let folder = context.given_site.clone().unwrap_or_else(|| place(&here, &home));
    let file = folder.join(FILE);
    if file.exists() {
        return Err(Failure::new(Kind::Invalid, format!("`{}` is there already", file.display()))
            .help("edit it, or name another folder with `--site DIR`"));
    }
    std::fs::create_dir_all(&folder)
        .or_fail(Kind::Invalid, || format!("can't make `{}`", folder.display()))?;
    std::fs::write(&file, text(&found, &home))
        .or_fail(Kind::Invalid, || format!("can't write `{}`", file.display()))?;
    if context.json {
        let linked: Vec<_> = found
            .linked
            .iter()
            .map(|other| json!({ "endpoint": other.endpoint, "named_by": other.source }))
            .collect();
        let wrote = json!({ "file": file, "kind": found.kind, "checkout": found.checkout, "linked": linked });
        println!("{wrote}");
        return Ok(0);
    }
    println!("wrote {}: a server of kind `{}` at {}", file.display(), found.kind, found.checkout.display());
    for other in &found.linked {
        println!("  and {}, which {} names{}", other.endpoint, other.source, other.guess());
    }
    let missing = if found.kind == "plain" { "set `health` and `backup` in it" } else { "review it" };
    println!("{}  {missing}, then: {}", context.style.bold("next:"), context.command("status"));
    Ok(0)
}

/// The working folder, unless that is a checkout, which a new file would make dirty.
fn place(here: &Path, home: &Path) -> PathBuf {
    if here.ancestors().any(|folder| folder.join(".git").exists()) {
        return std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .unwrap_or_else(|| home.join(".config"))
            .join("banister");
    }
    here.to_owned()
}

/// The checkout that the working folder is in, else one in it, else one in the home.
fn find(here: &Path, home: &Path) -> Result<Option<Found>> {
    let around = here.ancestors().filter(|folder| folder.join(".git").exists()).map(Path::to_owned);
    let inside = [here, home].into_iter().flat_map(folders);
    around.chain(inside).find_map(|folder| look(&folder, home).transpose()).transpose()
}

/// The folders in a folder, by name.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.join(".git").exists()).collect();
    folders.sort();
    folders
}

fn look(checkout: &Path, home: &Path) -> Result<Option<Found>> {
    let checkout = checkout.to_owned();
    if checkout.join("server/Makefile").is_file() && checkout.join("server/VERSION").is_file() {
        let (endpoint, linked) = linked::find(&home.join(".hoss"))?;
        return Ok(Some(Found {
            checkout,
            kind: HOSS,
            endpoint: Some(endpoint),
            linked,
            targets: Vec::new(),
        }));
    }
    if checkout.join("lib/mastodon/version.rb").is_file() && checkout.join("docker-compose.yml").is_file() {
        let endpoint = mastodon_endpoint(&checkout);
        return Ok(Some(Found {
            checkout,
            kind: MASTODON,
            endpoint,
            linked: Vec::new(),
            targets: Vec::new(),
        }));
    }
    let Ok(makefile) = std::fs::read_to_string(checkout.join("Makefile")) else { return Ok(None) };
    let target = |line: &str| {
        let (names, rest) = line.split_once(':')?;
        let plain = !names.starts_with(['\t', '#', '.', ' '])
            && !rest.starts_with('=')
            && !names.contains(['$', '%']);
        plain.then(|| names.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    };
    let targets = makefile.lines().filter_map(target).flatten().collect();
    Ok(Some(Found { checkout, kind: "plain", endpoint: None, linked: Vec::new(), targets }))
}

/// Where users reach a Mastodon, as its settings say.
fn mastodon_endpoint(checkout: &Path) -> Option<String> {
    let settings = std::fs::read_to_string(checkout.join(".env.production")).ok()?;
    let value = |name: &str| {
        let mut values = settings.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        values.next_back().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    value("WEB_DOMAIN").or_else(|| value("LOCAL_DOMAIN")).map(|domain| format!("https://{domain}"))
}

/// The file: every key that such a server usually needs, the others as comments.
fn text(found: &Found, home: &Path) -> String {
    let checkout = found.checkout.display();
    let own = found.checkout.file_name().map(|name| name.to_string_lossy()).filter(|name| is_bare(name));
    let own = own.unwrap_or("server".into());
    let mut text = format!(
        "# The servers of this site. Each table is one installation.\n\n[servers.{}]\n# What sort of server it is: \
         `hoss`, `mastodon`, or `plain` for any git checkout with a Makefile.\nkind = \"{}\"\n# The git checkout.\ncheckout = \
         {checkout:?}\n",
        own, found.kind
    );
    if let Some(endpoint) = &found.endpoint {
        text += &format!("# The URL under which users reach it.\nendpoint = {endpoint:?}\n");
    }
    match found.kind {
        HOSS => {
            text += "# Where backups go; `backups` in BACKUP_ROOT of its settings if not given.\n# backups = \"~/.hoss/backup/backups\"\n";
        }
        MASTODON => {
            text += "# Its settings, with its secrets.\nenv_file = \".env.production\"\n";
            text += "# The folder of the backups.\n# backups = \"~/backups\"\n";
        }
        _ => {}
    }
    if found.kind == "plain" {
        let pick = |wanted: &[&str]| {
            let name = wanted.iter().find(|name| found.targets.iter().any(|target| target == *name));
            name.copied().unwrap_or_default().to_owned()
        };
        let targets = (
            pick(&["config", "configure"]),
            pick(&["build", "all"]),
            pick(&["up", "start", "deploy", "install"]),
            pick(&["stop", "down"]),
        );
        text += &format!(
            "# The make targets of the steps; an empty one leaves its step out.\ntargets = {{ configure = {:?}, build = \
             {:?}, start = {:?}, stop = {:?} }}\n",
            targets.0, targets.1, targets.2, targets.3
        );
        text += "# What must answer 200 when the server is healthy; this one is a guess.\nhealth = [\"http://127.0.0.1:8080/\"]\n";
        text += "# What a backup holds: files and folders, in the checkout or from `/` or `~/` on.\nbackup = []\n";
        text += "# The folder of the backups.\n# backups = \"~/backups\"\n";
        text += "# Commands whose output a backup holds, too.\n# dumps = { \"app.sql\" = { dump = [\"pg_dump\", \"app\"], load = [\"psql\", \"app\"] } }\n";
        text += "# Databases in containers: postgres, or engine = \"mariadb\".\n# databases = [{ service = \"db\", database = \"app\" }]\n";
    }
    text += "# Which backups stay when old ones are removed, by the rules of `restic forget`.\n";
    text += "# keep = { last = 3, daily = 7, weekly = 5, within = \"2d\" }\n";
    text += "# To whom backups are encrypted, and the file with the key to read them here; made by `age-keygen -o FILE`.\n";
    text += "# recipients = [\"age1...\"]\n# identity = \"~/keys/age.txt\"\n";
    text += "# Follow this branch instead of releases.\n# branch = \"main\"\n";
    text += "# What must be free on the disk before an update; 1GB if not given.\n# free_space = \"1GB\"\n";
    let mut names = vec![own.into_owned()];
    for other in &found.linked {
        text += &other.table(&found.checkout, home, &mut names);
    }
    text
}

/// Whether TOML takes the name as a key without quotes.
fn is_bare(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}
