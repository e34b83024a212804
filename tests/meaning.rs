//! Scripts mean what they say: what is absent, misspelt or of another sort is an error, and never quietly nothing.

mod support;

#[path = "meaning/absent.rs"]
mod absent;
#[path = "meaning/blocks.rs"]
mod blocks;
#[path = "meaning/parameters.rs"]
mod parameters;
#[path = "meaning/overrides.rs"]
mod overrides;
#[path = "meaning/said.rs"]
mod said;
#[path = "meaning/units.rs"]
mod units;
#[path = "meaning/whole_texts.rs"]
mod whole_texts;
#[path = "meaning/plans.rs"]
mod plans;
#[path = "meaning/site.rs"]
mod site;
#[path = "meaning/slips.rs"]
mod slips;
