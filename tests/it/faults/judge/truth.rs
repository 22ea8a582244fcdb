//! Whether an outcome is true of its job, by the emulator's own account.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use batch_emulator::{Answer, Call, Emulator, ItemError, JobView, Operation, Status};

use super::{Invocation, Judge};
use crate::faults::{account::Nature, request::Request};

/// An attempt that stopped this close to its job, in milliseconds, stopped with it.
const SAME_END: i64 = 1000;

/// With less time left than this, a last look may be left out, the more so where calls that end jobs take long.
const NEARLY_OVER: Duration = Duration::from_secs(2);
const NEARLY_OVER_WHEN_SLOW: Duration = Duration::from_secs(20);

/// How often a job must be looked at before it is not found: at once, after 1 s and after 3 s.
const LOOKS_IN_VAIN: usize = 3;

/// What an outcome means for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Done,
    TooSoon,
    Rejected,
    Retryable,
}

/// The class of an outcome, by the contract.
pub(crate) fn class(outcome: &str) -> Class {
    match outcome {
        "cancelled" | "cancelling" | "terminated" | "terminating" | "running" | "finished"
        | "notFound" | "protected" | "queueNotAllowed" | "wouldCancel" | "wouldTerminate"
        | "overLimit" => Class::Done,
        "tooSoon" => Class::TooSoon,
        "invalidId" | "denied" => Class::Rejected,
        "throttled" | "failed" | "unconfirmed" | "notAttempted" => Class::Retryable,
        other => panic!("no outcome: {other}"),
    }
}

/// What is asked of a job.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(crate) struct Wanted {
    pub(crate) nature: Nature,
    /// It is to be terminated, whatever its status.
    pub(crate) terminates: bool,
    /// No request may terminate it.
    pub(crate) only_cancels: bool,
    /// It may be asked for in a dry run alone.
    pub(crate) may_be_dry: bool,
    /// It may be left alone since others are older.
    pub(crate) is_limited: bool,
    /// Its time may not have come.
    pub(crate) may_be_too_soon: bool,
}

/// What each look could have shown.
#[derive(Clone)]
pub(crate) struct Looks {
    by_job: Arc<Mutex<HashMap<String, Vec<Look>>>>,
}

/// What a look could have shown of a job.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Duration,
    status: Status,
    is_cancelled: bool,
    is_terminated: bool,
}

impl Look {
    fn is_marked(&self) -> bool {
        self.is_cancelled || self.is_terminated
    }
}

impl Looks {
    /// The looks at this account's jobs from now on.
    pub(crate) fn at(emulator: &Emulator) -> Self {
        let looks = Self {
            by_job: Arc::default(),
        };
        for operation in [Operation::DescribeJobs, Operation::DescribeServiceJob] {
            let by_job = Arc::clone(&looks.by_job);
            emulator.on(operation, move |emulator, ids| {
                let (at, mut by_job) = (emulator.now(), by_job.lock().unwrap());
                for id in ids {
                    if let Some(job) = emulator.job(id) {
                        by_job.entry(id.clone()).or_default().push(Look {
                            at,
                            status: job.status,
                            is_cancelled: job.is_cancelled,
                            is_terminated: job.is_terminated,
                        });
                    }
                }
            });
        }
        looks
    }

    fn of(&self, id: &str, since: Duration) -> Vec<Look> {
        let by_job = self.by_job.lock().unwrap();
        let looks = by_job.get(id).into_iter().flatten();
        looks.filter(|look| look.at >= since).copied().collect()
    }
}

/// What is known of an invocation and its calls.
pub(crate) struct Evidence<'a> {
    judge: &'a Judge,
    invocation: &'a Invocation,
    /// Its calls by job, those that only look too.
    calls: HashMap<&'a str, Vec<&'a Call>>,
    /// Its calls for the front of a queue.
    fronts: Vec<&'a Call>,
}

impl<'a> Evidence<'a> {
    pub(crate) fn new(judge: &'a Judge, invocation: &'a Invocation, calls: &'a [Call]) -> Self {
        let mut by_job: HashMap<&str, Vec<&Call>> = HashMap::new();
        let is_ours = |call: &&Call| match &call.reason {
            Some(reason) => reason.ends_with(&invocation.request_id),
            None => call.at >= invocation.began,
        };
        for call in calls.iter().filter(is_ours) {
            for id in &call.job_ids {
                by_job.entry(id).or_default().push(call);
            }
        }
        let of_fronts = |call: &&Call| call.operation == Operation::GetJobQueueSnapshot;
        Self {
            judge,
            invocation,
            calls: by_job,
            fronts: calls.iter().filter(of_fronts).collect(),
        }
    }

    /// The calls that name the job, or the array that it belongs to.
    fn calls(&self, id: &str) -> impl Iterator<Item = &'a Call> {
        let parent = id.split_once(':').map_or(id, |(parent, _)| parent);
        let of = |id: &str| self.calls.get(id).into_iter().flatten().copied();
        let of_parent = if parent == id { "" } else { parent };
        of(id).chain(of(of_parent)).collect::<Vec<_>>().into_iter()
    }

    /// The calls that end jobs and name this one.
    pub(crate) fn ends(&self, id: &str) -> impl Iterator<Item = &'a Call> {
        let calls = self.calls.get(id).into_iter().flatten().copied();
        calls.filter(|call| call.reason.is_some())
    }

    /// What the last look showed that was answered before the first call to end a job was sent.
    pub(crate) fn seen_before_the_end(&self, id: &str) -> Option<Status> {
        let ended = self.ends(id).map(|call| call.at).min()?;
        let calls = self.calls.get(id).into_iter().flatten();
        let looks = calls.filter(|call| call.reason.is_none() && call.succeeded());
        let before = looks.filter(|call| call.answered_at.is_some_and(|at| at <= ended));
        let last = before.filter_map(|call| call.performed_at).max()?;
        let mut shown = self.shown(id).into_iter();
        shown.find(|look| look.at == last).map(|look| look.status)
    }

    /// # Errors
    ///
    /// What contradicts the outcome.
    pub(crate) fn check(&self, outcome: &str, id: &str, asked: Wanted) -> Result<(), String> {
        let emulator = &self.judge.account.emulator;
        let job = emulator.job(id);
        let contradiction = match self.holds(outcome, id, asked, job.as_ref()) {
            Ok(true) => return Ok(()),
            Ok(false) => "it is not",
            Err(contradiction) => contradiction,
        };
        let attempts = emulator.attempts(id);
        let calls: Vec<String> = self.calls(id).map(|call| self.story(call, id)).collect();
        let (passed, shown) = (self.passed(), self.shown(id));
        Err(format!(
            "{contradiction}: {asked:?} {job:?} {attempts:?}\nshown {shown:?}\n{}\nreported at {passed:?}",
            calls.join("\n")
        ))
    }

    fn holds(
        &self,
        outcome: &str,
        id: &str,
        asked: Wanted,
        job: Option<&JobView>,
    ) -> Result<bool, &'static str> {
        Ok(match outcome {
            "invalidId" => asked.nature == Nature::Invalid,
            "notFound" => asked.nature == Nature::Unknown || self.is_hidden(id),
            "protected" => asked.nature == Nature::Protected,
            "queueNotAllowed" => asked.nature == Nature::InOtherQueue,
            "wouldCancel" | "wouldTerminate" => asked.may_be_dry && self.is_untouched(id),
            "overLimit" => asked.is_limited && self.is_untouched(id),
            "tooSoon" => asked.may_be_too_soon && self.is_untouched(id),
            "unconfirmed" => self.is_unconfirmed(id, asked)?,
            "notAttempted" => self.is_not_attempted(id)?,
            "failed" | "throttled" | "denied" => self.is_refused(outcome, id, job)?,
            "running" if asked.terminates => false,
            other => self.is_true_of(other, job.ok_or("there is no such job")?),
        })
    }

    /// A call in a line.
    fn story(&self, call: &Call, id: &str) -> String {
        let after = |time: Duration| time.saturating_sub(self.invocation.began);
        let of_parent = if call.job_ids.iter().any(|of| of == id) {
            ""
        } else {
            " of its array"
        };
        let (operation, jobs) = (call.operation, call.job_ids.len());
        let (answer, fault, refused) = (call.answer, call.fault, call.refused_jobs);
        let (at, done) = (after(call.at), call.performed_at.map(after));
        let answered = call.answered_at.map(after);
        format!(
            "at {at:?} {operation}{of_parent} with {jobs}, done {done:?}, {answer:?} at {answered:?}, {fault:?}, {refused} refused"
        )
    }

    /// Whether what Batch shows of a job bears out this outcome.
    fn is_true_of(&self, outcome: &str, job: &JobView) -> bool {
        let ran_to_end = self.ran_to_end(job);
        let is_failed = job.status == Status::Failed;
        let was = |holds: fn(&Look) -> bool| self.shown(&job.job_id).iter().any(holds);
        match outcome {
            "cancelled" => is_failed && job.is_cancelled && !ran_to_end,
            "terminated" => is_failed && job.is_terminated,
            "cancelling" => was(|look| look.is_cancelled && look.status.is_cancellable()),
            "terminating" => was(|look| look.is_terminated && !look.status.is_final()),
            "running" => was(|look| [Status::Starting, Status::Running].contains(&look.status)),
            "finished" => {
                let was_cancelled = job.is_cancelled && !ran_to_end;
                job.status == Status::Succeeded
                    || (is_failed && !job.is_terminated && !was_cancelled)
            }
            other => panic!("no outcome: {other}"),
        }
    }

    /// Whether an attempt ended with its job.
    fn ran_to_end(&self, job: &JobView) -> bool {
        let Some(job_stopped_at) = job.stopped_at else {
            return false;
        };
        let emulator = &self.judge.account.emulator;
        let attempts = emulator.attempts(&job.job_id);
        let stopped_at = attempts.iter().filter_map(|attempt| attempt.stopped_at);
        stopped_at
            .map(|at| i64::try_from(at.as_millis()).unwrap())
            .any(|at| (at - job_stopped_at).abs() <= SAME_END)
    }

    /// No call that would end it was sent.
    fn is_untouched(&self, id: &str) -> bool {
        self.ends(id).next().is_none()
    }

    /// When the job is first found by looks.
    fn visible_from(&self, id: &str) -> Duration {
        let known = self.judge.account.known(id);
        known.map_or(Duration::ZERO, |known| known.visible_from)
    }

    /// No look could find it yet, as often as it takes.
    fn is_hidden(&self, id: &str) -> bool {
        let in_vain = self.answered(id);
        in_vain.range(..self.visible_from(id)).count() >= LOOKS_IN_VAIN
    }

    /// When looks were performed that were answered. Of a service job that it does not know, Batch answers 400.
    fn answered(&self, id: &str) -> BTreeSet<Duration> {
        let is_unknown = |call: &Call| {
            call.operation == Operation::DescribeServiceJob && call.answer == Answer::Status(400)
        };
        let calls = self.calls.get(id).into_iter().flatten();
        calls
            .filter(|call| call.reason.is_none() && (call.succeeded() || is_unknown(call)))
            .filter_map(|call| call.performed_at.or(call.answered_at))
            .collect()
    }

    /// What looks that were answered showed of a job, this invocation's and those of another beside it.
    fn shown(&self, id: &str) -> Vec<Look> {
        let answered = self.answered(id);
        let looks = self.judge.looks.of(id, self.invocation.began);
        let is_shown =
            |look: &Look| look.at >= self.visible_from(id) && answered.contains(&look.at);
        looks.into_iter().filter(is_shown).collect()
    }

    /// How long the invocation has taken.
    fn passed(&self) -> Duration {
        let now = self.judge.account.emulator.now();
        now.saturating_sub(self.invocation.began)
    }

    /// All looks are this invocation's: those of another instance are not its to know.
    fn is_alone(&self) -> bool {
        self.invocation.is_alone
    }

    /// A call was sent, for it or its array, and no look showed an effect after it.
    fn is_unconfirmed(&self, id: &str, asked: Wanted) -> Result<bool, &'static str> {
        let array = id.split_once(':').map(|(array, _)| array);
        let of_array = array.into_iter().flat_map(|array| self.ends(array));
        let sent = self.ends(id).map(|call| call.at).max();
        let sent = sent.or_else(|| of_array.map(|call| call.at).max());
        let Some(last_end) = sent else {
            return Err("no call was sent for it or its array");
        };
        let shows_effect = |look: &Look| {
            let is_past = look.status.is_final() || look.is_terminated;
            let is_out_of_reach = look.is_cancelled || !look.status.is_cancellable();
            look.at > last_end && (is_past || (asked.only_cancels && is_out_of_reach))
        };
        if self.is_alone() && self.shown(id).iter().any(shows_effect) {
            return Err("a look showed the effect");
        }
        Ok(true)
    }

    /// No call was sent, and no look showed that there is nothing to do. What is shown of a child says nothing of its
    /// array, which may be protected.
    fn is_not_attempted(&self, id: &str) -> Result<bool, &'static str> {
        if self.ends(id).next().is_some() {
            return Err("a call was sent for it");
        }
        let has_ended = |look: &Look| look.status.is_final();
        // What one request saw of a job that it does not mean, another does not know.
        let requests = &self.invocation.requests;
        let is_alone = requests.len() == 1 || !requests.iter().any(Request::looks_first);
        if is_alone && self.is_alone() && !id.contains(':') && self.shown(id).iter().any(has_ended)
        {
            return Err("a look showed that it has ended");
        }
        Ok(true)
    }

    /// Batch answered with a refusal, and every call that would end the job; and the job is not cancelled by this
    /// invocation.
    fn is_refused(
        &self,
        outcome: &str,
        id: &str,
        job: Option<&JobView>,
    ) -> Result<bool, &'static str> {
        if job.is_some_and(|job| self.is_ended_by_us(job)) {
            return Err("it was ended by this invocation");
        }
        let is_unanswered = |call: &Call| !matches!(call.answer, Answer::Status(_));
        if self.ends(id).any(is_unanswered) {
            return Err("a call was not answered");
        }
        let faults = self.judge.account.emulator.faults();
        let mut calls = self.calls(id).chain(self.fronts.iter().copied());
        Ok(match outcome {
            "throttled" => calls.any(|call| call.throttled() || call.refused_jobs > 0),
            "denied" => {
                let by_error = faults.item_errors.get(id) == Some(&ItemError::AccessDenied);
                let by_queue = faults
                    .queue_errors
                    .values()
                    .any(|e| *e == ItemError::AccessDenied);
                let by_job = by_error || faults.denied_jobs.contains(id);
                by_job || by_queue || !faults.denied.is_empty()
            }
            _ => calls.any(is_refusal),
        })
    }

    /// It was not marked when this invocation came, and is now, by a call of its own.
    fn is_ended_by_us(&self, job: &JobView) -> bool {
        if !job.is_cancelled && !job.is_terminated {
            return false;
        }
        let reason = job.status_reason.as_deref().unwrap_or_default();
        let has_our_reason = reason.ends_with(&self.invocation.request_id);
        let looks = self.judge.looks.of(&job.job_id, self.invocation.began);
        let was_marked = looks.first().is_none_or(Look::is_marked);
        let by_us = has_our_reason || (self.invocation.is_first && !was_marked);
        by_us && !self.is_unknown_child(&job.job_id)
    }

    /// A child that its array ended, and that could not be looked at again: no call of its own was sent, the looks failed,
    /// or time was over.
    fn is_unknown_child(&self, id: &str) -> bool {
        let Some((parent, _)) = id.split_once(':') else {
            return false;
        };
        if self.is_alone() && self.shown(id).iter().any(Look::is_marked) {
            return false;
        }
        let array_ended = self.ends(parent).map(|call| call.at).min();
        let calls = self.calls.get(id).into_iter().flatten();
        let mut looks = calls.filter(|call| call.reason.is_none());
        let a_look_failed =
            looks.any(|call| array_ended.is_some_and(|at| call.at >= at) && !call.succeeded());
        let faults = &self.invocation.spell.faults;
        let last_part = if faults.slow.is_empty() && faults.slow_rate == 0.0 {
            NEARLY_OVER
        } else {
            NEARLY_OVER_WHEN_SLOW
        };
        let is_late = self.passed() + last_part > self.invocation.time;
        a_look_failed || is_late || self.ends(id).next().is_none()
    }
}

/// A refusal of a job itself: a look that is refused for several may be another's fault.
fn is_refusal(call: &Call) -> bool {
    match call.answer {
        Answer::Status(200) => call.refused_jobs > 0,
        Answer::Status(400..=499) => call.reason.is_some() || call.job_ids.len() <= 1,
        Answer::Status(_) => true,
        _ => false,
    }
}
