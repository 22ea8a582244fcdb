//! When the work is finished, what is still done with little time left, and what is true of each job when time is over.

use super::*;
use Reply::{Accepts, EndFails, Refuses, Shows};

/// Passes time until so much is left.
fn leave(driver: &mut Driver, time: Duration) {
    let left = driver.engine.deadline.left(driver.now);
    driver.now += left.checked_sub(time).unwrap();
}

#[test]
fn work_is_finished_when_nothing_is_queued_in_flight_or_due() {
    let mut driver = Driver::new(1);
    assert!(!driver.is_finished(), "it waits for its first look");
    let look = driver.poll().unwrap();
    assert!(!driver.is_finished(), "the look is in flight");
    driver.answer(look, Shows(RUNNABLE));
    assert!(!driver.is_finished(), "it waits for the call");
    let end = driver.poll().unwrap();
    assert!(!driver.is_finished(), "the call is in flight");
    driver.answer(end, EndFails(ErrorKind::Throttled));
    assert!(!driver.is_finished(), "the call is to be sent again");
    driver.run(&[Accepts]);
    assert!(!driver.is_finished(), "it waits for the second look");
    driver.run(&[Shows(RUNNABLE)]);
    assert!(!driver.is_finished(), "it is to be looked at again");
    driver.run(&[Shows(CANCELLED)]);
    assert!(driver.is_finished());
    assert!(Driver::new(0).is_finished(), "there are no jobs");
}

/// With calls of 100 ms, 200 ms are kept for a call and a look at its effect, and 200 ms more for the look before; and 20 ms
/// for each of two calls.
#[test]
fn with_little_time_left_no_job_is_begun() {
    let mut driver = Driver::new(1);
    leave(&mut driver, Duration::from_millis(440));
    assert!(matches!(driver.poll(), Some(Call::Look(_))));

    let mut driver = Driver::new(1);
    leave(&mut driver, Duration::from_millis(439));
    assert_eq!(driver.poll(), None);
    assert!(driver.is_finished(), "nothing is waited for");
    assert_eq!(driver.outcomes(), [Outcome::NotAttempted]);
}

#[test]
fn with_less_time_left_no_job_is_ended() {
    let mut driver = Driver::new(1);
    driver.run(&[Shows(RUNNABLE)]);
    leave(&mut driver, Duration::from_millis(240));
    assert!(matches!(driver.poll(), Some(Call::End(_))));

    let mut driver = Driver::new(1);
    driver.run(&[Shows(RUNNABLE)]);
    leave(&mut driver, Duration::from_millis(239));
    assert_eq!(driver.poll(), None);
    assert!(driver.is_finished());
    assert_eq!(driver.outcomes(), [Outcome::NotAttempted]);
}

/// However little time there is, and however slow the pace: a look is sent while half of the time is left, and a call while
/// a quarter is, and the call is given up in time for another look.
#[test]
fn with_time_for_a_look_and_a_call_both_are_sent() {
    let slowest = [None, Some(20), Some(5_000), Some(25_000)].map(|s| s.map(Duration::from_millis));
    let all_conditions = [0, 100, 2_000, 20_000].into_iter().flat_map(|interval| {
        slowest.map(|slowest| Conditions {
            interval: Duration::from_millis(interval),
            slowest,
            ..CONDITIONS
        })
    });
    for conditions in all_conditions {
        for time in [60_000, 24_700, 3_700, 400, 4].map(Duration::from_millis) {
            let mut driver = Driver::within(time, [id(0)], CANCEL, Duration::ZERO);
            driver.conditions = conditions;
            leave(&mut driver, time / 2);
            let look = driver.poll().unwrap();
            assert!(matches!(look, Call::Look(_)), "{time:?}: {look:?}");
            driver.answer(look, Shows(RUNNABLE));
            leave(&mut driver, time / 4);
            let call = driver.poll().unwrap();
            assert!(matches!(call, Call::End(_)), "{time:?}: {call:?}");
            let reserve = driver.engine.reserve(driver.now, driver.conditions);
            let least = Duration::from_millis(100).min(time / 8);
            let is_bounded = (least..=time / 8).contains(&reserve);
            assert!(is_bounded, "{time:?}: {reserve:?}");
        }
    }
}

#[test]
fn jobs_that_were_sent_are_looked_at_until_the_deadline() {
    for reply in [
        Accepts,
        Refuses(ErrorKind::Refused),
        EndFails(ErrorKind::NoAnswer),
    ] {
        let mut driver = Driver::new(60);
        driver.run(&[Shows(RUNNABLE), reply]);
        leave(&mut driver, Duration::from_millis(1));
        assert!(!driver.is_finished(), "{reply:?}");
        let look = driver.poll().unwrap();
        let Call::Look(ids) = &look else {
            panic!("{look:?}");
        };
        assert_eq!(ids.len(), 50, "{reply:?}: not those that were not sent");
        driver.answer(look, Shows(CANCELLED));
        assert!(driver.is_finished(), "{reply:?}");
        let outcomes = driver.outcomes();
        let expected = [
            vec![Outcome::Cancelled; 50],
            vec![Outcome::NotAttempted; 10],
        ];
        assert_eq!(outcomes, expected.concat(), "{reply:?}");
    }
}

#[test]
fn look_that_is_due_only_after_the_deadline_is_not_waited_for() {
    let mut driver = Driver::new(1);
    driver.run(&[Shows(RUNNABLE), Accepts]);
    let look = driver.poll().unwrap();
    leave(&mut driver, Duration::from_millis(1001));
    driver.answer(look, Shows(RUNNABLE));
    assert!(!driver.is_finished(), "it is due 1 ms before the deadline");

    let mut driver = Driver::new(1);
    driver.run(&[Shows(RUNNABLE), Accepts]);
    let look = driver.poll().unwrap();
    leave(&mut driver, Duration::from_millis(239));
    driver.answer(look, Shows(RUNNABLE));
    assert!(driver.is_finished(), "it is due at the deadline");
    assert_eq!(driver.outcomes(), [Outcome::Unconfirmed]);
}

#[test]
fn each_stage_has_its_outcome_when_time_is_over() {
    use ErrorKind::{Denied, NoAnswer, Refused, Server, Throttled};
    let cases: [(&[Reply], Outcome, &str); 13] = [
        (
            &[],
            Outcome::NotAttempted,
            "out of time before it was looked at",
        ),
        (
            &[Reply::LookFails(NoAnswer)],
            Outcome::NotAttempted,
            "out of time before it was looked at: the error is NoAnswer",
        ),
        (
            &[Reply::LookFails(Throttled)],
            Outcome::Throttled,
            "out of time while Batch throttled the calls: the error is Throttled",
        ),
        (
            &[Shows(RUNNABLE)],
            Outcome::NotAttempted,
            "out of time before the call was sent",
        ),
        (
            &[Shows(RUNNABLE), EndFails(Throttled)],
            Outcome::Throttled,
            "out of time while Batch throttled the calls: the error is Throttled",
        ),
        (
            &[Shows(RUNNABLE), EndFails(Server)],
            Outcome::Failed,
            "out of time while Batch refused the call: the error is Server",
        ),
        (
            &[Shows(RUNNABLE), EndFails(Denied)],
            Outcome::Failed,
            "out of time while Batch refused the call: the error is Denied",
        ),
        (
            &[Shows(RUNNABLE), Accepts],
            Outcome::Unconfirmed,
            "Batch accepted the call; out of time before a look showed its effect",
        ),
        (
            &[Shows(RUNNABLE), EndFails(Throttled), Accepts],
            Outcome::Unconfirmed,
            "Batch accepted the call; out of time before a look showed its effect",
        ),
        (
            &[Shows(RUNNABLE), EndFails(NoAnswer)],
            Outcome::Unconfirmed,
            "Batch did not answer the call; out of time before a look showed its effect: the error is NoAnswer",
        ),
        (
            &[Shows(RUNNABLE), Refuses(Refused)],
            Outcome::Unconfirmed,
            "Batch refused the call; out of time before a look showed why: the error is Refused",
        ),
        (
            &[Shows(RUNNABLE), EndFails(NoAnswer), Shows(RUNNABLE)],
            Outcome::Unconfirmed,
            "a call was sent and not answered, and Batch showed the job unchanged: the error is NoAnswer",
        ),
        (
            &[Shows(RUNNABLE), Accepts, Shows(CANCELLING)],
            Outcome::Cancelling,
            "",
        ),
    ];
    for (replies, outcome, message) in cases {
        let mut driver = Driver::new(2);
        driver.run(replies);
        let jobs = driver.engine.into_jobs().into_results();
        for job in jobs {
            assert_eq!(job.outcome, outcome, "{replies:?}");
            let found = job.message.unwrap_or_default();
            assert_eq!(found, message, "{replies:?}");
        }
    }
}

#[test]
fn jobs_whose_call_was_refused_get_a_last_look_when_there_is_no_time_for_another_try() {
    for (kind, shown, outcome) in [
        (ErrorKind::Server, CANCELLED, Outcome::Cancelled),
        (ErrorKind::Server, RUNNING, Outcome::Running),
        (ErrorKind::Server, RUNNABLE, Outcome::Failed),
        (ErrorKind::Credentials, SUCCEEDED, Outcome::Finished),
    ] {
        let mut driver = Driver::new(1);
        driver.run(&[Shows(RUNNABLE), EndFails(kind)]);
        leave(&mut driver, Duration::from_millis(239));
        driver.engine.handle_timeout(driver.now);
        let look = driver.poll().unwrap();
        assert!(matches!(look, Call::Look(_)), "{look:?}");
        assert!(!driver.is_finished());
        driver.answer(look, Shows(shown));
        assert_eq!(driver.poll(), None, "no call that ends jobs");
        assert!(driver.is_finished());
        assert_eq!(driver.outcomes(), [outcome], "{kind:?}, then {shown:?}");
    }
}

#[test]
fn jobs_whose_call_was_throttled_or_not_sent_get_no_last_look() {
    let mut throttled = Driver::new(1);
    throttled.run(&[Shows(RUNNABLE), EndFails(ErrorKind::Throttled)]);
    let mut not_sent = Driver::new(1);
    not_sent.run(&[Shows(RUNNABLE)]);
    let expected = [Outcome::Throttled, Outcome::NotAttempted];
    for (mut driver, outcome) in [throttled, not_sent].into_iter().zip(expected) {
        leave(&mut driver, Duration::from_millis(239));
        driver.engine.handle_timeout(driver.now);
        assert_eq!(driver.poll(), None);
        assert!(driver.is_finished());
        assert_eq!(driver.outcomes(), [outcome]);
    }
}

#[test]
fn call_in_flight_when_time_is_over_is_unconfirmed() {
    let mut driver = Driver::new(1);
    driver.run(&[Shows(RUNNABLE)]);
    assert!(matches!(driver.poll(), Some(Call::End(_))));
    let jobs = driver.engine.into_jobs().into_results();
    assert_eq!(jobs[0].outcome, Outcome::Unconfirmed);
    assert_eq!(
        jobs[0].message.as_deref(),
        Some("out of time before Batch answered the call")
    );
}

#[test]
fn stopped_work_sends_no_more_and_looks_at_what_was_sent() {
    let mut driver = Driver::new(250);
    driver.run(&[Shows(RUNNABLE)]);
    let sent = driver.poll().unwrap();
    assert!(matches!(&sent, Call::End(call) if call.jobs.len() == 50));
    driver.engine.stop(driver.now);
    assert_eq!(driver.poll(), None, "no more calls");
    assert!(!driver.is_finished(), "a call is in flight");
    driver.answer(sent, Accepts);
    driver.run(&[Shows(CANCELLED)]);
    assert!(driver.is_finished());
    assert_eq!(driver.engine.jobs.counts(), (50, 200));
    let outcomes = driver.outcomes();
    let count = |wanted| {
        outcomes
            .iter()
            .filter(|outcome| **outcome == wanted)
            .count()
    };
    assert_eq!(count(Outcome::Cancelled), 50);
    assert_eq!(count(Outcome::NotAttempted), 200);
}

#[test]
fn stopped_work_looks_at_what_was_refused_for_now_and_waits_for_no_end() {
    let mut driver = Driver::with([id(0)], CANCEL, TIME);
    driver.run(&[Shows(RUNNABLE), EndFails(ErrorKind::Throttled)]);
    driver.engine.stop(driver.now);
    assert_eq!(driver.poll(), None, "it is throttled, and nothing was done");
    assert_eq!(driver.outcomes(), [Outcome::Throttled]);

    let mut driver = Driver::with([id(0)], CANCEL, TIME);
    driver.run(&[Shows(RUNNABLE), Accepts, Shows(CANCELLING)]);
    driver.engine.stop(driver.now);
    assert!(driver.is_finished());
    assert_eq!(driver.outcomes(), [Outcome::Cancelling]);
}
