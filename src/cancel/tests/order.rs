//! Which call comes first, what shares a call, and what waits for what.

use super::*;
use crate::{batch::EndOperation, jobs::Texts, report::Class};
use Reply::{Accepts, EndFails, Shows};

/// The calls that can be sent now, until there is none.
fn poll_all(driver: &mut Driver) -> Vec<Call> {
    std::iter::from_fn(|| driver.poll()).collect()
}

/// How many jobs each call ends. None of the calls is a look.
fn sizes(calls: &[Call]) -> Vec<usize> {
    let size = |call: &Call| match call {
        Call::End(call) => call.jobs.len(),
        look @ Call::Look(_) => panic!("{look:?}"),
    };
    calls.iter().map(size).collect()
}

#[test]
fn a_thousand_jobs_take_ten_looks_twenty_calls_and_ten_looks() {
    let mut driver = Driver::new(1000);
    let (mut looks, mut ends) = (0, 0);
    while let Some(call) = driver.next() {
        if let Call::Look(ids) = call {
            looks += 1;
            assert_eq!(ids.len(), 100);
            let is_first = ids.iter().all(|&id| {
                let index = driver.engine.jobs.index_of(id).unwrap();
                *driver.engine.jobs[index].stage() == Stage::ToLookAt
            });
            let shown = if is_first { RUNNABLE } else { CANCELLED };
            driver.answer(Call::Look(ids), Shows(shown));
        } else {
            ends += 1;
            driver.answer(call, Accepts);
        }
    }
    assert_eq!((looks, ends), (20, 20));
    assert!(driver.is_finished());
    assert_eq!(driver.outcomes(), [Outcome::Cancelled; 1000]);
}

#[test]
fn full_bulk_call_goes_before_a_look_and_a_look_before_a_bulk_call_that_is_not_full() {
    let mut driver = Driver::new(180);
    driver.run(&[Shows(RUNNABLE)]);
    let calls: Vec<Call> = (0..2).filter_map(|_| driver.poll()).collect();
    assert_eq!(sizes(&calls), [50, 50]);
    let calls = poll_all(&mut driver);
    assert!(calls.is_empty(), "80 wait for 20 more: {calls:?}");

    let mut driver = Driver::new(110);
    driver.run(&[Shows(RUNNABLE), Accepts, Accepts]);
    let Some(Call::Look(ids)) = driver.poll() else {
        panic!("a look comes next");
    };
    assert_eq!(ids.len(), 100, "those to look at again come first");
    driver.answer(Call::Look(ids), Shows(CANCELLED));
    driver.run(&[Shows(RUNNABLE)]);
    assert_eq!(sizes(&poll_all(&mut driver)), [10]);
}

#[test]
fn dry_run_makes_no_call_that_ends_jobs() {
    let dry_run = Intent {
        dry_run: true,
        ..CANCEL
    };
    for (shown, outcome) in [
        (RUNNABLE, Outcome::WouldCancel),
        (RUNNING, Outcome::Running),
        (CANCELLING, Outcome::Cancelling),
    ] {
        let mut driver = Driver::with((0..60).map(id), dry_run, 30 * SECOND);
        driver.run(&[Shows(shown)]);
        driver.expect_next(Next::Nothing, "dry run");
        assert!(driver.is_finished());
        assert_eq!(driver.outcomes(), [outcome; 60]);
    }
}

#[test]
fn job_that_was_looked_at_within_5_s_is_ended_without_another_look() {
    for (age, is_fresh) in [(4, true), (5, false)] {
        let mut jobs = Jobs::default();
        let request = jobs.add_request(RequestOptions {
            reason: Arc::from("no longer needed"),
            wait: Duration::ZERO,
        });
        let now = Instant::now() + 10 * SECOND;
        let observation = Texts::default().observe(&detail(id(0), RUNNABLE), now - age * SECOND);
        let decision = Decision::End(observation, None);
        jobs.add(AskedId::known(id(0)), CANCEL, request, decision);
        let deadline = Deadline::after(Duration::from_mins(1));
        let mut engine = Engine::new(jobs, &POLICY, &Owner::Anyone, deadline, now);
        let call = engine.poll_call(now, CONDITIONS);
        assert_eq!(matches!(call, Some(Call::End(_))), is_fresh, "{age} s");
        assert_eq!(matches!(call, Some(Call::Look(_))), !is_fresh, "{age} s");
    }
}

#[test]
fn jobs_of_different_reasons_share_looks_and_no_calls() {
    let mut jobs = Jobs::default();
    for (reason, numbers) in [("one", 0..3), ("another", 3..5)] {
        let request = jobs.add_request(RequestOptions {
            reason: Arc::from(reason),
            wait: Duration::ZERO,
        });
        for number in numbers {
            jobs.add(AskedId::known(id(number)), CANCEL, request, Decision::Look);
        }
    }
    let mut driver = Driver::new(0);
    let deadline = Deadline::after(Duration::from_mins(1));
    driver.engine = Engine::new(jobs, &POLICY, &Owner::Anyone, deadline, driver.now);
    driver.run(&[Shows(RUNNABLE)]);
    let calls = poll_all(&mut driver);
    let calls = calls.iter().map(|call| match call {
        Call::End(call) => (&*call.reason, call.jobs.len()),
        look @ Call::Look(_) => panic!("{look:?}"),
    });
    assert_eq!(calls.collect::<Vec<_>>(), [("another", 2), ("one", 3)]);
}

#[test]
fn one_bulk_call_is_in_flight_until_one_was_answered() {
    for (bulk, expected) in [
        (BulkCalls::Present, vec![50, 50, 50]),
        (BulkCalls::Absent, vec![1; 150]),
    ] {
        let mut driver = Driver::new(200);
        driver.conditions.bulk = BulkCalls::Untried;
        driver.run(&[Shows(RUNNABLE)]);
        let first = driver.poll().unwrap();
        let look = driver.poll().unwrap();
        driver.answer(look, Shows(RUNNABLE));
        let calls = poll_all(&mut driver);
        assert!(calls.is_empty(), "one is in flight: {calls:?}");
        driver.conditions.bulk = bulk;
        driver.answer(first, Accepts);
        assert_eq!(sizes(&poll_all(&mut driver)), expected, "{bulk:?}");
    }
}

#[test]
fn bulk_call_that_is_refused_as_a_whole_harms_no_other() {
    let mut driver = Driver::new(100);
    driver.run(&[Shows(RUNNABLE)]);
    let calls = poll_all(&mut driver);
    assert_eq!(sizes(&calls), [50, 50]);
    let [first, second] = calls.try_into().unwrap();
    driver.answer(first, EndFails(ErrorKind::Refused));
    let singles = poll_all(&mut driver);
    assert_eq!(sizes(&singles), [1; 50]);
    driver.answer(second, Accepts);
    assert_eq!(driver.stage(99), Stage::ToVerify(CallResult::Accepted));
    for (number, single) in singles.into_iter().enumerate() {
        let reply = if number == 7 {
            EndFails(ErrorKind::Refused)
        } else {
            Accepts
        };
        driver.answer(single, reply);
    }
    assert_eq!(driver.stage(7), Stage::ToVerify(CallResult::Refused));
    assert_eq!(driver.stage(8), Stage::ToVerify(CallResult::Accepted));
}

/// The single calls after a bulk call for 50 of 200 jobs that was denied.
fn trial() -> (Driver, Vec<Call>) {
    let mut driver = Driver::new(200);
    driver.conditions.bulk = BulkCalls::Untried;
    driver.run(&[Shows(RUNNABLE)]);
    let bulk = driver.poll().unwrap();
    let look = driver.poll().unwrap();
    driver.answer(look, Shows(RUNNABLE));
    driver.answer(bulk, EndFails(ErrorKind::Denied));
    let singles = poll_all(&mut driver);
    assert_eq!(sizes(&singles), [1; 50], "the others wait for these");
    (driver, singles)
}

#[test]
fn denied_bulk_call_is_tried_job_by_job_before_the_next_one() {
    for (denied, next) in [(50, vec![50]), (1, vec![50]), (0, vec![1; 150])] {
        let (mut driver, mut singles) = trial();
        let last = singles.pop().unwrap();
        for (number, single) in singles.into_iter().enumerate() {
            let is_denied = number + 1 < denied;
            let reply = if is_denied {
                EndFails(ErrorKind::Denied)
            } else {
                Accepts
            };
            driver.answer(single, reply);
        }
        let held = driver.engine.end_queue.next(driver.conditions.bulk, true);
        assert_eq!(held, None, "{denied} denied: one answer is missing");
        let reply = if denied > 0 {
            EndFails(ErrorKind::Denied)
        } else {
            Accepts
        };
        driver.answer(last, reply);
        let mut calls = poll_all(&mut driver);
        calls.retain(|call| matches!(call, Call::End(_)));
        assert_eq!(sizes(&calls), next, "{denied} denied");
    }
}

#[test]
fn job_of_a_trial_that_is_throttled_stays_in_it_and_is_sent_alone() {
    let (mut driver, mut singles) = trial();
    let throttled = singles.pop().unwrap();
    for single in singles {
        driver.answer(single, EndFails(ErrorKind::Denied));
    }
    driver.answer(throttled, EndFails(ErrorKind::Throttled));
    assert_eq!(poll_all(&mut driver), [], "the trial has not ended");
    let again = driver.next().unwrap();
    assert_eq!(sizes(std::slice::from_ref(&again)), [1]);
    driver.answer(again, EndFails(ErrorKind::Denied));
    assert_eq!(sizes(&poll_all(&mut driver)), [50], "it has ended");
}

#[test]
fn trial_with_a_call_that_was_not_answered_ends() {
    let (mut driver, singles) = trial();
    for single in singles {
        driver.answer(single, EndFails(ErrorKind::NoAnswer));
    }
    let mut calls = poll_all(&mut driver);
    calls.retain(|call| matches!(call, Call::End(_)));
    assert_eq!(sizes(&calls), [50], "the others go on");
}

#[test]
fn a_thousand_denied_jobs_take_seventy_calls() {
    let mut driver = Driver::new(1000);
    let (mut looks, mut calls) = (0, 0);
    while let Some(call) = driver.next() {
        if matches!(call, Call::Look(_)) {
            looks += 1;
            driver.answer(call, Shows(RUNNABLE));
        } else {
            calls += 1;
            driver.answer(call, EndFails(ErrorKind::Denied));
        }
    }
    assert_eq!((looks, calls), (10, 70));
    assert_eq!(driver.outcomes(), [Outcome::Denied; 1000]);
}

/// Two children of an array, whose first look asks for the array too.
fn children() -> (Driver, [JobId; 2], JobId) {
    let parent = id(0);
    let child = |number| JobId::from_batch(&format!("{parent}:{number}")).unwrap();
    let children = [child(0), child(1)];
    let mut driver = Driver::with(children, CANCEL, Duration::ZERO);
    let look = driver.poll();
    let [first, second] = children;
    assert_eq!(look, Some(Call::Look(vec![parent, first, second])));
    let details = children.map(|child| detail(child, RUNNABLE));
    let details = details.into_iter().collect();
    let ids = vec![parent, first, second];
    driver
        .engine
        .handle_answer(Answer::Looked(ids, Ok(details)), driver.now);
    (driver, children, parent)
}

/// The stages of all jobs.
fn stages(driver: &Driver) -> Vec<Stage> {
    let jobs = &driver.engine.jobs;
    let stages = jobs.indices().map(|index| jobs[index].stage().clone());
    stages.collect()
}

#[test]
fn children_wait_for_their_parent() {
    let (mut driver, children, parent) = children();
    assert_eq!(stages(&driver), [const { Stage::ToLookAt }; 2]);
    assert!(!driver.is_finished());
    let look = driver.expect_next(Next::LookAfter(SECOND), "the parent is awaited");
    assert_eq!(look, Some(Call::Look(vec![parent])));
    driver.answer(look.unwrap(), Shows(RUNNABLE));
    let Some(Call::End(call)) = driver.poll() else {
        panic!("the children are to be ended");
    };
    let ids: Vec<JobId> = call.jobs.iter().map(|&(_, id)| id).collect();
    assert_eq!(ids, children, "and not their parent");
    assert_eq!(call.operation, EndOperation::Cancel);
}

#[test]
fn children_of_a_protected_parent_are_protected() {
    let (mut driver, _, parent) = children();
    let look = driver.next();
    assert_eq!(look, Some(Call::Look(vec![parent])));
    let mut protected = detail(parent, RUNNABLE);
    protected.tags = [("batch-cancel:protect".to_owned(), String::new())].into();
    let shown = [protected].into_iter().collect();
    let answer = Answer::Looked(vec![parent], Ok(shown));
    driver.engine.handle_answer(answer, driver.now);
    driver.expect_next(Next::Nothing, "protected");
    assert_eq!(driver.outcomes(), [Outcome::Protected; 2]);
}

#[test]
fn children_whose_parent_cannot_be_looked_at_are_not_ended() {
    for reply in [
        Reply::ShowsNone,
        Reply::LookFails(ErrorKind::Refused),
        Reply::LookFails(ErrorKind::Server),
    ] {
        let (mut driver, ..) = children();
        while let Some(call) = driver.next() {
            driver.answer(call, reply);
        }
        assert!(driver.is_finished(), "{reply:?}");
        for stage in stages(&driver) {
            let Stage::Settled { outcome, message } = stage else {
                panic!("{reply:?}: {stage:?}");
            };
            assert_eq!(outcome.class(), Class::Retryable, "{reply:?}");
            let message = message.unwrap();
            assert!(message.contains("array parent"), "{message}");
        }
    }
}

#[test]
fn looks_again_do_not_break_up_the_hundreds_of_first_looks() {
    let mut driver = Driver::new(300);
    driver.run(&[Shows(RUNNABLE), Accepts]);
    let second = driver.poll().unwrap();
    assert!(matches!(second, Call::End(_)), "{second:?}");
    let Some(Call::Look(ids)) = driver.poll() else {
        panic!("no look");
    };
    assert_eq!(ids, (100..200).map(id).collect::<Vec<_>>());
}
