//! A bar that shows how far something is, where somebody looks.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error; nothing is drawn where that is no terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Begins with nothing done.
    pub(crate) fn begin() -> Self {
        let bar = ProgressBar::new(0);
        // The template is well-formed, and without it the bar looks another way.
        if let Ok(style) = ProgressStyle::with_template("{msg:24} {bar:30} {human_pos} of {human_len} {eta}")
        {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows what is underway, and how far that is.
    pub(crate) fn show(&self, what: String, done: u64, total: u64) {
        self.0.set_message(what);
        self.0.set_length(total.max(done));
        self.0.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
