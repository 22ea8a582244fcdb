//! A message: a record of a batch, or the whole event.

use super::RequestRefused;
use crate::request::Request;

/// One message: a record of a batch, or the whole event.
#[derive(Debug)]
pub struct Message {
    /// The record's `itemIdentifier` in `batchItemFailures`.
    pub id: Option<String>,
    /// The message group of a FIFO queue's record.
    pub group: Option<String>,
    /// What it asks for, or why it cannot be read.
    pub content: Result<Content, RequestRefused>,
}

impl Message {
    /// A message that cannot be delivered again by itself.
    #[must_use]
    pub fn of(content: Result<Content, RequestRefused>) -> Self {
        Self {
            id: None,
            group: None,
            content,
        }
    }
}

/// What a message asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A request.
    Request(Request),
    /// Nothing. The text says why.
    Ignored(String),
}

impl From<Request> for Content {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}
