//! The program as a library.

use crate::failure::Kind;
use crate::primitive::{AnyPrimitive, Of, Primitive};
use crate::{cli, command, machine, practice, primitives};
use std::ffi::OsString;
use std::process::ExitCode;

/// A program of your own that is banister, with primitives of your own.
///
/// The whole of such a program, which a test of this repository builds and runs; first its `main.rs`:
///
/// ```ignore
#[doc = include_str!("../examples/embed/main.rs")]
/// ```
///
/// and `log_release.rs`, a [`Primitive`] with the page that `doc` shows of it:
///
/// ````ignore
#[doc = include_str!("../examples/embed/log_release.rs")]
/// ````
///
/// Runbooks call it like any other: it is checked, planned, written down and continued in the same way. The program puts
/// itself on other servers as banister does, so that its primitives are there as well. Messages call the program `banister`.
#[derive(Default)]
pub struct Program {
    own: Vec<Box<dyn AnyPrimitive>>,
}

impl Program {
    /// The program as it is.
    pub fn new() -> Program {
        Program::default()
    }

    /// Adds a primitive. Its name must be none that there is already, and its page must begin with its signature.
    pub fn with<P: Primitive>(mut self) -> Program {
        self.own.push(Box::new(Of::<P>::new()));
        self
    }

    /// Runs the program with the arguments of this process, of which it starts more: nothing else may be done before this.
    /// The exit code is 70 if a primitive can't be added.
    pub fn main(self) -> ExitCode {
        let arguments: Vec<OsString> = std::env::args_os().collect();
        command::leave_no_core(&arguments);
        end_at_a_panic();
        if let Err(failure) = primitives::add(self.own) {
            return cli::failed(&failure, false);
        }
        command::entry(&arguments)
            .or_else(|| machine::sqlite::entry(&arguments))
            .or_else(|| practice::entry(arguments.get(1..).unwrap_or_default()))
            .unwrap_or_else(|| cli::main(&arguments))
    }
}

/// A bug ends the program at once, with the exit code that says so, whichever thread met it: what was done is in the journal.
fn end_at_a_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        std::process::exit(i32::from(Kind::Bug.exit_code()));
    }));
}
