//! What can be typed after `banister demo`.

use crate::practice::FAULTS;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct Options {
    /// A fault to simulate.
    #[arg(long, value_name = "NAME", value_parser = faults())]
    pub fault: Option<String>,
    /// Keep the practice server in this new folder; DIR/site.toml is then a site like any other.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Make three servers that are linked: one with the auth service, and two that use it.
    #[arg(long, conflicts_with = "compose")]
    pub linked: bool,
    /// List the practice servers that still run on this machine, and how to end each.
    #[arg(long, conflicts_with_all = ["fault", "keep", "linked", "compose"])]
    pub list: bool,
    /// With real containers: this machine's Docker and docker-compose, PostgreSQL and OpenLDAP.
    #[arg(long)]
    pub compose: bool,
}

/// The names of faults, each with its sentence for `--help`.
fn faults() -> PossibleValuesParser {
    FAULTS.iter().map(|fault| PossibleValue::new(fault.name).help(fault.sentence)).collect::<Vec<_>>().into()
}
