//! What a person sees of a running statement: a bar, or plain lines where nobody watches.

use crate::apply::preflight::blocker;
use crate::apply::progress::Bar;
use crate::model::ledger::{Blocker, Entry, Progress};
use crate::model::text::ellipsis;
use crate::term;
use std::time::{Duration, Instant};

/// The bar of one statement.
pub(super) struct Display {
    bar: Bar,
    shown: indicatif::ProgressBar,
    name: String,
    last: String,
    since: Instant,
    /// The server counts: only then there is a bar.
    counted: bool,
}

/// A phase that is over sooner is not worth a line.
const WORTH_A_LINE: Duration = Duration::from_millis(600);

impl Display {
    /// For a statement about to be sent.
    pub(super) fn new(entry: &Entry) -> Display {
        let create = &entry.definition.create;
        let method = create.body.split_whitespace().nth(1).unwrap_or_default();
        Display {
            bar: Bar::new(method, create.predicate.is_some()),
            // A drop, a clean-up too, has no share that is done: a bar at its beginning would look as if a build began anew.
            shown: term::progress(0),
            name: entry.index.to_string(),
            last: String::new(),
            since: Instant::now(),
            counted: false,
        }
    }

    /// Since the statement was sent.
    pub(super) fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// Shows how far it is; gives back whom it waits for, in words.
    pub(super) fn show(&mut self, progress: Option<&Progress>, waiting_for: &[Blocker]) -> Option<String> {
        let mut shown = self.bar.show(progress, self.elapsed());
        let whom = waiting_for.first().map(|first| match waiting_for.len() {
            1 => who(first),
            n => format!("{} and {} more", who(first), n - 1),
        });
        match &whom {
            Some(whom) => shown.text = format!("{}: {whom}", shown.text),
            // No progress row and nobody to wait for: a drop, or a build about to begin.
            None if progress.is_none() => shown.text = if self.counted { "ending".into() } else { "working".into() },
            None => {}
        }
        if progress.is_some() && !self.counted {
            self.counted = true;
            term::begin_to_count(&self.shown, 100);
        }
        let left = shown.left.map(|(least, most)| format!(", {} left", range(least, most))).unwrap_or_default();
        self.shown.set_position(shown.percent as u64);
        self.shown.set_message(ellipsis(&format!("{} {}{left}", self.name, shown.text), 70));
        // Without a terminal: a line per change of phase, once it lasts.
        if self.shown.is_hidden() && shown.text != self.last && self.elapsed() > WORTH_A_LINE {
            let percent = if self.counted { format!("{:.0}% ", shown.percent) } else { String::new() };
            term::note(&format!("{}: {percent}{}{left}", self.name, shown.text));
            self.last = shown.text;
        }
        whom
    }
}

/// `2–5 min`, `20–50 s`.
fn range(least: Duration, most: Duration) -> String {
    let (least, most) = (least.as_secs_f64(), most.as_secs_f64());
    if most < 120.0 {
        format!("{:.0}–{:.0} s", least, most.ceil())
    } else {
        format!("{:.0}–{:.0} min", least / 60.0, (most / 60.0).ceil())
    }
}

/// Without the age, so that a waiting line does not change every second.
fn who(b: &Blocker) -> String {
    let text = blocker(b);
    text.rsplit_once(", for ").map_or(text.clone(), |(front, _)| front.to_owned())
}

impl Drop for Display {
    fn drop(&mut self) {
        self.shown.finish_and_clear();
    }
}
