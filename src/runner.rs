//! A run that works without a terminal: a process of its own session, the runner, works on it, and viewers look on.
//!
//! Files in the run's folder are all that they share, so that no viewer can hold the runner up, and none is needed:
//!
//! ```text
//! events/000002.jsonl   what was told in the second session of a runner, a line each; secrets are hidden in it
//! live                  the last line of each course; replaced while something goes on
//! asked/KEY             a question that waits for an answer, since when and how long
//! answers/KEY           the answer to it; linked once, by whoever comes first
//! notices/started       a notice to people who don't look on, written once; `.sent.KEY` beside it when the place of that key
//!                       took it, `.failed.KEY` while that does not, with why, `.refused.KEY` if it never will
//! wishes/000002-finish  that the session is to stop, and who says so; linked once
//! runner, watcher       locks of the process that works on the run, and of the one that starts it again; their times say that
//!                       these are alive
//! runner.log            what went wrong with these two
//! unit, program         where systemd has it as a unit: its name, and the program that is started
//! environment           and what the terminal had that systemd has not
//! ```
//!
//! The journal stays the truth: it is exact, and is not followed by viewers. A runner that is killed is started again by its
//! watcher and goes on as `resume` does. Where systemd is at work the watcher is the main process of a unit, and is started
//! again itself, also after a boot.

// From bottom to top, like the list in `lib.rs`.
mod place;

mod beat;

pub mod answers;
pub mod events;
pub mod follow;
pub mod wishes;

pub mod moved;

pub mod manager;
pub mod quoting;

pub mod journald;
pub mod mailbox;
pub mod notices;
pub mod untaken;

pub mod courier;
pub mod watch;

pub mod unit;

pub mod ending;

pub use place::session;
pub use unit::is_at_work;
