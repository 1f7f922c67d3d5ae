//! What a stage came to.

use crate::run::Finished;

/// The result of one stage.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How many checks or tests held.
    pub(crate) passed: u64,
    /// How many did not, or could not be made.
    pub(crate) failed: u64,
    /// A few words for the stage's line.
    pub(crate) note: String,
    /// What to show when something failed.
    pub(crate) output: String,
}

impl Outcome {
    /// Returns one check that held.
    pub(crate) fn passed() -> Outcome {
        Outcome { passed: 1, ..Outcome::default() }
    }

    /// Returns one check that failed, with what explains it.
    pub(crate) fn failed(note: impl Into<String>, output: impl Into<String>) -> Outcome {
        Outcome { failed: 1, note: note.into(), output: output.into(), ..Outcome::default() }
    }

    /// Returns a result that counts for nothing: only for what is documented as never blocking.
    pub(crate) fn noted(note: impl Into<String>) -> Outcome {
        Outcome { note: note.into(), ..Outcome::default() }
    }

    /// Returns the result of a program whose exit code is the whole answer. `remedy` is shown when it is not there.
    pub(crate) fn of_check(run: std::io::Result<Finished>, remedy: &str) -> Outcome {
        match run {
            Ok(done) if done.success => Outcome::passed(),
            Ok(done) => Outcome::failed("", done.output),
            Err(error) => Outcome::failed(format!("cannot run: {error}; {remedy}"), ""),
        }
    }
}
