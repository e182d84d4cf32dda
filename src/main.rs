//! Floor 5: parse, run, turn a failure into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            advisor::term::note(&format!("error: cannot start: {error}"));
            return ExitCode::from(70);
        }
    };
    match runtime.block_on(advisor::commands::run(std::env::args_os().collect())) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            advisor::term::failure(&failure);
            ExitCode::from(failure.kind.exit_code())
        }
    }
}
