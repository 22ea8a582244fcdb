//! The endpoint of the comparison: the emulator, over plain HTTP and over TLS 1.3, both for the same account.
//!
//! `endpoint CERTIFICATE.pem KEY.pem` prints the two URLs and serves until it is ended.

use std::{error::Error, sync::Arc};

use batch_emulator::{Dropped, Emulator};
use http::Request;
use http_body_util::BodyExt;
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
        return Err("usage: endpoint CERTIFICATE.pem KEY.pem".into());
    };
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
                tokio::spawn(serve(stream, emulator));
            }
            accepted = secure.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                let tls = tls.clone();
                tokio::spawn(async move {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, emulator).await;
                    }
                });
            }
        }
    }
}

/// Answers the calls of one connection until it ends.
async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, emulator: Emulator) {
    let service = service_fn(|request: Request<Incoming>| {
        let emulator = emulator.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
            emulator.call(Request::from_parts(parts, body)).await
        }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A client that hangs up, or a reset that was ordered, is no error of the endpoint.
    served.await.unwrap_or_default();
}
