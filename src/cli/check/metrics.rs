//! The file of metrics that `site.toml` names and that can't be written.

use super::at_line;
use crate::cli::metrics::trouble;
use crate::script::check::{Finding, Severity};
use crate::site::Site;

/// What is wrong with it: nobody looks on when it is written.
pub fn doubt(site: &Site) -> Option<Finding> {
    let message = trouble(site)?;
    let text = std::fs::read_to_string(&site.file).unwrap_or_default();
    let is_key = |line: &str| line.trim_start().starts_with("metrics");
    let line = text.lines().position(is_key).map_or(0, |line| line + 1);
    let help =
        "create its folder, or correct `metrics`; try it with `banister metrics --file FILE`".to_owned();
    Some(Finding { severity: Severity::Warning, ..at_line(&site.file, line, 0, message, help) })
}
