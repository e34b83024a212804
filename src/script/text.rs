//! The text of scripts, as it stands: its words, its outline, and the name by which every place in it can be told.

pub mod outline;
pub mod source;
pub mod tokens;
