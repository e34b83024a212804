//! How many arguments a function takes, in words.

use crate::output::counted;

/// Between two numbers of arguments.
pub fn arguments(fewest: usize, most: usize) -> String {
    match (fewest, most) {
        (0, 0) => "no argument".into(),
        (fewest, most) if fewest == most => counted(most, "argument"),
        (fewest, most) => format!("{fewest} to {most} arguments"),
    }
}
