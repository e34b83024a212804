//! Practice servers with real containers. `tests/run` runs these beside all others.

mod compose;
mod compose_faults;
mod compose_git;
mod compose_hoss;
mod compose_images;
mod compose_stores;
