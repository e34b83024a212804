//! Checkouts are read and moved, tried on real repositories made by the real git.

#[path = "checkout/killed.rs"]
mod killed;
#[path = "checkout/moves.rs"]
mod moves;
#[path = "checkout/repository.rs"]
mod repository;
