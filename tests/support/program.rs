//! The program as others than who builds it have it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program without what is for debuggers: what is sent to hosts is smaller.
pub fn stripped() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = Path::new(env!("CARGO_BIN_EXE_banister"));
        let stripped = program.with_file_name("banister-stripped");
        let fresh = program.with_file_name(format!("banister-stripped.{}", std::process::id()));
        let made = Command::new("strip").arg("-o").arg(&fresh).arg(program).status().unwrap();
        assert!(made.success());
        fs::rename(&fresh, &stripped).unwrap();
        stripped
    })
}
