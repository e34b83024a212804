//! How many arguments a function takes, in words.

/// Between two numbers of arguments.
pub fn arguments(fewest: usize, most: usize) -> String {
    match (fewest, most) {
        (0, 0) => "no argument".into(),
        (1, 1) => "1 argument".into(),
        (fewest, most) if fewest == most => format!("{most} arguments"),
        (fewest, most) => format!("{fewest} to {most} arguments"),
    }
}
