//! Random values and secrets, the same in every run.

use std::sync::{Mutex, MutexGuard};

/// What is known to be secret is one for the process: of the tests that change it, one at a time.
static ALONE: Mutex<()> = Mutex::new(());

pub fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A small generator of numbers (xorshift*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end
    }

    pub fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    pub fn letters(&mut self, of: &str, length: usize) -> String {
        let of: Vec<char> = of.chars().collect();
        (0..length).map(|_| of[self.below(of.len())]).collect()
    }
}

const ALPHABETS: [&str; 6] = [
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "abcABC019+/=",
    "0123456789abcdef",
    "aB3 $\"'\\&<>%@:/?#[]",
    "aäß€语🦀zZ9",
    "xY7!-_.~*()",
];

/// A value that is looked for everywhere.
pub fn strong(random: &mut Random) -> String {
    loop {
        let alphabet = random.one(&ALPHABETS);
        let length = 10 + random.below(30);
        let value = match random.below(12) {
            0 => random.letters("123456789", 13),
            1 => {
                let line = |random: &mut Random| random.letters(ALPHABETS[0], 40);
                format!("-----BEGIN KEY-----\n{}\n{}\n-----END KEY-----", line(random), line(random))
            }
            2 => format!("postgres://app:{}@db/x", random.letters(ALPHABETS[0], 14)),
            _ => random.letters(alphabet, length),
        };
        if !banister::internals::secret::is_weak(&value) && value.trim() == value {
            return value;
        }
    }
}
