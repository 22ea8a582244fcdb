//! The results of an invocation: the report on its jobs, and the outcome of each message.

use crate::{
    command::RequestRefused,
    report::{Class, Report},
    request::{Action, Request, Target},
};

/// The results of an invocation that was asked to end jobs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// The outcome of each job.
    pub report: Report,
    /// The outcome of each message.
    pub messages: Vec<MessageOutcome>,
}

impl Results {
    /// Why messages were refused: each error with its message.
    pub fn refusals(&self) -> impl Iterator<Item = (&MessageOutcome, &RequestRefused)> {
        let messages = self.messages.iter();
        messages.filter_map(|message| Some((message, message.error.as_ref()?)))
    }

    /// The first of them.
    #[must_use]
    pub fn refusal(&self) -> Option<&RequestRefused> {
        self.refusals().map(|(_, error)| error).next()
    }
}

/// The outcome of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageOutcome {
    /// Its `itemIdentifier` in `batchItemFailures`.
    pub id: Option<String>,
    /// The message group of a FIFO queue's record.
    pub group: Option<String>,
    /// What it asks for, if it could be read.
    pub asked: Option<RequestAudit>,
    /// Its sender wants an error if anything is left over.
    pub fail_on_incomplete: bool,
    /// Whether it should be delivered again.
    pub class: Class,
    /// Why it could not be acted on.
    pub error: Option<RequestRefused>,
    /// Why it asked for nothing.
    pub ignored: Option<String>,
    /// Its selection could not be completed.
    pub is_partial: bool,
}

/// What a message asks for, admitted or not, for the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestAudit {
    /// Why, as the request or its source says.
    pub reason: String,
    /// Whether to cancel or to terminate.
    pub action: Action,
    /// The job queues of a selection, by names, ARNs or patterns.
    pub queues: Vec<String>,
}

impl RequestAudit {
    /// What a request asks for, and why.
    #[must_use]
    pub fn of(request: &Request, reason: String) -> Self {
        let queues = match &request.target {
            Target::Select(select) => select.from.queues().to_vec(),
            Target::Jobs(_) | Target::Blocked(_) => Vec::new(),
        };
        Self {
            reason,
            action: request.action,
            queues,
        }
    }
}

/// Why a whole request was not fulfilled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfulfilled {
    /// The stable name of the error. None over HTTP, where the status says it.
    pub error_type: Option<&'static str>,
    /// What is wrong, in readable words.
    pub error: String,
    /// The request was refused. Messages that were refused are counted by themselves.
    pub is_refused: bool,
}

impl From<&RequestRefused> for Unfulfilled {
    fn from(why: &RequestRefused) -> Self {
        Self {
            error_type: Some(why.error_type()),
            error: why.to_string(),
            is_refused: true,
        }
    }
}
