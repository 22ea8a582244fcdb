//! What the answer of a look means in each stage: the next stage and the next call.

use super::*;
use ErrorKind::{
    Credentials, Denied, NoAnswer, NoSuchOperation, OutOfTime, Refused, Server, Throttled,
};
use Next::{LookAfter, LookNow, LookWithin, Nothing};
use Reply::{Accepts, EndFails, LeavesOut, LookFails, Refuses, Shows, ShowsNone};

const WAIT: Duration = Duration::from_secs(30);

const TO_LOOK_AT: (&[Reply], Stage) = (&[], Stage::ToLookAt);
const ACCEPTED: (&[Reply], Stage) = (
    &[Shows(RUNNABLE), Accepts],
    Stage::ToVerify(CallResult::Accepted),
);
const UNANSWERED: (&[Reply], Stage) = (
    &[Shows(RUNNABLE), EndFails(NoAnswer)],
    Stage::ToVerify(CallResult::Unanswered),
);
const LEFT_OUT: (&[Reply], Stage) = (
    &[Shows(RUNNABLE), LeavesOut],
    Stage::ToVerify(CallResult::Unanswered),
);
const REFUSED: (&[Reply], Stage) = (
    &[Shows(RUNNABLE), Refuses(Refused)],
    Stage::ToVerify(CallResult::Refused),
);
const UNDER_WAY: (&[Reply], Stage) = (
    &[Shows(RUNNABLE), Accepts, Shows(CANCELLING)],
    Stage::Settled {
        outcome: Outcome::Cancelling,
        message: None,
    },
);

/// Two jobs in a stage, and a look at both.
fn check(
    (before, stage): (&[Reply], Stage),
    replies: &[Reply],
    expected: &Stage,
    next: Next,
) -> Driver {
    check_jobs(2, (before, stage), replies, expected, next)
}

fn check_jobs(
    jobs: usize,
    (before, stage): (&[Reply], Stage),
    replies: &[Reply],
    expected: &Stage,
    next: Next,
) -> Driver {
    let context = format!("{jobs} jobs, {stage:?}, {replies:?}");
    let mut driver = Driver::with((0..jobs).map(id), CANCEL, WAIT);
    driver.run(before);
    assert_eq!(driver.stage(0), stage, "{context}: before");
    driver.run(replies);
    for number in 0..jobs {
        assert_eq!(driver.stage(number), *expected, "{context}: job {number}");
    }
    driver.expect_next(next, &context);
    driver
}

#[test]
fn look_that_shows_a_job_leads_from_each_stage_to_the_next() {
    let finished = || settled(Outcome::Finished);
    let cancelled = || settled(Outcome::Cancelled);
    let cancelling = || settled(Outcome::Cancelling);
    let running = || settled(Outcome::Running);
    let wait = LookAfter(2 * SECOND);
    for (before, shown, stage, next) in [
        (TO_LOOK_AT, RUNNABLE, Stage::Queued, Next::EndNow),
        (TO_LOOK_AT, RUNNING, running(), Nothing),
        (TO_LOOK_AT, SUCCEEDED, finished(), Nothing),
        (TO_LOOK_AT, CANCELLED, cancelled(), Nothing),
        (TO_LOOK_AT, CANCELLING, cancelling(), wait),
        (TO_LOOK_AT, RAN_IN_SPITE_OF_A_CANCEL, finished(), Nothing),
        (ACCEPTED, RUNNABLE, ACCEPTED.1, LookAfter(SECOND)),
        (ACCEPTED, RUNNING, running(), Nothing),
        (ACCEPTED, SUCCEEDED, finished(), Nothing),
        (ACCEPTED, CANCELLED, cancelled(), Nothing),
        (ACCEPTED, CANCELLING, cancelling(), wait),
        (ACCEPTED, RAN_IN_SPITE_OF_A_CANCEL, finished(), Nothing),
        (
            UNANSWERED,
            RUNNABLE,
            Stage::Queued,
            Next::EndWithin(FIRST_BACKOFF),
        ),
        (UNANSWERED, RUNNING, running(), Nothing),
        (UNANSWERED, CANCELLED, cancelled(), Nothing),
        (UNANSWERED, CANCELLING, cancelling(), wait),
        (
            LEFT_OUT,
            RUNNABLE,
            Stage::Queued,
            Next::EndWithin(FIRST_BACKOFF),
        ),
        (LEFT_OUT, CANCELLED, cancelled(), Nothing),
        (REFUSED, RUNNABLE, settled(Outcome::Failed), Nothing),
        (REFUSED, RUNNING, running(), Nothing),
        (REFUSED, SUCCEEDED, finished(), Nothing),
        (REFUSED, CANCELLED, cancelled(), Nothing),
        (REFUSED, CANCELLING, cancelling(), wait),
        (REFUSED, RAN_IN_SPITE_OF_A_CANCEL, finished(), Nothing),
        (UNDER_WAY, CANCELLING, cancelling(), LookAfter(4 * SECOND)),
        (UNDER_WAY, CANCELLED, cancelled(), Nothing),
        (UNDER_WAY, RUNNING, running(), Nothing),
        (UNDER_WAY, RAN_IN_SPITE_OF_A_CANCEL, finished(), Nothing),
        (UNDER_WAY, RUNNABLE, cancelling(), wait),
    ] {
        check(before, &[Shows(shown)], &stage, next);
    }
}

#[test]
fn job_that_is_not_shown_is_looked_at_again_after_1_s_and_3_s() {
    let not_found = || settled(Outcome::NotFound);
    let unconfirmed = || settled(Outcome::Unconfirmed);
    let failed = || settled(Outcome::Failed);
    for (before, last) in [
        (TO_LOOK_AT, not_found()),
        (ACCEPTED, unconfirmed()),
        (UNANSWERED, unconfirmed()),
        (REFUSED, failed()),
    ] {
        let stage = before.1.clone();
        check(before.clone(), &[ShowsNone], &stage, LookAfter(SECOND));
        check(
            before.clone(),
            &[ShowsNone; 2],
            &stage,
            LookAfter(2 * SECOND),
        );
        check(before, &[ShowsNone; 3], &last, Nothing);
    }
    check(UNDER_WAY, &[ShowsNone], &UNDER_WAY.1, LookAfter(SECOND));
    check(
        TO_LOOK_AT,
        &[ShowsNone, ShowsNone, Shows(RUNNABLE)],
        &Stage::Queued,
        Next::EndNow,
    );
}

#[test]
fn accepted_call_without_effect_is_unconfirmed_after_three_looks() {
    let again = [Shows(RUNNABLE); 3];
    check(ACCEPTED, &again[..2], &ACCEPTED.1, LookAfter(2 * SECOND));
    let driver = check(ACCEPTED, &again, &settled(Outcome::Unconfirmed), Nothing);
    assert_eq!(
        driver.message(0),
        "Batch accepted the call, and shows the job unchanged"
    );
}

#[test]
fn look_that_fails_is_repeated_or_settles_the_job_by_the_kind_of_error() {
    for kind in [Throttled, Credentials, Server, NoAnswer, OutOfTime] {
        for before in [TO_LOOK_AT, ACCEPTED, UNANSWERED, REFUSED, UNDER_WAY] {
            let stage = before.1.clone();
            check(
                before,
                &[LookFails(kind)],
                &stage,
                LookWithin(FIRST_BACKOFF),
            );
        }
    }
    for (kind, outcome) in [
        (Denied, Outcome::Denied),
        (NoSuchOperation, Outcome::Failed),
    ] {
        let replies = [LookFails(kind)];
        let driver = check(TO_LOOK_AT, &replies, &settled(outcome), Nothing);
        assert_eq!(
            driver.message(0),
            format!("the look failed: the error is {kind:?}")
        );
        for before in [ACCEPTED, UNANSWERED, REFUSED] {
            check(before, &replies, &settled(Outcome::Unconfirmed), Nothing);
        }
        check(UNDER_WAY, &replies, &UNDER_WAY.1, Nothing);
    }
}

#[test]
fn look_that_always_fails_settles_the_job_in_the_end() {
    for (kind, tries, outcome) in [
        (Throttled, 20, Outcome::Throttled),
        (Credentials, 10, Outcome::Failed),
        (Server, 10, Outcome::Failed),
        (NoAnswer, 10, Outcome::NotAttempted),
        (OutOfTime, 10, Outcome::NotAttempted),
    ] {
        let replies = vec![LookFails(kind); tries];
        let stage = settled(outcome);
        let driver = check(TO_LOOK_AT, &replies, &stage, Nothing);
        assert_eq!(
            driver.message(1),
            format!("the look failed: the error is {kind:?}")
        );
        for before in [ACCEPTED, UNANSWERED, REFUSED] {
            check(before, &replies, &settled(Outcome::Unconfirmed), Nothing);
        }
    }
}

#[test]
fn refused_look_is_halved_until_the_job_at_fault_stands_alone() {
    for before in [TO_LOOK_AT, ACCEPTED, UNANSWERED, REFUSED, UNDER_WAY] {
        let stage = before.1.clone();
        check(before, &[LookFails(Refused)], &stage, LookNow);
    }
    let alone = [LookFails(Refused)];
    let failed = settled(Outcome::Failed);
    check_jobs(1, TO_LOOK_AT, &alone, &failed, Nothing);
    check_jobs(1, ACCEPTED, &alone, &settled(Outcome::Unconfirmed), Nothing);

    for (at_fault, expected) in [(0, 13), (99, 15)] {
        let mut driver = Driver::new(100);
        let mut looks = 0;
        while let Some(call) = driver.next() {
            // The calls that end the others are not answered, so that no more looks follow.
            let Call::Look(ids) = &call else {
                continue;
            };
            looks += 1;
            let reply = if ids.contains(&id(at_fault)) {
                LookFails(Refused)
            } else {
                Shows(RUNNABLE)
            };
            driver.answer(call, reply);
        }
        assert_eq!(looks, expected, "one, and two for each halving");
        for number in 0..100 {
            let expected = if number == at_fault {
                settled(Outcome::Failed)
            } else {
                Stage::Sent
            };
            assert_eq!(driver.stage(number), expected, "{number}");
        }
        assert_eq!(
            driver.message(at_fault),
            "the look failed: the error is Refused"
        );
    }
}

#[test]
fn look_at_a_job_whose_call_waits_or_is_in_flight_proves_nothing() {
    for shown in [RUNNABLE, RUNNING, CANCELLED] {
        let mut driver = Driver::new(1);
        driver.run(&[Shows(RUNNABLE)]);
        driver.answer(Call::Look(vec![id(0)]), Shows(shown));
        assert_eq!(driver.stage(0), Stage::Queued);
        let call = driver.expect_next(Next::EndNow, "queued").unwrap();
        driver.answer(Call::Look(vec![id(0)]), Shows(shown));
        assert_eq!(driver.stage(0), Stage::Sent);
        driver.answer(call, Accepts);
        assert_eq!(driver.stage(0), ACCEPTED.1);
    }
}

#[test]
fn job_that_an_answer_names_unasked_is_not_taken_for_one_of_the_call() {
    let mut driver = Driver::new(2);
    let Some(Call::Look(ids)) = driver.next() else {
        panic!("a look comes first");
    };
    assert_eq!(ids, [id(0), id(1)]);
    let jobs = [detail(id(1), CANCELLED)].into_iter().collect();
    let answer = Answer::Looked(vec![id(0)], Ok(jobs));
    driver.engine.handle_answer(answer, driver.now);
    assert_eq!(driver.stage(1), Stage::ToLookAt);
}
