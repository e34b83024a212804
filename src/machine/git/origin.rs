//! What the origin says, before a move, of the very thing that the checkout is to be moved to.

use super::fetch::ASK;
use super::{Checkout, Target};
use crate::failure::{Failure, Kind, Result};
use crate::output::word;

impl Checkout {
    /// Refuses a release that was tagged anew at the origin, and a branch that the origin does not have any more. `then` knows
    /// the target. An origin that does not answer is not asked for a release, which is here.
    pub(super) fn refuse_if_origin_differs(
        &self,
        then: &Checkout,
        target: &Target,
        stop: &dyn Fn() -> bool,
    ) -> Result<()> {
        let Some(remote) = self.remote()? else { return Ok(()) };
        match target {
            Target::Tag(tag) => self.refuse_if_tagged_anew(then, &remote, tag, target, stop),
            Target::Branch(branch) => self.refuse_if_gone(&remote, branch, stop),
            Target::Commit(_) => Ok(()),
        }
    }

    fn refuse_if_tagged_anew(
        &self,
        then: &Checkout,
        remote: &str,
        tag: &str,
        target: &Target,
        stop: &dyn Fn() -> bool,
    ) -> Result<()> {
        let (name, peeled) = (format!("refs/tags/{tag}"), format!("refs/tags/{tag}^{{}}"));
        let said = match self.git(&["ls-remote", remote, &name, &peeled], &self.environment, ASK, stop) {
            Err(failure) if matches!(failure.kind, Kind::Unreachable | Kind::TimedOut) => return Ok(()),
            said => said?,
        };
        let found = |name: &str| {
            said.lines().find_map(|line| line.split_once('\t').filter(|(_, found)| *found == name))
        };
        // Of an annotated tag, the commit is what counts.
        let Some((there, _)) = found(&peeled).or_else(|| found(&name)) else { return Ok(()) };
        let here = then.commit_of(target)?;
        if there == here.to_string() {
            return Ok(());
        }
        let short = there.get(..7).unwrap_or(there);
        Err(Failure::new(
            Kind::Refused,
            format!("{tag} is another commit at the origin than in {}", self.shown()),
        )
        .why(format!("here {}, there {short}: it was tagged anew, or here by hand", then.short(here)))
        .why("nothing was touched")
        .help(format!(
            "if you trust the new one, take it with `git -C {} fetch --force {} tag {}`",
            word(self.folder.display()),
            word(remote),
            word(tag)
        )))
    }

    fn refuse_if_gone(&self, remote: &str, branch: &str, stop: &dyn Fn() -> bool) -> Result<()> {
        let Some(merge) = self.setting(&format!("branch.{branch}.merge")) else { return Ok(()) };
        let remote = self.setting(&format!("branch.{branch}.remote")).unwrap_or_else(|| remote.to_owned());
        // A branch of this same repository.
        if remote == "." {
            return Ok(());
        }
        let said =
            self.git(&["ls-remote", "--symref", &remote, "HEAD", &merge], &self.environment, ASK, stop)?;
        if said.lines().any(|line| line.ends_with(&format!("\t{merge}"))) {
            return Ok(());
        }
        let default = said.lines().find_map(|line| line.strip_prefix("ref: refs/heads/")?.split('\t').next());
        let there = merge.strip_prefix("refs/heads/").unwrap_or(&merge);
        let failure = Failure::new(
            Kind::Refused,
            format!(
                "the origin of {} has no branch `{there}` any more, which `{branch}` follows",
                self.shown()
            ),
        );
        let Some(default) = default else {
            return Err(failure
                .why("nothing was touched")
                .help("write the branch to follow as `branch` in site.toml"));
        };
        let git = format!("git -C {}", word(self.folder.display()));
        let (new, old, from) = (word(default), word(branch), word(&remote));
        let renamed = if new == old { String::new() } else { format!("{git} branch -m {old} {new} && ") };
        Err(failure.why(format!("its default branch is `{default}`; nothing was touched")).help(format!(
            "follow that one with `{renamed}{git} fetch {from} && {git} branch -u {from}/{new} {new} && {git} remote set-head {from} -a`, and write `branch = \"{default}\"` in site.toml"
        )))
    }
}
