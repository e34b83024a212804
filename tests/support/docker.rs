//! Practice servers with real containers: one at a time, because a Compose project has one name.

use banister::practice::Practice;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

static ONE: Mutex<()> = Mutex::new(());

/// Whether there is an engine; `tests/run` sees to it. Without one the test says so and is over.
pub fn engine() -> Option<MutexGuard<'static, ()>> {
    if std::env::var_os("BANISTER_TEST_DOCKER").is_none() {
        eprintln!("SKIPPED: real containers; run `tests/run` as root");
        return None;
    }
    Some(ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// A practice server in Docker; everything it has is removed when this is dropped.
pub struct Stack {
    pub practice: Practice,
    pub folder: tempfile::TempDir,
    _one: MutexGuard<'static, ()>,
}

impl Stack {
    /// None where there is no engine.
    pub fn create(faults: &[&str]) -> Option<Stack> {
        let one = engine()?;
        let folder = tempfile::tempdir().unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_banister"));
        let practice = Practice::create_in_docker(&folder.path().join("world"), program, faults).unwrap();
        Some(Stack { practice, folder, _one: one })
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.practice.stop().unwrap();
    }
}
