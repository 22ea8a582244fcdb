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
    /// What it asks for.
    pub request: Result<Request, NoRequest>,
}

impl From<Result<Request, NoRequest>> for Message {
    /// A message that cannot be delivered again by itself.
    fn from(request: Result<Request, NoRequest>) -> Self {
        Self {
            id: None,
            group: None,
            request,
        }
    }
}

/// Why nothing is done for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRequest {
    /// It asks for nothing that is to be done here. The text says why.
    Ignored(String),
    /// It cannot be read, or must not be done.
    Refused(RequestRefused),
}

impl<T: Into<RequestRefused>> From<T> for NoRequest {
    fn from(why: T) -> Self {
        Self::Refused(why.into())
    }
}
