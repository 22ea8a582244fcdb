//! The part of Lambda's Runtime API that a function uses
//! ([API reference](https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html)).

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use support::FUNCTION_ARN;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

const RUNTIME: &str = "/2018-06-01/runtime";

/// An event for the function.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) request_id: String,
    pub(crate) event: String,
    pub(crate) deadline: SystemTime,
}

/// A request of the function to the Runtime API.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) kind: Kind,
    pub(crate) body: Bytes,
    /// The header `Lambda-Runtime-Function-Error-Type`.
    pub(crate) error_type: Option<String>,
    pub(crate) at: SystemTime,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The answer to the event with this request id.
    Response(String),
    /// The error for the event with this request id.
    Error(String),
    /// The function could not start.
    InitError,
}

/// The server. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    pub(crate) address: SocketAddr,
    pub(crate) invocations: mpsc::UnboundedSender<Invocation>,
    pub(crate) posted: mpsc::UnboundedReceiver<Posted>,
    accepting: JoinHandle<()>,
}

/// The state that all connections share.
#[derive(Clone)]
struct Desk {
    waiting: Arc<Mutex<mpsc::UnboundedReceiver<Invocation>>>,
    posted: mpsc::UnboundedSender<Posted>,
}

impl RuntimeApi {
    /// Serves on a free port of 127.0.0.1.
    pub(crate) async fn serve() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (invocations, waiting) = mpsc::unbounded_channel();
        let (post, posted) = mpsc::unbounded_channel();
        let desk = Desk {
            waiting: Arc::new(Mutex::new(waiting)),
            posted: post,
        };
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(desk.clone(), stream));
            }
        });
        Self {
            address,
            invocations,
            posted,
            accepting,
        }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn converse(desk: Desk, stream: TcpStream) {
    let service = service_fn(|request| {
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(desk.answer(request).await) }
    });
    // A killed function closes the connection.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Desk {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        let Some(path) = path.strip_prefix(RUNTIME) else {
            return empty(StatusCode::NOT_FOUND);
        };
        if request.method() == Method::GET && path == "/invocation/next" {
            return self.next().await;
        }
        let of = |name: &str| {
            let id = path.strip_prefix("/invocation/")?.strip_suffix(name)?;
            Some(id.to_owned())
        };
        let kind = match (request.method(), path) {
            (&Method::POST, "/init/error") => Some(Kind::InitError),
            (&Method::POST, _) => of("/response")
                .map(Kind::Response)
                .or_else(|| of("/error").map(Kind::Error)),
            _ => None,
        };
        let Some(kind) = kind else {
            return empty(StatusCode::NOT_FOUND);
        };
        let header = request.headers().get("lambda-runtime-function-error-type");
        let error_type = header.map(|value| value.to_str().unwrap().to_owned());
        let posted = Posted {
            kind,
            body: request.into_body().collect().await.unwrap().to_bytes(),
            error_type,
            at: SystemTime::now(),
        };
        // A test that has ended does not receive any more.
        let _ = self.posted.send(posted);
        empty(StatusCode::ACCEPTED)
    }

    /// The next event, as soon as there is one.
    async fn next(&self) -> Response<Full<Bytes>> {
        let Some(next) = self.waiting.lock().await.recv().await else {
            return empty(StatusCode::GONE);
        };
        let deadline = next.deadline.duration_since(SystemTime::UNIX_EPOCH);
        let deadline: Duration = deadline.unwrap();
        Response::builder()
            .header("Content-Type", "application/json")
            .header("Lambda-Runtime-Aws-Request-Id", next.request_id)
            .header(
                "Lambda-Runtime-Deadline-Ms",
                deadline.as_millis().to_string(),
            )
            .header("Lambda-Runtime-Invoked-Function-Arn", FUNCTION_ARN)
            .header(
                "Lambda-Runtime-Trace-Id",
                "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
            )
            .body(Full::from(next.event))
            .unwrap()
    }
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
