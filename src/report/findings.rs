//! What the check found, as a person reads it.

use super::side_by_side::side_by_side;
use super::text::{self, Style};
use crate::script::check::{Finding, Severity};
use crate::secret::show;

/// Each finding with its place, its line and its help; at the end, how many there are. `errors_only` leaves the
/// others out, but counts them. Without a site only what is bundled was looked through.
pub fn render(findings: &[Finding], files: usize, has_site: bool, style: Style, errors_only: bool) -> String {
    let here = std::env::current_dir().unwrap_or_default().display().to_string() + "/";
    let mut text = String::new();
    for finding in findings.iter().filter(|finding| !errors_only || finding.severity == Severity::Error) {
        let name = format!("{}:", finding.severity.name());
        let name = match finding.severity {
            Severity::Error => style.bad(&name),
            Severity::Warning => style.warn(&name),
            Severity::Hint => style.bold(&name),
        };
        let place = finding.place();
        let place = place.strip_prefix(&here).unwrap_or(&place);
        text += &format!("{name} {}\n  {} {place}\n", finding.message, style.dim("at  "));
        for line in finding.excerpt() {
            text += &format!("     {} {line}\n", style.dim("|"));
        }
        for row in finding.versions.iter().flat_map(|both| side_by_side(&both.before, &both.now)) {
            text += &format!("     {row}\n");
        }
        text += &format!("  {} {}\n\n", style.dim("help"), finding.help);
    }
    text += &format!("{}\n", summary(findings, files, has_site));
    show(&text).into_owned()
}

/// `3 errors, 1 warning in 2 files`.
fn summary(findings: &[Finding], files: usize, has_site: bool) -> String {
    let count = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let counted = [Severity::Error, Severity::Warning, Severity::Hint]
        .map(|severity| (count(severity), severity.name()))
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| text::counted(count, name));
    let counted: Vec<String> = counted.collect();
    let files = match has_site {
        true => text::counted(files, "file"),
        false => {
            text::counted(files, "bundled file")
                + "; there is no site.toml here: write one with `banister init`"
        }
    };
    match counted.is_empty() {
        true => format!("no problems found in {files}"),
        false => format!("{} in {files}", counted.join(", ")),
    }
}
