//! Why a run ended without doing what was asked. Plain data: every floor above may return it,
//! only `main.rs` turns it into an exit code.

use std::fmt;

/// The kind decides the exit code (see README, "Exit codes").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Wrong flag, unreadable input, contradicting options: exit 2.
    Usage,
    /// The server cannot be reached or entered: exit 3.
    Connect,
    /// Something this verb needs is missing (server binary, extension, privilege, version): exit 4.
    Missing,
    /// A step failed and left nothing behind; earlier steps stay: exit 5.
    ApplyFailed,
    /// A step failed and a person has to look: exit 6.
    ApplyNeedsYou,
    /// A bug of ours: exit 70.
    Bug,
    /// Ctrl-C, SIGTERM or SIGHUP: exit 130.
    Interrupted,
}

impl FailureKind {
    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            FailureKind::Usage => 2,
            FailureKind::Connect => 3,
            FailureKind::Missing => 4,
            FailureKind::ApplyFailed => 5,
            FailureKind::ApplyNeedsYou => 6,
            FailureKind::Bug => 70,
            FailureKind::Interrupted => 130,
        }
    }
}

/// What went wrong (lowercase, no full stop), and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Decides the exit code.
    pub kind: FailureKind,
    /// What and why, one line.
    pub message: String,
    /// Next steps: commands to run, settings to change.
    pub hints: Vec<String>,
}

impl Failure {
    /// A failure without hints.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Failure { kind, message: message.into(), hints: Vec::new() }
    }

    /// Wrong input: exit 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Failure::new(FailureKind::Usage, message)
    }

    /// The same with one more hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
