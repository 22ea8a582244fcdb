//! Answers' bodies: whole, or breaking off before the end that `content-length` promised.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body::{Frame, SizeHint};

/// The body of an answer. In process as over HTTP, one that was cut short ends in an error.
#[derive(Clone, Debug, Default)]
pub struct Body {
    rest: Bytes,
    cut: Cut,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Cut {
    #[default]
    No,
    /// It will be, once `rest` is out.
    Ahead,
    /// Only the error is left; one poll earlier the server is given the chance to flush.
    Here,
}

/// The body ended before its promised length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer was cut short")]
pub struct CutShort;

impl Body {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self {
            rest: bytes,
            cut: Cut::No,
        }
    }

    /// All of the bytes, unless the answer is one that is cut short.
    ///
    /// # Errors
    ///
    /// [`CutShort`], as a reader of the body would get it.
    pub fn into_bytes(self) -> Result<Bytes, CutShort> {
        match self.cut {
            Cut::No => Ok(self.rest),
            Cut::Ahead | Cut::Here => Err(CutShort),
        }
    }
}

/// Makes an answer promise all of its body, and hold half of it.
pub(crate) fn cut_short(response: Response<Body>) -> Response<Body> {
    let (mut parts, mut body) = response.into_parts();
    let promised = body.rest.len().max(2);
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(promised));
    body.rest.truncate(promised / 2);
    body.cut = Cut::Ahead;
    Response::from_parts(parts, body)
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        match self.cut {
            Cut::No => Poll::Ready(None),
            Cut::Ahead => {
                self.cut = Cut::Here;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Cut::Here => Poll::Ready(Some(Err(CutShort))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.cut == Cut::No
    }

    fn size_hint(&self) -> SizeHint {
        match (self.cut, u64::try_from(self.rest.len())) {
            (Cut::No, Ok(length)) => SizeHint::with_exact(length),
            _ => SizeHint::default(),
        }
    }
}
