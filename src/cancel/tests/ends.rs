//! What the answer of a call that ends jobs means: the next stage and the next call.

use super::*;
use ErrorKind::{
    Credentials, Denied, NoAnswer, NoSuchOperation, OutOfTime, Refused, Server, Throttled,
};
use Next::{EndNow, EndWithin, LookNow, Nothing};
use Reply::{Accepts, EndFails, LeavesOut, Refuses, Shows};

const TO_LOOK: Stage = Stage::ToVerify(CallResult::Refused);
const UNANSWERED: Stage = Stage::ToVerify(CallResult::Unanswered);

/// The answer to the first call for this many jobs, which were looked at.
fn check(jobs: usize, reply: Reply, expected: &Stage, next: Next) {
    let context = format!("{jobs} jobs, {reply:?}");
    let mut driver = Driver::new(jobs);
    driver.run(&[Shows(RUNNABLE)]);
    assert_eq!(driver.stage(0), Stage::Queued, "{context}");
    let call = driver.expect_next(EndNow, &context).unwrap();
    assert_eq!(driver.stage(0), Stage::Sent, "{context}");
    driver.answer(call, reply);
    for number in 0..jobs {
        assert_eq!(driver.stage(number), *expected, "{context}: job {number}");
    }
    driver.expect_next(next, &context);
}

#[test]
fn accepted_job_is_looked_at() {
    for jobs in [1, 2] {
        check(
            jobs,
            Accepts,
            &Stage::ToVerify(CallResult::Accepted),
            LookNow,
        );
    }
}

#[test]
fn job_that_is_refused_is_looked_at_sent_again_or_settled_by_the_kind_of_error() {
    let denied = settled(Outcome::Denied);
    for jobs in [1, 2] {
        for (kind, stage, next) in [
            (Throttled, &Stage::Queued, EndWithin(FIRST_BACKOFF)),
            (Credentials, &Stage::Queued, EndWithin(FIRST_BACKOFF)),
            (Server, &Stage::Queued, EndWithin(FIRST_BACKOFF)),
            (Denied, &denied, Nothing),
            (NoSuchOperation, &TO_LOOK, LookNow),
            (Refused, &TO_LOOK, LookNow),
            (NoAnswer, &UNANSWERED, LookNow),
            (OutOfTime, &UNANSWERED, LookNow),
        ] {
            check(jobs, Refuses(kind), stage, next);
        }
        check(jobs, LeavesOut, &UNANSWERED, LookNow);
    }
}

#[test]
fn bulk_call_that_fails_is_split_sent_again_or_followed_by_a_look_by_the_kind_of_error() {
    for (kind, stage, next) in [
        (Throttled, Stage::Queued, EndWithin(FIRST_BACKOFF)),
        (Credentials, Stage::Queued, EndWithin(FIRST_BACKOFF)),
        (Server, Stage::Queued, EndWithin(FIRST_BACKOFF)),
        (Denied, Stage::Queued, EndNow),
        (NoSuchOperation, Stage::Queued, EndNow),
        (Refused, Stage::Queued, EndNow),
        (NoAnswer, UNANSWERED, LookNow),
        (OutOfTime, UNANSWERED, LookNow),
    ] {
        check(2, EndFails(kind), &stage, next);
    }
}

#[test]
fn call_that_was_not_answered_is_looked_at_before_it_is_sent_again() {
    let mut driver = Driver::new(2);
    for round in 1..10 {
        driver.run(&[Shows(RUNNABLE), EndFails(NoAnswer)]);
        assert_eq!(driver.stage(0), UNANSWERED, "round {round}");
    }
    driver.run(&[Shows(RUNNABLE), EndFails(NoAnswer), Shows(RUNNABLE)]);
    assert_eq!(driver.stage(0), settled(Outcome::Unconfirmed));
    assert_eq!(
        driver.message(0),
        "Batch did not answer the call, and shows the job unchanged: the error is NoAnswer"
    );
    driver.expect_next(Nothing, "ten times");
}

#[test]
fn call_that_is_refused_for_now_is_sent_again_until_its_error_decides() {
    for (kind, tries, stage) in [
        (Throttled, 20, settled(Outcome::Throttled)),
        (Credentials, 10, TO_LOOK),
        (Server, 10, TO_LOOK),
    ] {
        for reply in [Refuses(kind), EndFails(kind)] {
            let mut driver = Driver::new(2);
            driver.run(&[Shows(RUNNABLE)]);
            driver.run(&vec![reply; tries - 1]);
            assert_eq!(driver.stage(0), Stage::Queued, "{reply:?}");
            driver.run(&[reply]);
            assert_eq!(driver.stage(0), stage, "{reply:?}");
        }
    }
}

/// A job that may have been ended by a call without an answer is never reported by the refusal of a later call.
#[test]
fn what_may_have_been_done_is_unconfirmed_whatever_a_later_call_says() {
    for (kind, tries) in [
        (Throttled, 19),
        (Denied, 1),
        (NoSuchOperation, 1),
        (Refused, 1),
        (Credentials, 9),
        (Server, 9),
    ] {
        let mut driver = Driver::new(1);
        driver.run(&[Shows(RUNNABLE), EndFails(NoAnswer), Shows(RUNNABLE)]);
        driver.run(&vec![EndFails(kind); tries]);
        assert_eq!(driver.stage(0), TO_LOOK, "{kind:?}");
        driver.run(&[Shows(RUNNABLE)]);
        assert_eq!(driver.stage(0), settled(Outcome::Unconfirmed), "{kind:?}");
        let expected = format!("shows the job unchanged: the error is {kind:?}");
        assert!(driver.message(0).ends_with(&expected), "{kind:?}");
    }
}

#[test]
fn each_job_of_a_mixed_answer_goes_its_own_way() {
    let mut driver = Driver::new(5);
    driver.run(&[Shows(RUNNABLE)]);
    let Some(Call::End(call)) = driver.next() else {
        panic!("five jobs are to be ended");
    };
    let answer = EndAnswer {
        accepted: vec![id(0)],
        refused: vec![
            (id(1), error(Refused)),
            (id(2), error(Denied)),
            (id(3), error(Throttled)),
        ],
    };
    let answer = Answer::Acknowledged(call, Ok(answer));
    driver.engine.handle_answer(answer, driver.now);
    let stages: Vec<Stage> = (0..5).map(|number| driver.stage(number)).collect();
    assert_eq!(
        stages,
        [
            Stage::ToVerify(CallResult::Accepted),
            TO_LOOK,
            settled(Outcome::Denied),
            Stage::Queued,
            UNANSWERED,
        ]
    );
    let look = driver.expect_next(LookNow, "mixed");
    assert_eq!(look, Some(Call::Look(vec![id(0), id(1), id(4)])));
}
