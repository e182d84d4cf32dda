//! `advisor schema`: the contract of `--format json`.

use super::Command;

pub(super) static ENTRY: Command = Command {
    clap: || clap::Command::new("schema").about("Print the JSON Schema of the report that --format json writes"),
    handles_signals: false,
    run: |_| {
        Box::pin(async {
            crate::term::print(&format!("{:#}\n", crate::report::schema()));
            Ok(0)
        })
    },
};
