//! Settings files in the dialects of the programs that read them, which are asked what they read.

mod edits;
mod forms;
mod hostile;
mod programs;
mod round_trips;
