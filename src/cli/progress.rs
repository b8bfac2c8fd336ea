//! The progress bar: on a terminal only, and only where it tells something.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use crate::arxiv::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::context::Context;

/// How far the input has been read, the rate, and the time left.
pub struct Meter {
    bar: ProgressBar,
    input: Progress,
    papers: u64,
    started: Instant,
}

impl Meter {
    /// A bar on stderr if that is a terminal and the flags allow it.
    pub fn new(context: &Context, input: Progress) -> Self {
        let shown = context.progress() && std::io::stderr().is_terminal();
        let bar = match input.total() {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        bar.set_draw_target(if shown {
            ProgressDrawTarget::stderr_with_hz(5)
        } else {
            ProgressDrawTarget::hidden()
        });
        let template = match input.total() {
            Some(_) => "{wide_bar} {percent}%  {msg}  {eta} left",
            None => "{spinner}  {bytes} read  {msg}  {elapsed}",
        };
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Meter {
            bar,
            input,
            papers: 0,
            started: Instant::now(),
        }
    }

    /// Counts `papers` more that are done.
    pub fn add(&mut self, papers: u64) {
        self.papers += papers;
        self.bar.set_position(self.input.read());
        self.bar
            .set_message(format!("{} papers, {:.0}/s", self.papers, self.rate()));
    }

    /// Papers a second so far.
    pub fn rate(&self) -> f64 {
        self.papers as f64 / self.elapsed().as_secs_f64().max(1e-6)
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
