//! Runs whose journal and runner are at their server, on another machine, and what is said to and by their home.
//!
//! ```text
//! here                                    at the server
//! banister run …    (1) Begin, parcel  →  banister home: begins as `run` does; a runner works from then on
//!                   (2) Follow, since  →  banister home: turns the run's files into lines, and lines into answers
//! homes/RUN.json, seen/                   sites/KEY/RUN/   the site's part that the run needs
//!                                         runs/RUN/        the run
//! ```
//!
//! Each is a connection of its own. Nothing at the server needs one: whoever looks on may go at any moment.

// From bottom to top, like the list in `lib.rs`.
pub mod parcel;
pub mod kept;
pub mod remembered;
pub mod wire;
pub mod seen;
