//! Checkouts are read and moved, tried on real repositories made by the real git.

mod killed;
mod moves;
mod repository;
