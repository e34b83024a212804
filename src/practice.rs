//! The practice server: a real server of the shape of Hoss in one folder, for demonstrations, examples and tests.
//!
//! Everything in it is real: a git origin and a checkout, a Makefile run by make, processes that listen on loopback
//! ports and answer as Hoss does, a database with rows. Only Docker is a stand-in: `docker` and `docker-compose` in
//! the world's `PATH` are this program, and so are the services. Nothing outside of the folder is touched, and when
//! the folder is removed, all its processes end themselves.
//!
//! [`world`] is the folder and what every process of it needs, [`origin`] makes the git repository. [`database`], [`docker`],
//! [`compose`] and [`services`] are the stand-ins; [`real_docker`] hands over to the machine's own Docker instead. A
//! [`server`] is made of all these, a [`rehearsal`] tries a site's scripts on one, and in [`mod@entry`] the program is called
//! as a stand-in. Each uses only those before it.
//!
//! ```text
//! DIR/origin.git                   the origin
//! DIR/home/hybrid-object-store     the checkout; everything is run in its `server`
//! DIR/home/.hoss                   configuration and data of the installation
//! DIR/bin                          docker, docker-compose, sudo and make of this world
//! DIR/site.toml                    the world as a site of banister
//! DIR/faults                       one switch per fault that is on
//! DIR/trace.jsonl                  what was called, see [`TraceLine`]
//! DIR/ALARM                        is there if something called what must never be called
//! ```

mod compose;
mod database;
mod docker;
mod entry;
mod origin;
mod real_docker;
mod rehearsal;
mod server;
mod services;
mod world;

pub use entry::entry;
pub use rehearsal::{Original, Rehearsal};
pub use server::linked::{Linked, Size};
pub use server::{Practice, Rows, running};
pub use world::Process;
pub use world::fault::{FAULTS, Fault, Reach};
pub use world::trace::TraceLine;
