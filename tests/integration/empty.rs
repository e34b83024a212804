//! Releases that are healthy and would not have their data: what they mount is compared before, and what there is counted
//! before and after.

mod mounts;
mod proofs;
mod world;
