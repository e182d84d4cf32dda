//! Colour and quiet: flags of every verb.

use clap::{Arg, ArgAction, ArgMatches, ColorChoice, builder::PossibleValuesParser};

/// Behind a verb's own flags in its help.
const LAST: usize = 900;

/// `--color` and `--quiet`, valid behind any verb.
pub fn global_args() -> Vec<Arg> {
    vec![
        Arg::new("color")
            .long("color")
            .global(true)
            .value_name("WHEN")
            .value_parser(PossibleValuesParser::new(["auto", "always", "never"]))
            .default_value("auto")
            .display_order(LAST)
            .help("Colour the output"),
        Arg::new("quiet")
            .long("quiet")
            .short('q')
            .global(true)
            .action(ArgAction::SetTrue)
            .display_order(LAST)
            .help("No progress and no notes on standard error"),
    ]
}

/// Puts the flags into force.
pub fn apply(matches: &ArgMatches) {
    let choice = match matches.get_one::<String>("color").map(String::as_str) {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    };
    crate::term::set_colour(match choice {
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
        ColorChoice::Auto => anstream::ColorChoice::Auto,
    });
    crate::term::set_quiet(matches.get_flag("quiet"));
}

/// How a verb writes an answer that is no report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum AnswerFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}
