//! How the program is linked.
//!
//! Tests start it tens of thousands of times. Linked at a fixed address it starts in two thirds of the time, as nothing is
//! relocated; what is released stays independent of its position, and is smaller by a twelfth without the tables for
//! unwinding a stack, as a panic ends it. Functions that are the same to the byte are there once, which is another fiftieth.

use std::env;
use std::path::PathBuf;

const NO_UNWINDING: &str =
    "SECTIONS { /DISCARD/ : { *(.eh_frame) *(.eh_frame_hdr) *(.gcc_except_table*) } } INSERT AFTER .text;\n";

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
        // There Rust links with a linker of its own that knows it.
        if is("CARGO_CFG_TARGET_ARCH", "x86_64") && is("CARGO_CFG_TARGET_ENV", "gnu") {
            println!("cargo:rustc-link-arg-bin=banister=-Wl,--icf=all");
        }
    }
}
