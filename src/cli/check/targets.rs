//! Make targets in `site.toml` that the Makefile lacks: that of the checkout, or that of the release that the next update
//! would install, if it was fetched. Make is not run for it.

use super::doubt::Doubt;
use crate::failure::Result;
use crate::machine::makefile::{AtRelease, Folder, Missing, missing};
use crate::machine::release::choose;
use crate::output::word;
use crate::script::layers::nearest;
use crate::site::Server;

/// The functions of a kind that run make, if that has none of its own and the server no command, each with its target. A
/// site's own may do something else.
fn wanted(server: &Server, own: &[String]) -> Vec<String> {
    let targets = &server.targets;
    let all = [
        ("configure", "configure", &targets.configure),
        ("build", "build", &targets.build),
        ("start", "start", &targets.start),
        ("stop", "stop_writers", &targets.stop),
    ];
    let has_command = |step: &str| server.own.get("commands").is_some_and(|all| all.get(step).is_some());
    let runs_make = |step: &str, function: &str| !has_command(step) && !own.iter().any(|own| own == function);
    let wanted =
        all.into_iter().filter(|(step, function, target)| runs_make(step, function) && !target.is_empty());
    wanted.map(|(.., target)| target.clone()).collect()
}

/// `own` are the functions of the kind that are the site's.
pub fn targets(server: &Server, own: &[String]) -> Vec<Doubt> {
    if !server.facts.make_targets || server.steers_make() || !server.make_folder().is_dir() {
        return Vec::new();
    }
    let wanted = wanted(server, own);
    let now = missing(&Folder(server.make_folder()), &wanted);
    let mut doubts: Vec<Doubt> = now.targets.iter().map(|target| doubt(server, target, &now, None)).collect();
    // What the newest release lacks, too, is said already. One that can't be read is none that an update could install.
    if let Ok(Some((release, then))) = next(server, &wanted) {
        let lost = then.targets.iter().filter(|target| !now.targets.contains(target));
        doubts.extend(lost.map(|target| doubt(server, target, &then, Some(&release))));
    }
    doubts
}

/// The release after the installed one, as far as it was fetched, and what its Makefile lacks.
fn next(server: &Server, wanted: &[String]) -> Result<Option<(String, Missing)>> {
    let checkout = server.open_checkout()?;
    let newest = || -> Result<Option<String>> {
        let is_earlier = |tag: &str, than: &str| checkout.is_earlier(tag, than);
        let installed = checkout.position()?.release();
        let choice = choose(installed.as_ref(), &checkout.releases()?, &server.releases, &is_earlier);
        Ok(choice.newest.map(|release| release.tag().to_owned()))
    };
    let Some(release) = server.branch.clone().map_or_else(newest, |branch| Ok(Some(branch)))? else {
        return Ok(None);
    };
    let now = checkout.commit_named_by(&checkout.position()?.commit)?;
    let then = checkout.commit_named_by(&release)?;
    if then == now || !checkout.has_in_history(then, now)? {
        return Ok(None);
    }
    let folder = server.make_folder_within(checkout.folder());
    let there = AtRelease::new(&checkout, &folder, &checkout, &release)?;
    Ok(Some((release, missing(&there, wanted))))
}

fn doubt(server: &Server, target: &str, missing: &Missing, release: Option<&str>) -> Doubt {
    let of = release.map(|release| format!(" of {release}")).unwrap_or_default();
    let message = match missing.makefile {
        Some(_) => format!("the Makefile{of} has no target `{target}`"),
        None => format!("there is no Makefile{of} for the target `{target}`"),
    };
    let near = nearest(target, missing.known.iter().map(String::as_str));
    let help = match (release, near) {
        (Some(release), _) => {
            let file = server.folder.join(missing.makefile.unwrap_or_default());
            format!(
                "see what took its place with `git -C {} show {release}:{}`, and write that into `targets`",
                word(server.checkout.display()),
                word(file.display())
            )
        }
        (None, Some(near)) => {
            format!("did you mean `{near}`? It is written in `targets`; an empty name leaves the step out")
        }
        (None, None) => "name another in `targets`; an empty name leaves the step out".to_owned(),
    };
    Doubt::new("targets", target, message, help)
}
