//! The settings of `site.toml` that stand before the tables of servers.

use super::{Page, Sort};
use crate::site;
use std::fmt::Write;

/// A page for each.
pub(super) fn pages() -> [Page; 2] {
    let unattended = Page::new("unattended", Sort::Setting, "unattended = …    # text", UNATTENDED);
    [notify(), unattended]
}

const UNATTENDED: &str = "\
What a run in the background does with a question or a failure where nobody is there, unless `--unattended` says it: \
`\"wait\"`, `\"stop\"`, `\"rollback\"`, or with a time `\"stop:30m\"` and `\"rollback:30m\"`. It stands at the beginning of \
`site.toml`.

With a time, somebody has so long to answer, with `banister attach`. Without one it happens at once, and then it applies only to \
runs that are begun with `--detach` or not at a terminal: whoever sits at a terminal is asked. A run is rolled back only if it \
has changed something and its runbook has declared how by then; else it stops. The question says which of the two happens. Each \
run uses what `site.toml` said when it was begun or resumed. Runs with `--foreground` use only the option.";

/// Who hears of runs.
fn notify() -> Page {
    let mut text = "Where notices of runs go: an array of tables at the beginning of `site.toml`, each with one of `command`, \
                    `webhook`, `mail`, `apprise` and `ping`. `banister notify --test` tries them. A notice that nobody takes is \
                    sent again for an hour after the run's end, and never disturbs the run; `banister status` and \
                    `banister show` print it. A notice may come twice if what sends it is killed at that moment: it has the \
                    same `id` then, and in mail the same `Message-ID`. Runs with `--foreground` send none.\n"
        .to_owned();
    for (name, about) in site::of_notify() {
        let _ = write!(text, "\n- `{name}`: {about}");
    }
    Page::new("notify", Sort::Setting, "[[notify]]", text)
}
