//! The door of ids: one request, or messages of a queue that are redelivered until all is done, by one process, by two at
//! once, or by some that are killed.

mod scenario;

use std::time::Duration;

use batch_emulator::{Faults, JobView, Status};
use tokio::time::{sleep, timeout};

use super::{
    account::Nature,
    invoke,
    judge::{Class, Tally, class},
    process,
};
use scenario::{Scenario, Shape, Source};

/// Deliveries of a message with faults. One delivery without faults follows.
const DELIVERIES: usize = 4;

/// Plays the scenario of a seed.
pub(crate) async fn play(seed: u64, terminate: bool) -> Tally {
    let scenario = Scenario::of(seed, terminate);
    let side_by_side = match scenario.shape {
        Shape::Once => {
            scenario.once().await;
            1
        }
        Shape::TwoAtOnce { kills } => {
            scenario.two_at_once(kills).await;
            2
        }
        Shape::Redelivered { kills } => {
            scenario.redelivered(kills).await;
            1
        }
    };
    scenario.judge.calls_keep_the_ceiling(side_by_side);
    let mut tally = scenario.judge.tally.into_inner();
    tally.jobs = scenario.requested.len();
    tally
}

impl Scenario {
    async fn once(&self) {
        let mut function = process(&self.judge);
        let invocation = self.invocation();
        invoke(&self.judge, &mut function, &invocation).await;
        self.judge.calls_are_in_time(&invocation);
        if self.spell.dry_run {
            self.judge.nothing_changed();
        }
    }

    async fn two_at_once(&self, kills: bool) {
        let judge = &self.judge;
        let one = async {
            invoke(judge, &mut process(judge), &self.invocation()).await;
        };
        let other = async {
            let killed_after = self.kills[0].filter(|_| kills);
            let (mut function, invocation) = (process(judge), self.invocation());
            let work = invoke(judge, &mut function, &invocation);
            let Some(time) = killed_after else {
                work.await;
                return;
            };
            if timeout(time, work).await.is_err() {
                judge.killed();
                invoke(judge, &mut process(judge), &self.invocation()).await;
            }
        };
        tokio::join!(one, other);
    }

    /// Messages are redelivered until they are done. Where `kills`, the process may be killed during a delivery, after which
    /// all of its messages are redelivered.
    async fn redelivered(&self, kills: bool) {
        let judge = &self.judge;
        let mut messages: Vec<usize> = (0..self.messages.len()).collect();
        let mut function = process(judge);
        let mut spell = self.spell.clone();
        for delivery in 0..=DELIVERIES {
            let last = delivery == DELIVERIES;
            if last {
                // By then every accepted call has had its effect.
                sleep(Duration::from_secs(20)).await;
                spell.faults = Faults {
                    latency: Duration::from_millis(20),
                    ..Faults::default()
                };
                spell.deadline = Duration::from_mins(3);
                judge.account.emulator.set_faults(spell.faults.clone());
            }
            if messages.is_empty() {
                break;
            }
            let invocation = self.delivery(&messages, &spell);
            let killed_after = self.kills[delivery].filter(|_| kills && !last);
            let work = invoke(judge, &mut function, &invocation);
            let Some(time) = killed_after else {
                messages = work.await;
                continue;
            };
            if let Ok(left) = timeout(time, work).await {
                messages = left;
            } else {
                judge.killed();
                function = process(judge);
            }
        }
        self.everything_is_done(&messages);
    }

    /// After a delivery without faults, only messages with an invalid id are left.
    fn everything_is_done(&self, left: &[usize]) {
        let (judge, emulator) = (&self.judge, &self.judge.account.emulator);
        let bad = |message: usize| {
            let nature = |&place: &usize| self.requested[place].nature == Nature::Invalid;
            self.messages[message].iter().any(nature)
        };
        let outcomes = judge.last_outcomes.borrow();
        if self.source != Source::Fifo {
            let good = left.iter().filter(|&&message| !bad(message));
            let open: Vec<_> = good
                .flat_map(|&message| &self.messages[message])
                .map(|&place| &self.requested[place].id)
                .map(|id| (id, &outcomes[id], emulator.job(id)))
                .filter(|(_, outcome, job)| {
                    class(outcome) != Class::Done && !is_tried_again(outcome, job.as_ref())
                })
                .collect();
            assert!(open.is_empty(), "redelivered for ever: {open:?}");
        }
        let requested = self.requested.iter();
        for requested in requested.filter(|requested| requested.nature == Nature::Plain) {
            let (job, outcome) = (emulator.job(&requested.id), &outcomes[&requested.id]);
            let is_done = job
                .as_ref()
                .is_some_and(|job| job.is_cancelled || job.is_terminated || job.status.is_final());
            // A job that is visible only after the last look is not found, which is no fault of the function.
            let is_left_alone = ["running", "notFound"].contains(&outcome.as_str())
                || is_tried_again(outcome, job.as_ref());
            assert!(
                is_done || is_left_alone,
                "{requested:?} is {outcome}: {job:?}"
            );
        }
    }
}

/// The cancel met the job while it ran, which has no effect. Then its attempt failed, and it was RUNNABLE again at the next
/// look: the next delivery would cancel it.
fn is_tried_again(outcome: &str, job: Option<&JobView>) -> bool {
    let is_back = |job: &JobView| job.status == Status::Runnable && job.started_at.is_some();
    outcome == "unconfirmed" && job.is_some_and(is_back)
}
