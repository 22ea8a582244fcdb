//! What a program shows of the work while it lasts, and how it stops it. A function has neither.

use tokio::sync::watch;

/// The way to and from a program with a person at it.
#[derive(Debug)]
pub struct Control {
    /// Gets how far the work is.
    pub progress: watch::Sender<Progress>,
    /// Turns true when no more calls that end jobs are to be sent.
    pub stop: watch::Receiver<bool>,
}

/// How far the work is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many jobs a listing has found so far.
    pub found: usize,
    /// How many of them have no outcome yet.
    pub open: usize,
    /// How many of them have ended, or are ending.
    pub ended: usize,
}

impl Control {
    /// The listings have found so many jobs.
    pub(crate) fn found(&self, jobs: usize) {
        self.progress.send_modify(|progress| progress.found = jobs);
    }

    /// Turns ready when the work is to be stopped.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.clone();
        if stop.wait_for(|stop| *stop).await.is_err() {
            // Nobody is left who could stop it.
            std::future::pending::<()>().await;
        }
    }
}
