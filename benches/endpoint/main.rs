//! The endpoint of the comparison: the emulator, over plain HTTP and over TLS 1.3, both for the same account.
//!
//! `endpoint CERTIFICATE.pem KEY.pem [BYTES]` prints the two URLs and serves until it is ended. With BYTES each job in an
//! answer of DescribeJobs has about so many, as real ones do; else the few hundred that the emulator knows. It is an
//! EventBridge bus too, which takes all events.

mod bus;
mod job;

use std::{error::Error, sync::Arc};

use batch_emulator::{Body, Dropped, Emulator};
use bytes::Bytes;
use http::{Request, Response, header::CONTENT_LENGTH};
use http_body_util::{BodyExt, Either, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        version::TLS13,
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(certificate), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("usage: endpoint CERTIFICATE.pem KEY.pem [BYTES]".into());
    };
    let size = arguments.next().map(|size| size.parse()).transpose()?;
    let details: Option<&'static str> = size.map(|size| &*job::details(size).leak());
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    let tls = TlsAcceptor::from(Arc::new(tls));
    let emulator = Emulator::new();
    let (plain, secure) = (
        TcpListener::bind("127.0.0.1:0").await?,
        TcpListener::bind("127.0.0.1:0").await?,
    );
    println!(
        "http://127.0.0.1:{} https://localhost:{}",
        plain.local_addr()?.port(),
        secure.local_addr()?.port()
    );
    loop {
        let emulator = emulator.clone();
        tokio::select! {
            accepted = plain.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                tokio::spawn(serve(stream, emulator, details));
            }
            accepted = secure.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                let tls = tls.clone();
                tokio::spawn(async move {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, emulator, details).await;
                    }
                });
            }
        }
    }
}

/// Answers the calls of one connection until it ends.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    emulator: Emulator,
    details: Option<&'static str>,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let emulator = emulator.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
            if let Some(answer) = bus::answer(&parts.headers, &body) {
                return Ok(Response::new(Either::Right(Full::from(answer))));
            }
            let details = details.filter(|_| parts.uri.path() == "/v1/describejobs");
            let answer = emulator.call(Request::from_parts(parts, body)).await?;
            match details {
                Some(details) => with_details(answer, details).await,
                None => Ok(answer.map(Either::Left)),
            }
        }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A client that hangs up, or a reset that was ordered, is no error of the endpoint.
    served.await.unwrap_or_default();
}

/// The answer with these details in each of its jobs.
async fn with_details(
    answer: Response<Body>,
    details: &str,
) -> Result<Response<Either<Body, Full<Bytes>>>, Dropped> {
    let (mut parts, body) = answer.into_parts();
    let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
    let body = job::with_details(&String::from_utf8_lossy(&body), details);
    parts.headers.insert(CONTENT_LENGTH, body.len().into());
    Ok(Response::from_parts(parts, Either::Right(Full::from(body))))
}
