//! How hard a value is to guess.

/// Whoever has a record and its key tries some million values a second: a tag of less than this gives the value away.
const ENOUGH: f64 = 50.0;

/// Whether a value is too long to be found by trying, so that a digest of it may be written down.
pub(super) fn is_hard(value: &str) -> bool {
    bits(value) >= ENOUGH
}

/// A class of letters, and how many there are in it.
type Class = (fn(char) -> bool, u32);

/// Its letters, times what one letter of its classes says.
fn bits(value: &str) -> f64 {
    let has = |is: fn(char) -> bool| value.chars().any(is);
    let classes: [Class; 5] = [
        (|c| c.is_ascii_digit(), 10),
        (|c| c.is_ascii_lowercase(), 26),
        (|c| c.is_ascii_uppercase(), 26),
        (|c| c.is_ascii() && !c.is_ascii_alphanumeric(), 32),
        (|c| !c.is_ascii(), 100),
    ];
    let class: u32 = classes.iter().filter(|(is, _)| has(*is)).map(|(_, size)| size).sum();
    value.chars().count() as f64 * f64::from(class.max(1)).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_six_digits_is_easy_and_a_generated_password_is_hard() {
        for easy in ["", "123456", "hunter22", "abcdefgh"] {
            assert!(!is_hard(easy), "{easy}: {}", bits(easy));
        }
        for hard in ["c4nary/of+the=test", "Xk92mPq17ZtA", "0123456789abcdef"] {
            assert!(is_hard(hard), "{hard}: {}", bits(hard));
        }
    }
}
