//! What can be typed after `banister schedule`.

use crate::site::Unattended;
use clap::Args;

/// What runs when.
#[derive(Args, Debug)]
pub struct Options {
    /// The runbook's name, or with `--remove` that of a schedule.
    pub runbook: Option<String>,
    /// When it runs, as systemd writes times: "Sat 02:00", "Mon..Fri 22:30", "*-*-01 04:00".
    #[arg(long, value_name = "WHEN", conflicts_with_all = ["list", "remove"])]
    pub every: Option<String>,
    /// When what the next run needs is fetched, in the same words, as "Fri 20:00": commits, images or files, outside of any window.
    /// It is a run of the runbook `prefetch`.
    #[arg(long, value_name = "WHEN", requires = "every")]
    pub prefetch: Option<String>,
    /// What its runs do with a question or a failure: `wait`, `stop` or `rollback`; `rollback:10m` waits so long before it. What
    /// can be confirmed is confirmed. Without it, what `unattended` in site.toml says, else `rollback`.
    #[arg(long, value_name = "WHAT", value_parser = policy)]
    pub unattended: Option<String>,
    /// List what is scheduled.
    #[arg(long, conflicts_with = "remove")]
    pub list: bool,
    /// Remove a schedule.
    #[arg(long, requires = "runbook")]
    pub remove: bool,
    /// Write or remove it without asking.
    #[arg(long)]
    pub yes: bool,
    /// After `--`: parameters of the runbook, and other options of `run`.
    #[arg(last = true, value_name = "OPTION")]
    pub options: Vec<String>,
}

/// As it was typed.
fn policy(text: &str) -> Result<String, String> {
    text.parse::<Unattended>().map(|_| text.to_owned())
}
