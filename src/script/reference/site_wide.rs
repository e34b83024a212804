//! The settings of `site.toml` that stand before the tables of servers.

use super::{Page, Sort};
use crate::site;
use std::fmt::Write;

/// A page for each.
pub(super) fn pages() -> [Page; 6] {
    let page = |name: &str, of: &str, text: &str| {
        Page::new(name, Sort::Setting, format!("{name} = …    # {of}"), text)
    };
    [
        notify(),
        page("home", "`\"server\"` or `\"here\"`", HOME),
        page("unattended", "text", UNATTENDED),
        page("window", "a text, or an array of texts", WINDOW),
        page("closed", "a text, or an array of texts", CLOSED),
        page("metrics", "a path", METRICS),
    ]
}

const HOME: &str = "\
Where a run on one server with `ssh` works: a text at the beginning of `site.toml`. With `\"server\"`, the default, its \
journal is at that server, and it continues if this machine is switched off; other machines with the same \
`site.toml` follow and continue it. With `\"here\"` both are on the machine where it was begun, as with `--foreground` and \
for a run on several servers.

A run does not begin at a server whose systemd ends it at the logout (`KillUserProcesses` in logind.conf) and where lingering \
is off for its user: `sudo loginctl enable-linger USER` there turns it on.";

const UNATTENDED: &str = "\
What a run in the background does with a question or a failure where nobody is there, unless `--unattended` says it: \
`\"wait\"`, `\"stop\"`, `\"rollback\"`, or with a time `\"stop:30m\"` and `\"rollback:30m\"`. It stands at the beginning of \
`site.toml`.

With a time, somebody can answer for so long, with `banister attach`. Without one nobody is waited for, and the key applies only to \
runs that are begun with `--detach` or not at a terminal: whoever sits at a terminal is asked. A run is rolled back only if it \
has changed something and its runbook has declared how by then; else it stops. The question says which of the two happens. An \
update whose release is installed and healthy, and that lacks only the backup after it, stops too: users are at work with it. Each \
run uses what `site.toml` said when it was begun or resumed. Runs with `--foreground` use only the option.";

const METRICS: &str = "\
The file for Prometheus's textfile collector that is written when a run ends, such as \
`\"/var/lib/prometheus/node-exporter/banister.prom\"`. It stands at the beginning of `site.toml`; a relative path is in the \
site's folder. `banister metrics --file FILE` writes the same, for a timer. When a run ends that works at its server (`home`), \
it is written by the terminal that shows that; without one, use a timer. Whoever looks finds the old file or the new one, and \
nothing in between.

Each server has the label `server`:

- `banister_server_info`: `kind` and `release`
- `banister_server_known`: 0 if not all of the server could be read
- `banister_open_run`: 1 if a run is unfinished on it; `banister_owed`: how much is owed to it
- `banister_last_success_timestamp_seconds`, `banister_last_run_timestamp_seconds`, `banister_last_run_duration_seconds` and \
`banister_last_run_success`, each with the label `runbook`; by the runs of this user
- `banister_failed_release_info`: a line for each `release` that an update leaves out, as one to it failed there
- `banister_schedule_refused`: 1 if the last scheduled run did not begin, with the label `runbook`; \
`banister_schedule_refused_timestamp_seconds`: when
- `banister_backups`: how many there are; `banister_backup_level_info`: the `level` of the newest, `taken`, `verified` or \
`drilled`; `banister_backup_timestamp_seconds`: when the newest was made that is proven as far as `level`, so its age is \
`time() - banister_backup_timestamp_seconds`";

const WINDOW: &str = "\
When updates may begin: a text, or an array of them, at the beginning of `site.toml`. \
        `\"Sat 02:00-05:00\"` is each Saturday, `\"Mon-Thu 22:00-04:00\"` ends on the following day, and `\"02:00-05:00\"` is \
        every day; times are those of the machine's time zone. Where clocks are set forward in a window, what there is of it is \
        left; where they are set back, both hours are in it. `banister plan` says whether one is open, and `banister schedule` \
        refuses a time that never is in one. Outside of them `banister run` refuses a runbook whose `main` \
        has the parameter `to`, with exit code 3, unless `--now` is given. So it does if the longest of the last five such runs \
        took longer than the window is still open. A scheduled run that is refused sends the notice `refused`. `resume`, rollbacks, backups and restores are never refused.";

const CLOSED: &str = "\
Dates on which no update begins, also in a window: `\"2026-12-24\"`, or first and last day as \
        `\"2026-12-24..2027-01-02\"`; a text, or an array of them, at the beginning of `site.toml`. An update that began before \
        continues. See `window`.";

/// Who hears of runs.
fn notify() -> Page {
    let mut text = "Where notices of runs go: an array of tables at the beginning of `site.toml`, each with one of `command`, \
                    `webhook`, `mail`, `apprise` and `ping`. `banister notify --test` tries them. A notice that nobody takes is \
                    sent again for an hour after the run's end, and never disturbs the run; one that is refused for good, as with \
                    404, is not sent again, and holds up no later one. `banister status` and `banister show` print both. A notice may come twice if what sends it is killed at that moment: it has the \
                    same `id` then, and in mail the same `Message-ID`. Runs with `--foreground` send none.\n"
        .to_owned();
    for (name, about) in site::of_notify() {
        let _ = write!(text, "\n- `{name}`: {about}");
    }
    Page::new("notify", Sort::Setting, "[[notify]]", text)
}
