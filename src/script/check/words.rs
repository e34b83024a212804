//! Words of plain Rhai that a runbook must not use: what sees the world around the gate.

/// What to say of a forbidden word, and what to write instead.
pub fn forbidden(word: &str) -> Option<(String, String)> {
    let (why, instead) = match word {
        "timestamp" => {
            ("a resumed run would see another time", "use `now()`, which a resumed run sees the same")
        }
        "sleep" => ("a fixed time is too short or too long", "wait for a condition, with `wait_healthy`"),
        "eval" => ("its script can't be checked", "write it as a function"),
        "exit" => (
            "a run that ends so is neither done nor failed",
            "use `throw \"…\"` to fail, or `return` to end a function well",
        ),
        "rand" => ("a resumed run would see another number", "take a name from `now()` or from the server"),
        _ => return None,
    };
    Some((format!("`{word}` is not available: {why}"), instead.to_owned()))
}
