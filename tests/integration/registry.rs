//! Registries of images: a real one, servers that mean no good, and what of the world outside steers the way to them.

mod hostile;
mod outside;
mod real;
pub mod server;
