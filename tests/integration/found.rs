//! Checkouts as they are found on servers: each is either updated, or refused before anything is changed, with the command
//! that solves it. A plan and a run agree.

mod adopted;
mod carried;
mod edits;
mod forms;
mod ground;
mod kills;
mod links;
mod only_git;
mod prefetch;
mod remotes;
mod states;
mod submodules;
