//! The practice server, through the real program.

use banister::practice::Practice;
use std::path::Path;

#[test]
fn first() {
    let folder = tempfile::tempdir().unwrap();
    let begin = std::time::Instant::now();
    let practice =
        Practice::create(&folder.path().join("world"), Path::new(env!("CARGO_BIN_EXE_banister")), &[]);
    eprintln!("{:?}", begin.elapsed());
    let practice = practice.unwrap_or_else(|failure| panic!("{failure}"));
    eprintln!("{:#}", practice.discover().unwrap());
    eprintln!("{:?}", practice.rows().unwrap());
    eprintln!("{}", std::fs::read_to_string(practice.site()).unwrap());
    std::process::Command::new("bash")
        .arg("-c")
        .arg(std::env::var("TRY").unwrap_or("true".into()))
        .current_dir(practice.checkout().join("server"))
        .envs(practice.environment())
        .status()
        .unwrap();
    practice.stop().unwrap();
    assert!(practice.processes().is_empty());
}
