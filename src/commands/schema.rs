//! `advisor schema`: the contracts of `--format json`.

use super::Command;
use crate::flow::{apply::document, status, verify};
use crate::model::report::Report;
use crate::report::schema;
use clap::Arg;
use serde_json::Value;

/// What has a contract, and its JSON Schema.
type Contract = (&'static str, fn() -> Value);

const CONTRACTS: [Contract; 4] = [
    ("report", || schema::<Report>("Report of advisor")),
    ("plan", || schema::<document::Plan>("Plan of advisor apply --dry-run")),
    ("status", || schema::<status::Status>("Status of advisor status")),
    ("verify", || schema::<verify::Verification>("Verdicts of advisor verify")),
];

pub(super) static ENTRY: Command = Command {
    clap: || {
        let of = Arg::new("of").value_name("WHAT").value_parser(CONTRACTS.map(|(name, _)| name)).default_value(CONTRACTS[0].0);
        clap::Command::new("schema")
            .about("Print the JSON Schema of what --format json writes")
            .arg(of.help("Of the report of analyze and explain, the plan of apply --dry-run, status, or verify"))
    },
    handles_signals: false,
    run: |matches| {
        Box::pin(async move {
            let of = matches.get_one::<String>("of").cloned().unwrap_or_default();
            let wanted = CONTRACTS.iter().find(|(name, _)| *name == of);
            crate::term::print(&wanted.map(|(_, schema)| format!("{:#}\n", schema())).unwrap_or_default());
            Ok(0)
        })
    },
};
