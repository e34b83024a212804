//! What a new run is called and about.

use crate::data::Arguments;
use crate::journal::Header;
use crate::journal::run;
use crate::site::Site;

/// A new run's header. `parameters` are those of the runbook's `main`, by name.
pub fn header(site: &Site, runbook: &str, parameters: Arguments, servers: Vec<String>) -> Header {
    Header {
        version: crate::journal::VERSION,
        run: run::new_name(),
        runbook: runbook.into(),
        parameters,
        servers,
        site: site.file.clone(),
        program: env!("CARGO_PKG_VERSION").into(),
        by: crate::person::whoami(),
        by_hand: false,
    }
}
