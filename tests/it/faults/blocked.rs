//! The doors that take a job that blocks its queue: `head`, Batch Job Queue Blocked events, and alarms.

use std::time::Duration;

use batch_emulator::{Faults, JobSpec, PositionTime, Status};
use jiff::Timestamp;
use serde_json::{Value, json};
use support::{NO_CAPACITY, OWN_FAULT, events::queue_blocked, samples::sample};

use super::{
    account::{Nature, OTHER_QUEUE, RequestedJob},
    door::Door,
    judge::Reply,
    request::{Request, Target},
    selections::{several, trouble},
    spell::{chance, time},
    warm::Warm,
};

/// How many jobs wait in a queue at least.
const WAITING: usize = 3;

/// The times that pass between events, and the ages of what they tell, in minutes.
const MINUTES: [u64; 6] = [0, 3, 11, 11, 15, 45];

/// An event about the jobs that wait.
pub(crate) async fn event(warm: &mut Warm, door: Door) {
    prepare(warm);
    let (event, reply, request) = match door {
        Door::Head => head(warm),
        Door::Alarm => {
            let (event, request) = alarm(warm);
            (event, Reply::Async, request)
        }
        _ => {
            let (event, request) = blocked_event(warm);
            (event, Reply::Async, request)
        }
    };
    let invocation = warm.judge.begin((event, reply, vec![request]), &warm.spell);
    warm.invoke(&invocation).await;
}

/// Jobs come and change their reasons, time passes, and trouble begins.
pub(crate) fn prepare(warm: &mut Warm) {
    for queue in warm.queues.clone() {
        let waiting = warm.waiting(&queue);
        for _ in waiting.len()..WAITING {
            warm.add_waiting(&queue);
        }
        for id in waiting {
            if chance(&mut warm.random, 0.1) {
                let reason = reason(warm);
                warm.judge.account.emulator.set_status_reason(&id, reason);
            }
        }
    }
    warm.judge.sightings.as_ref().unwrap().see(None);
    // Several heads in one call block their queues for long enough.
    let minutes = if warm.spell.is_of_bulk() {
        45
    } else {
        *warm.random.choice(&MINUTES).unwrap()
    };
    let emulator = warm.judge.account.emulator.clone();
    emulator.advance(Duration::from_mins(minutes));
    // Some jobs may not show yet when they are asked for.
    emulator.set_faults(Faults {
        visibility_delay: warm.spell.faults.visibility_delay,
        ..Faults::default()
    });
    for queue in warm.queues.clone() {
        if chance(&mut warm.random, 0.3) {
            warm.add_waiting(&queue);
        }
    }
    warm.judge.sightings.as_ref().unwrap().see(None);
    let queues = warm.queues.iter();
    let waiting = queues
        .flat_map(|queue| warm.waiting(queue))
        .map(|id| RequestedJob::new(id, Nature::Plain));
    let waiting: Vec<RequestedJob> = waiting.collect();
    trouble(warm, &waiting);
}

fn reason(warm: &mut Warm) -> Option<&'static str> {
    let reasons = [
        Some(OWN_FAULT),
        Some(OWN_FAULT),
        Some(OWN_FAULT),
        Some(OWN_FAULT),
        Some(NO_CAPACITY),
        None,
    ];
    *warm.random.choice(&reasons).unwrap()
}

fn head(warm: &mut Warm) -> (Value, Reply, Request) {
    let mut select = json!({"head": true});
    let is_of_bulk = warm.spell.is_of_bulk();
    let queues = if is_of_bulk || chance(&mut warm.random, 0.3) {
        several(warm, &mut select)
    } else {
        let queue = warm.random.choice(&warm.queues).unwrap().clone();
        select["jobQueue"] = json!(queue);
        vec![queue]
    };
    let fails = warm.spell.fail_on_incomplete;
    let terminate = chance(&mut warm.random, 0.3);
    let terminate = warm.spell.dry_run_terminates().unwrap_or(terminate);
    let dry_run = warm.spell.dry_run;
    let mut body = json!({
        "select": select, "terminate": terminate, "dryRun": dry_run, "failOnIncomplete": fails,
        "waitSeconds": warm.spell.wait_seconds,
    });
    let max_jobs = (!is_of_bulk && chance(&mut warm.random, 0.3)).then_some(1);
    if let Some(most) = max_jobs {
        body["maxJobs"] = json!(most);
    }
    let request = Request {
        terminate,
        dry_run,
        max_jobs,
        ..Request::new(Target::Heads(queues))
    };
    (body, Reply::Report { fails }, request)
}

/// An alarm on a queue, of some age and in some form.
pub(crate) fn alarm(warm: &mut Warm) -> (Value, Request) {
    let queue = warm.random.choice(&warm.queues).unwrap().clone();
    let form = *warm
        .random
        .choice(&["alarm-eventbridge", "alarm-action", "sns-alarm"])
        .unwrap();
    let at = Timestamp::UNIX_EPOCH + ago(warm);
    let text = sample(form).text().replace("demo-queue", &queue);
    let text = text.replace(
        "2026-11-22T02:00:00",
        &at.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
    );
    let request = Request {
        dry_run: warm.judge.process.dry_run,
        ..Request::new(Target::Heads(vec![queue]))
    };
    (serde_json::from_str(&text).unwrap(), request)
}

/// Batch's event about a job that waits, or waited once, of some age.
pub(crate) fn blocked_event(warm: &mut Warm) -> (Value, Request) {
    let queue = warm.random.choice(&warm.queues).unwrap().clone();
    let heads = warm.judge.sightings.as_ref().unwrap().all();
    let first = heads
        .last()
        .and_then(|seen| seen.heads.get(&queue))
        .map(|head| head.id.clone());
    let all = warm
        .judge
        .account
        .ids_where(|_, known| known.queue == queue || known.queue == OTHER_QUEUE);
    let job = match first {
        Some(id) if chance(&mut warm.random, 0.7) => id,
        _ if chance(&mut warm.random, 0.1) => "0a0a0a0a-0000-4000-8000-000000000000".to_owned(),
        _ => warm.random.choice(&all).unwrap().clone(),
    };
    let known = warm.judge.account.known(&job);
    let nature = known.map_or(Nature::Unknown, |known| known.nature);
    let told_at = ago(warm);
    let mut event = queue_blocked(&job, &queue);
    event["time"] = json!((Timestamp::UNIX_EPOCH + told_at).to_string());
    let job = RequestedJob::new(job, nature);
    let request = Request {
        dry_run: warm.judge.process.dry_run,
        ..Request::new(Target::Blocked { job, told_at })
    };
    (event, request)
}

/// A time not long ago.
fn ago(warm: &mut Warm) -> Duration {
    let minutes = *warm.random.choice(&MINUTES).unwrap();
    let age = Duration::from_mins(minutes) + time(&mut warm.random, 20.0);
    warm.judge.account.emulator.now().saturating_sub(age)
}

impl Warm {
    /// The jobs that wait in a queue.
    fn waiting(&self, queue: &str) -> Vec<String> {
        let emulator = &self.judge.account.emulator;
        let of = self
            .judge
            .account
            .ids_where(|_, known| known.queue == queue);
        let waits = |id: &String| emulator.job(id).unwrap().status == Status::Runnable;
        of.into_iter().filter(waits).collect()
    }

    /// A job that waits, perhaps for a reason of its own.
    fn add_waiting(&mut self, queue: &str) -> RequestedJob {
        let (position_time, has_position) = match self.random.u8(..12) {
            0 => (PositionTime::Missing, false),
            1 => (PositionTime::At(0), false),
            _ => (PositionTime::Actual, true),
        };
        let (mut queue, mut nature) = (queue, Nature::Plain);
        let mut spec = JobSpec {
            status_reason: reason(self).map(str::to_owned),
            position_time,
            created_at: Some(self.judge.account.created(&mut self.random, 60.0)),
            ..JobSpec::new(Status::Runnable)
        };
        match self.random.u8(..20) {
            0 => (spec, nature) = (spec.tag("batch-cancel:protect", ""), Nature::Protected),
            1 => (queue, nature) = (OTHER_QUEUE, Nature::InOtherQueue),
            _ => {}
        }
        let group = self.group();
        let id = self
            .judge
            .account
            .put(spec.queue(queue), nature, group, has_position);
        self.judge.sightings.as_ref().unwrap().disturb(queue);
        RequestedJob::new(id, nature)
    }
}

/// An alarm or an event as an SQS message has it.
pub(crate) fn message(warm: &mut Warm) -> (Value, Request) {
    match warm.random.u8(..3) {
        0 => alarm(warm),
        1 => blocked_event(warm),
        _ => {
            let queue = warm.random.choice(&warm.queues).unwrap().clone();
            let body = json!({"select": {"jobQueue": queue, "head": true}});
            (body, Request::new(Target::Heads(vec![queue])))
        }
    }
}
