//! The answer to an event: it says, or hands back, what is not done.

use batch_cancel::respond::Failure;
use batch_emulator::ItemError;
use serde_json::Value;

use super::{Class, Judge, class, judged::Judged};
use crate::faults::{
    panel,
    request::{Request, Target},
};

/// How a source is answered.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// With the report; with an error if anything is left and the request asks for that.
    Report { fails: bool },
    /// With an error if anything is left.
    Async,
    /// With the messages that come back, which have these numbers. Those of a FIFO queue are in three groups.
    Messages { is_fifo: bool, numbers: Vec<usize> },
    /// With the report as the body of a response.
    Http,
    /// With the only job as the body of a response, or a status that says what became of it.
    HttpJob,
    /// With what is known of a job.
    HttpView,
    /// With the report as HTML.
    Widget,
    /// With a queue as HTML.
    Panel,
}

impl Judge {
    /// Checks the answer, and gives the messages that come back.
    pub(super) fn answer_is_right(
        &self,
        judged: &Judged<'_>,
        answer: Result<Value, Failure>,
    ) -> Vec<usize> {
        self.refusals_are_right(judged);
        match &judged.invocation.reply {
            Reply::Messages { is_fifo, numbers } => {
                let left = judged.messages_come_back(&answer.unwrap(), *is_fifo, numbers);
                self.tally.borrow_mut().failed_messages += left.len();
                return left;
            }
            Reply::Report { fails } => judged.report_or_error(answer, *fails, *fails),
            Reply::Async => judged.report_or_error(answer, true, false),
            Reply::Http => judged.response_is_right(&answer.unwrap()),
            Reply::HttpJob => judged.status_is_right(&answer.unwrap()),
            Reply::HttpView => self.view_is_right(judged, &answer.unwrap()),
            Reply::Widget => panel::report_is_right(judged.logged, &answer.unwrap()),
            Reply::Panel => {}
        }
        Vec::new()
    }

    /// What is refused has a reason, and ends nothing.
    fn refusals_are_right(&self, judged: &Judged<'_>) {
        let (logged, requests) = (judged.logged, &judged.invocation.requests);
        let unreadable = requests
            .iter()
            .filter(|request| matches!(request.target, Target::Unreadable));
        let unreadable = u64::try_from(unreadable.count()).unwrap();
        let refused = logged.refused();
        assert!(refused >= unreadable, "{}", judged.story());
        if refused == unreadable
            || matches!(
                judged.invocation.reply,
                Reply::HttpView | Reply::HttpJob | Reply::Panel
            )
        {
            return;
        }
        let faults = &judged.invocation.spell.faults;
        let by_queue = |error: ItemError| faults.queue_errors.values().any(|one| *one == error);
        let is_large = judged
            .reaches
            .iter()
            .any(|reach| reach.may.len() > self.process.max_selected / 5);
        let can_be_refused = is_large
            || by_queue(ItemError::ClientException)
            || by_queue(ItemError::ValidationException);
        let can_be_denied = !faults.denied.is_empty() || by_queue(ItemError::AccessDenied);
        assert!(
            !logged.has_error("Refused") || can_be_refused,
            "{}",
            judged.story()
        );
        assert!(
            !logged.has_error("Denied") || can_be_denied,
            "{}",
            judged.story()
        );
        if requests.len() == 1 {
            assert!(judged.called.is_empty(), "{}", judged.story());
        }
    }

    /// What is shown of a job is true of it.
    fn view_is_right(&self, judged: &Judged<'_>, answer: &Value) {
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        let [
            Request {
                target: Target::Shown(job),
                ..
            },
        ] = judged.invocation.requests.as_slice()
        else {
            panic!("one job is shown: {:?}", judged.invocation.requests);
        };
        assert!(judged.called.is_empty(), "{}", judged.story());
        let known = self.account.known(&job.id);
        match answer["statusCode"].as_u64().unwrap() {
            200 => {
                let sightings = self.sightings.as_ref().unwrap().all();
                let was = sightings.iter().any(|sighting| {
                    let shown = sighting.jobs.get(&job.id);
                    shown.is_some_and(|shown| body["status"] == shown.status.as_str())
                });
                assert!(was, "{body} of {job:?}");
            }
            404 => {
                let hidden = known.is_none_or(|known| known.visible_from > judged.invocation.began);
                assert!(hidden, "{body} of {job:?}");
            }
            400 | 403 | 502 | 503 => {}
            other => panic!("{other}: {body}"),
        }
    }
}

impl Judged<'_> {
    /// How grave what is left of the only request is: what is not done, or could not be found.
    fn class(&self) -> Class {
        let [request] = self.invocation.requests.as_slice() else {
            panic!("one request: {:?}", self.invocation.requests);
        };
        if request.reselects() && !self.called.is_empty() {
            return Class::Done;
        }
        self.gravest()
    }

    /// The same whether or not a retry would select other jobs.
    fn gravest(&self) -> Class {
        if self.logged.is_partial() {
            return Class::Retryable;
        }
        let gravest = self.outcomes.values().map(|outcome| class(outcome)).max();
        let refused = (self.logged.refused() > 0).then_some(Class::Rejected);
        gravest.max(refused).unwrap_or(Class::Done)
    }

    fn report_or_error(&self, answer: Result<Value, Failure>, fails: bool, fails_too_soon: bool) {
        let expected = match self.class() {
            Class::Retryable if fails => Some("Incomplete"),
            Class::Rejected if fails && self.logged.refused() == 0 => Some("Rejected"),
            Class::TooSoon if fails_too_soon => Some("TooSoon"),
            _ => None,
        };
        match answer {
            Ok(answer) => {
                assert_eq!(expected, None, "no invocation error: {answer}");
                self.report_is_right(&answer);
            }
            Err(failure) => {
                let error_type = support::failed(failure).error_type;
                if self.logged.refused() == 0 {
                    assert_eq!(Some(error_type.as_str()), expected, "{}", self.story());
                }
            }
        }
    }

    fn report_is_right(&self, report: &Value) {
        assert_eq!(self.logged.refused(), 0, "{report}");
        let is_complete = self.gravest() == Class::Done;
        assert_eq!(report["complete"], is_complete, "{report}");
        assert_eq!(
            report["selection"] == "partial",
            self.logged.is_partial(),
            "{report}"
        );
        for unread in report["unread"].as_array().into_iter().flatten() {
            assert!(
                unread["error"].is_string() && self.logged.is_partial(),
                "{report}"
            );
        }
        let missing = report["truncated"].as_u64().unwrap_or_default();
        let shown = report["jobs"].as_array().unwrap().len() + usize::try_from(missing).unwrap();
        assert_eq!(shown, self.outcomes.len(), "{report}");
    }

    fn response_is_right(&self, answer: &Value) {
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        match answer["statusCode"].as_u64().unwrap() {
            200 => self.report_is_right(&body),
            403 => assert!(self.logged.refused() > 0, "{body}"),
            503 => {
                let mut outcomes = self.outcomes.values();
                let throttled =
                    outcomes.all(|outcome| ["throttled", "invalidId"].contains(outcome));
                assert!(throttled && self.gravest() != Class::Done, "{body}");
            }
            other => panic!("{other}: {body}"),
        }
    }

    /// The status says what became of the only job.
    fn status_is_right(&self, answer: &Value) {
        let outcome = self
            .logged
            .results
            .first()
            .map(|(_, outcome)| outcome.as_str());
        let expected = match outcome.unwrap_or("invalidId") {
            "invalidId" => 400,
            "notFound" => 404,
            "running" | "finished" => 409,
            "protected" | "queueNotAllowed" | "denied" => 403,
            "throttled" | "notAttempted" | "unconfirmed" => 503,
            "failed" => 502,
            _ => 200,
        };
        assert_eq!(answer["statusCode"], expected, "{answer}");
    }
}
