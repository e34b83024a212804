//! Health checks: what they look at, and waiting until all of them are well and stay so.
//!
//! A server is healthy when all its checks were true during a whole stable window. A service that was started anew
//! within it begins the window anew, although it answered each time: it may be crashing in a circle.

mod command;
mod containers;
mod http;
mod service;
mod sql;
mod tcp;

mod answer;
mod asked;
mod check;
mod loops;
mod round;
mod wait;

pub use answer::Answer;
pub use check::Check;
pub use command::Command;
pub use containers::Containers;
pub use http::Http;
pub use round::round;
pub use service::Service;
pub use sql::Sql;
pub use tcp::Tcp;
pub use wait::{Checked, Report, wait};

use crate::machine::compose::Project;
use crate::units::Duration;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How long a check may take each time it looks.
pub const LOOK: Duration = Duration::seconds(5);

/// Where checks look.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Where the commands of checks run.
    pub folder: PathBuf,
    /// Variables that they see, added to our own.
    pub environment: BTreeMap<String, String>,
    /// The Compose project of services whose check names none.
    pub project: Project,
    /// Whether the host in URLs and addresses is a service of that project.
    pub inside: bool,
}
