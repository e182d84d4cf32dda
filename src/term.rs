//! Floor 2b: the only place that prints. Results go to standard output, all else to standard error.

use crate::model::failure::Failure;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

static QUIET: AtomicBool = AtomicBool::new(false);

/// Colour for both streams.
pub fn set_colour(choice: anstream::ColorChoice) {
    choice.write_global();
}

/// No progress, no notes.
pub fn set_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// Prints a result on standard output. A closed pipe is not an error: the reader had enough.
pub fn print(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Columns of the terminal behind standard output; without one COLUMNS, or 100.
pub fn width() -> usize {
    let terminal = comfy_table::Table::new().width().map(usize::from);
    let told = || std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
    terminal.or_else(told).filter(|columns| *columns > 0).unwrap_or(100)
}

/// Text for a file: colour codes taken out.
pub fn strip_colour(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// A remark on standard error; silent under `--quiet`.
pub fn note(text: &str) {
    if !QUIET.load(Ordering::Relaxed) {
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }
}

/// A failure on standard error: what, why, next steps.
pub fn failure(failure: &Failure) {
    let red = anstyle::Style::new().bold().fg_color(Some(anstyle::AnsiColor::Red.into()));
    let mut err = anstream::stderr().lock();
    let _ = writeln!(err, "{red}error:{red:#} {}", failure.message);
    for hint in &failure.hints {
        let _ = writeln!(err, "  {} {hint}", if hint.is_empty() { " " } else { "→" });
    }
}

/// A live progress display on standard error, with a bar where the number of `steps` is known (not
/// 0); hidden without a terminal and under `--quiet`.
pub fn progress(steps: u64) -> indicatif::ProgressBar {
    let target =
        if QUIET.load(Ordering::Relaxed) { indicatif::ProgressDrawTarget::hidden() } else { indicatif::ProgressDrawTarget::stderr() };
    let bar = indicatif::ProgressBar::with_draw_target(Some(steps), target);
    set_template(&bar, if steps == 0 { "{spinner} {msg:50} {elapsed}" } else { BAR });
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}

const BAR: &str = "{spinner} {msg:50} {wide_bar} {pos}/{len} {elapsed}";

/// A display without a bar gets one, of so many steps.
pub fn begin_to_count(bar: &indicatif::ProgressBar, steps: u64) {
    bar.set_length(steps);
    set_template(bar, BAR);
}

fn set_template(bar: &indicatif::ProgressBar, template: &str) {
    if let Ok(style) = indicatif::ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}

/// True when nothing is piped in: reading standard input would wait for a person to type.
pub fn input_is_terminal() -> bool {
    std::io::stdin().is_terminal()
}

/// True when a person can answer at standard input.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks a yes/no question on standard error; anything but y/yes is no.
pub fn ask(question: &str) -> bool {
    let mut err = anstream::stderr().lock();
    let _ = write!(err, "{question} [y/N] ").and_then(|()| err.flush());
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
