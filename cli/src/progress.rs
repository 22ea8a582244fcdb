//! The line on the terminal while the work lasts, and Ctrl-C.

use std::{
    fmt::Write,
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use batch_cancel::session::{Control, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::{signal, sync::watch};

use crate::{output::err, words::age};

/// How often the line is drawn again.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// What a piece of work does, for its line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// It finds and looks at jobs, and changes nothing.
    Look,
    /// It ends jobs.
    End {
        /// How many.
        jobs: usize,
        /// What they are then: cancelled, terminated.
        ended: &'static str,
        /// It can be stopped midway. A deployed function cannot.
        can_stop: bool,
    },
}

/// How a piece of work has ended.
#[derive(Debug)]
pub(crate) enum Done<T> {
    /// By itself, or after one Ctrl-C.
    Result(T),
    /// By Ctrl-C before anything was changed.
    Stopped,
    /// By a second Ctrl-C.
    Left,
}

/// Does a piece of work, with a line about it on a terminal. Ctrl-C ends one that only looks; of one that ends jobs it is
/// asked to stop, and left at once only by a second Ctrl-C.
pub(crate) async fn watched<T>(
    work: Work,
    doing: impl AsyncFnOnce(&Control) -> T,
) -> (Done<T>, bool) {
    let (stop_sender, stop) = watch::channel(false);
    let (progress, seen) = watch::channel(Progress::default());
    let control = Control { progress, stop };
    let line = Line::new(work);
    let mut doing = Box::pin(doing(&control));
    let mut is_stopped = false;
    let mut draw = tokio::time::interval(DRAW_EVERY);
    let done = loop {
        tokio::select! {
            result = &mut doing => break Done::Result(result),
            () = interrupted() => match work {
                Work::Look => break Done::Stopped,
                Work::End { .. } if is_stopped => break Done::Left,
                Work::End { can_stop, .. } => {
                    is_stopped = true;
                    line.clear();
                    err(if can_stop {
                        "\n  stopping: no more calls; one last look (Ctrl-C again to leave at once)\n"
                    } else {
                        "\n  the function works on (Ctrl-C again to leave at once)\n"
                    });
                    let _ = stop_sender.send(true);
                }
            },
            _ = draw.tick() => line.draw(*seen.borrow()),
        }
    };
    line.clear();
    (done, is_stopped)
}

/// Waits for the next Ctrl-C.
pub(crate) async fn interrupted() {
    if signal::ctrl_c().await.is_err() {
        // There are no signals to wait for.
        std::future::pending::<()>().await;
    }
}

/// The line.
struct Line {
    bar: ProgressBar,
    work: Work,
    began: Instant,
}

impl Line {
    fn new(work: Work) -> Self {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            work,
            began: Instant::now(),
        }
    }

    fn draw(&self, progress: Progress) {
        let time = self.began.elapsed();
        // What takes no time needs no line.
        if time >= DRAW_EVERY {
            self.bar.set_message(say(self.work, progress, time));
            self.bar.tick();
        }
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// The text of the line.
fn say(work: Work, progress: Progress, time: Duration) -> String {
    match work {
        Work::Look if progress.found == 0 => "looking …".to_owned(),
        Work::Look => format!("looking …  ·  {} found", progress.found),
        Work::End {
            jobs: all, ended, ..
        } => {
            let left = if progress.ended == 0 {
                all
            } else {
                progress.open
            };
            let seconds = time.as_secs_f64().max(0.001);
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate for people"
            )]
            let rate = (progress.ended as f64 / seconds).round() as usize;
            let mut text = format!("{ended} {} of {all}  ·  {left} left", progress.ended);
            if let Some(to_go) = left.checked_div(rate) {
                let to_go = u64::try_from(to_go).unwrap_or(u64::MAX);
                let to_go = age(Duration::from_secs(to_go));
                let _ = write!(text, "  ·  {rate} a second  ·  {to_go} to go");
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_how_far_the_work_is() {
        let progress = |found, open, ended| Progress { found, open, ended };
        let second = Duration::from_secs(1);
        assert_eq!(say(Work::Look, progress(0, 0, 0), second), "looking …");
        assert_eq!(
            say(Work::Look, progress(3_400, 0, 0), second),
            "looking …  ·  3400 found"
        );
        let work = Work::End {
            jobs: 412,
            ended: "cancelled",
            can_stop: true,
        };
        assert_eq!(
            say(work, progress(0, 0, 0), second),
            "cancelled 0 of 412  ·  412 left"
        );
        assert_eq!(
            say(work, progress(0, 162, 250), second * 5),
            "cancelled 250 of 412  ·  162 left  ·  50 a second  ·  3 s to go"
        );
    }
}
