//! `nc -ll -p PORT -e PROGRAM`, as busybox has it: each connection is the input and output of a program.

use super::service::Service;
use crate::failure::{Context, Failure, Kind, Result};
use crate::practice::world::start;
use std::net::TcpListener;

pub fn run(service: &Service) -> Result<()> {
    let command = &service.container.spec.command;
    let program = command.iter().position(|word| word == "-e").map(|at| &command[at + 1..]);
    let Some(program) = program.filter(|_| command.iter().any(|word| word == "-ll")) else {
        return Err(Failure::new(Kind::Invalid, "this `nc` knows only `-ll` with `-e`"));
    };
    let at = service.world.socket(service.service())?;
    let listener = TcpListener::bind(at).or_fail(Kind::Refused, || format!("{at} can't be listened on"))?;
    service.log(format_args!("listening on {at}"));
    for stream in listener.incoming().flatten() {
        let program = program.to_vec();
        std::thread::spawn(move || start::with_connection(&program, stream));
    }
    Ok(())
}
