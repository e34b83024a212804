//! Pauses for the test that kills processes at random: they make the moments between two steps long enough to be
//! hit. Builds without debug assertions don't contain them.

/// Sleeps for a random time below `$BANISTER_TEST_PAUSE` microseconds.
#[cfg(debug_assertions)]
pub(super) fn pause() {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::OnceLock;
    use std::time::Duration;

    static LONGEST: OnceLock<u64> = OnceLock::new();
    let longest = *LONGEST.get_or_init(|| {
        let given = std::env::var("BANISTER_TEST_PAUSE").ok();
        given.and_then(|text| text.parse().ok()).unwrap_or(0)
    });
    if longest > 0 {
        // The standard library's only source of random numbers that needs no crate.
        std::thread::sleep(Duration::from_micros(RandomState::new().hash_one(longest) % longest));
    }
}

#[cfg(not(debug_assertions))]
pub(super) fn pause() {}
