//! Turning the pages of a listing.

use std::collections::HashSet;

use super::{CallError, ErrorKind};

/// How far the pages of a listing were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pages {
    next: Option<String>,
    known: HashSet<String>,
}

impl Pages {
    /// What to ask for the next page with; none for the first.
    pub(crate) fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// A page was read, and ends with this token, or none if it is the last. Whether there is another page.
    ///
    /// # Errors
    ///
    /// When Batch has given this token before: the pages would never end.
    pub(crate) fn turn(&mut self, next: Option<String>) -> Result<bool, CallError> {
        let is_new = next
            .as_ref()
            .is_none_or(|next| self.known.insert(next.clone()));
        self.next = next;
        if is_new {
            Ok(self.next.is_some())
        } else {
            let why = "Batch gives the same nextToken again";
            Err(CallError::new(ErrorKind::Server, why))
        }
    }
}
