//! `banister init`.

mod linked;

use super::adopt::adopt;
use super::context::Context;
use super::new_site::{is_bare, site_folder};
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::kind::{Detect, Facts, detectable, filled};
use crate::machine::deployment::has_compose_file;
use crate::machine::env_file::{Dialect, EnvFile, environment};
use crate::site::FILE;

use linked::Linked;
use serde_json::json;
use std::path::{Path, PathBuf};

/// An installation that was found.
struct Found {
    checkout: PathBuf,
    kind: String,
    /// What its kind says of such a one.
    detect: Detect,
    /// What its settings say, if its kind knows where.
    endpoint: Option<String>,
    /// The other servers that it is linked with.
    linked: Vec<Linked>,
    /// The make targets that there are.
    targets: Vec<String>,
}

/// Writes `site.toml` from what is found here or in the home.
pub fn init(context: &Context) -> Result<u8> {
    let here = std::env::current_dir().or_fail(Kind::Invalid, || "can't see the working folder".into())?;
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let Some(found) = find(&here, &home)? else {
        if has_compose_file(&here) {
            return adopt(context, &here);
        }
        let message = format!("there is no installation in `{}` nor in `{}`", here.display(), home.display());
        return Err(Failure::new(Kind::Invalid, message)
            .help("go to a git checkout with a Makefile or to a folder with a Compose file, or write `site.toml` by hand as the README shows"));
    };
    let file = site_folder(context)?.join(FILE);
    if file.exists() {
        return Err(Failure::new(Kind::Invalid, format!("`{}` is there already", file.display()))
            .help("edit it, or name another folder with `--site DIR`"));
    }
    let above = here.ancestors().map(|folder| folder.join(FILE)).find(|file| file.is_file());
    if let Some(above) = above.filter(|_| context.given_site.is_none()) {
        let message =
            format!("`{}` is the site of this folder, and this would make a second one", above.display());
        return Err(Failure::new(Kind::Invalid, message).help(
            "add the server to it as a table of its own, or make another site all the same: `banister init --site DIR`",
        ));
    }
    let folder = file.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder)
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
    let missing = found.detect.next.as_deref().unwrap_or("review it");
    println!("{}  {missing}, then: {}", context.style.bold("next:"), context.command("status"));
    Ok(0)
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

/// By whose rules the settings of a kind are read.
fn dialect_of(kind: &str) -> Result<Dialect> {
    let facts = Facts::of(None, kind)?;
    facts.defaults.get("dialect").and_then(|name| name.as_str()).map_or(Ok(Dialect::default()), str::parse)
}

fn look(checkout: &Path, home: &Path) -> Result<Option<Found>> {
    let fits = |detect: &Detect| detect.files.iter().all(|file| checkout.join(file).is_file());
    let Some((kind, detect)) = detectable().into_iter().find(|(_, detect)| fits(detect)) else {
        return Ok(None);
    };
    let settings = detect.settings.as_ref().map(|file| {
        (file.as_str(), file.strip_prefix("~/").map_or_else(|| checkout.join(file), |file| home.join(file)))
    });
    let settings = match settings {
        Some((name, file)) if file.exists() => {
            Some((EnvFile::read(&file, dialect_of(&kind)?, environment())?, name))
        }
        _ => None,
    };
    let value = |name: &str| settings.as_ref().and_then(|(settings, _)| settings.get(name).ok().flatten());
    let urls = detect.endpoint.iter().map(|url| filled(url, value));
    let endpoint = urls.filter(|(_, is_known)| *is_known).map(|(url, _)| url).next();
    let endpoint = endpoint.map(|url| url.trim().trim_end_matches('/').to_owned());
    let named = settings.as_ref().map(|(settings, name)| (settings, *name));
    let linked = linked::find(&detect.links, endpoint.as_deref().unwrap_or_default(), named, home)?;
    let targets = match detect.targets.is_empty() {
        true => Vec::new(),
        false => targets(&checkout.join("Makefile")),
    };
    Ok(Some(Found { checkout: checkout.to_owned(), kind, endpoint, linked, targets, detect: detect.clone() }))
}

/// The targets that a Makefile has, as far as they can be seen without make.
fn targets(makefile: &Path) -> Vec<String> {
    let makefile = std::fs::read_to_string(makefile).unwrap_or_default();
    let target = |line: &str| {
        let (names, rest) = line.split_once(':')?;
        let plain = !names.starts_with(['\t', '#', '.', ' '])
            && !rest.starts_with('=')
            && !names.contains(['$', '%']);
        plain.then(|| names.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    };
    makefile.lines().filter_map(target).flatten().collect()
}

/// The kinds that there are, for people.
fn kinds() -> String {
    let all = detectable();
    let (named, meant): (Vec<_>, Vec<_>) = all.iter().partition(|(_, detect)| detect.about.is_empty());
    let named = named.iter().map(|(name, _)| format!("`{name}`"));
    let meant = meant.iter().map(|(name, detect)| format!("or `{name}` for {}", detect.about));
    named.chain(meant).collect::<Vec<_>>().join(", ")
}

/// The file: every key that such a server usually needs, the others as comments.
fn text(found: &Found, home: &Path) -> String {
    let checkout = found.checkout.display();
    let own = found.checkout.file_name().map(|name| name.to_string_lossy()).filter(|name| is_bare(name));
    let own = own.unwrap_or("server".into());
    let mut text = format!(
        "# The servers of this site. Each table is one installation.\n\n[servers.{}]\n# What sort of server it is: \
         {}.\nkind = \"{}\"\n# The git checkout.\ncheckout = \
         {checkout:?}\n",
        own,
        kinds(),
        found.kind
    );
    if let Some(endpoint) = &found.endpoint {
        text += &format!("# The URL under which users reach it.\nendpoint = {endpoint:?}\n");
    }
    if !found.detect.targets.is_empty() {
        let pick = |step: &str| {
            let wanted = found.detect.targets.get(step).into_iter().flatten();
            let name = wanted.into_iter().find(|name| found.targets.contains(name));
            format!("{step} = {:?}", name.map(String::as_str).unwrap_or_default())
        };
        let steps = ["configure", "build", "start", "stop"].map(pick).join(", ");
        text += "# The make targets of the steps; an empty one leaves its step out.\n";
        text += &format!("targets = {{ {steps} }}\n");
    }
    text += &found.detect.table;
    text += "# Which backups stay when old ones are removed, by the rules of `restic forget`.\n";
    text += "# keep = { last = 3, daily = 7, weekly = 5, within = \"2d\" }\n";
    text += "# To whom backups are encrypted, and the file with the key to read them here; made by `age-keygen -o FILE`.\n";
    text += "# recipients = [\"age1...\"]\n# identity = \"~/keys/age.txt\"\n";
    text += "# Follow this branch instead of releases.\n# branch = \"main\"\n";
    text += "# What must be free on the disk before an update; 1GB if not given.\n# free_space = \"1GB\"\n";
    let mut names = vec![own.into_owned()];
    for other in &found.linked {
        text += &other.table(&found.kind, &found.checkout, home, &mut names);
    }
    text
}
