//! Scripts mean what they say: what is absent, misspelt or of another sort is an error, and never quietly nothing.

use crate::support;

mod absent;
mod blocks;
mod parameters;
mod overrides;
mod said;
mod units;
mod whole_texts;
mod plans;
mod site;
mod slips;
