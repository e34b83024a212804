//! Numbers that are the same for the same seed, and look like chance; and how thorough a run of the tests is.
//!
//! `BANISTER_TEST_SEED` says of what a test that leaves something out takes the rest, `BANISTER_TEST_LONG` that nothing is
//! left out: see `tests/run --long`.

use std::panic::Location;
use std::sync::OnceLock;

pub struct Chance(u64);

impl Chance {
    /// Seeds that lie beside one another have nothing in common (splitmix64).
    pub fn of(seed: u64) -> Chance {
        let mut state = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        // All but 0 have successors.
        Chance((state ^ (state >> 31)).max(1))
    }

    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Less than `end`, or 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end.max(1) as u64).unwrap_or_default()
    }

    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Whether nothing is left out, however long that takes.
pub fn is_long() -> bool {
    std::env::var_os("BANISTER_TEST_LONG").is_some_and(|set| !set.is_empty())
}

/// The seed of this run; another one each time, unless it is given. Who asks for it tells it, so that it stands with the
/// output of a test that fails.
pub fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    let seed = *SEED.get_or_init(|| {
        let given = std::env::var("BANISTER_TEST_SEED").ok().filter(|given| !given.is_empty());
        let given = given.map(|given| given.parse().expect("BANISTER_TEST_SEED is a number"));
        let of_now =
            || std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis() as u64 % 1_000_000);
        given.unwrap_or_else(of_now)
    });
    eprintln!("repeat this with BANISTER_TEST_SEED={seed}");
    seed
}

/// What this run takes of what is tried: all, or of so many one, others with each seed. What one place in the tests takes says
/// nothing of what another one takes: where it is a test's turn with every second seed, all parts of it come in turn.
#[track_caller]
pub fn part<T>(items: Vec<T>, of: usize) -> Vec<T> {
    if is_long() {
        return items;
    }
    let first = Chance::of(seed() ^ of_place(Location::caller())).below(of);
    items.into_iter().skip(first).step_by(of).collect()
}

/// A number for a place in the tests (FNV-1a).
fn of_place(place: &Location) -> u64 {
    let text = format!("{}:{}", place.file(), place.line());
    text.bytes()
        .fold(0xCBF2_9CE4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
}

/// Whether it is the turn of the `nth` of some tests, of which with each seed one of so many is run; all are in a long run. One
/// that is not run says so.
pub fn is_turn(nth: usize, of: usize) -> bool {
    let is_turn = is_long() || nth % of == Chance::of(seed()).below(of);
    if !is_turn {
        eprintln!("left to another seed");
    }
    is_turn
}
