use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    if let Some(status) = banister::command::entry(&arguments) {
        return status;
    }
    println!("banister {}", env!("CARGO_PKG_VERSION"));
    ExitCode::SUCCESS
}
