//! `bcancel serve`: the function's HTTP routes on loopback, as an HTTP API in front of the function.

use std::{convert::Infallible, net::Ipv4Addr, sync::Arc, time::Duration};

use aws_sdk_batch::Client;
use batch_cancel::{App, batch::Batch};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json, value::to_raw_value};
use tokio::{net::TcpListener, task::LocalSet};
use uuid::Uuid;

use crate::{
    account::{Place, emulated_account, own_policy},
    args::{Cli, Serve},
    aws,
    error::{Result, UserError},
    event::{config, invoke},
    output::{err, out},
    progress::interrupted,
};

/// The largest body, as Lambda's own limit.
const MAX_BODY: usize = 6 * 1024 * 1024;

/// What every request needs.
struct Served {
    place: Place,
    /// `127.0.0.1:3000`.
    address: String,
    /// What each request must carry, where real jobs can be ended.
    token: Option<String>,
}

/// Serves until Ctrl-C.
pub(crate) async fn serve(cli: &Cli, args: &Serve) -> Result<u8> {
    if cli.to.function.is_some() {
        return Err("serve runs the function here: leave out --function".into());
    }
    if args.aws && cli.to.emulator.is_some() {
        return Err("give --aws or --emulator, not both".into());
    }
    let place = if args.aws {
        let aws = aws::load(&cli.to).await?;
        let account = aws::account(&aws, &cli.to).await?;
        Place {
            app: App::new(own_policy(&cli.to, &account, false)?, Batch::new(&aws)),
            account,
            client: Client::new(&aws),
            emulator: None,
        }
    } else {
        let seed = cli.to.emulator.as_deref().unwrap_or_default();
        let (emulator, account) = emulated_account(seed)?;
        Place::emulated(emulator, account, config(&[])?).await?
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await;
    let listener =
        listener.map_err(|error| UserError::new(format!("127.0.0.1:{}: {error}", args.port)))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let token = args.aws.then(|| Uuid::new_v4().simple().to_string());
    err(&format!("{}, until Ctrl-C\n", place.say()));
    if let Some(token) = &token {
        err(&format!(
            "Each request must carry: Authorization: Bearer {token}\n"
        ));
    }
    out(&format!("http://{address}\n"));
    let served = Arc::new(Served {
        place,
        address: address.to_string(),
        token,
    });
    let local = LocalSet::new();
    let accepting = local.run_until(accept(listener, served));
    tokio::select! {
        never = accepting => match never {},
        () = interrupted() => Ok(0),
    }
}

async fn accept(listener: TcpListener, served: Arc<Served>) -> Infallible {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let served = Arc::clone(&served);
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| {
                let served = Arc::clone(&served);
                async move { Ok::<_, Infallible>(served.answer(request).await) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new());
            // What goes wrong on the line is the caller's to see.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Served {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        if let Err((status, why)) = self.admit(&parts.headers) {
            return problem(status, why);
        }
        let body = match Limited::new(body, MAX_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
        };
        let event = self.event(&parts, &body);
        let Ok(event) = to_raw_value(&event) else {
            return problem(StatusCode::BAD_REQUEST, "the request cannot be read");
        };
        match invoke(&self.place, event, |_| ()).await {
            Ok(answer) => shaped(answer.get()),
            Err(error) => problem(StatusCode::BAD_GATEWAY, &error.to_string()),
        }
    }

    /// Whether a request may be answered. A page in a browser must not reach the routes: its requests have an Origin, or a
    /// Host of a foreign name.
    fn admit(&self, headers: &HeaderMap) -> std::result::Result<(), (StatusCode, &'static str)> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let port = self.address.rsplit(':').next().unwrap_or_default();
        let own = [self.address.clone(), format!("localhost:{port}")];
        if !text(header::HOST).is_some_and(|host| own.iter().any(|own| own == host)) {
            return Err((StatusCode::FORBIDDEN, "the Host is not this server's"));
        }
        if headers.contains_key(header::ORIGIN) {
            return Err((StatusCode::FORBIDDEN, "requests with an Origin are refused"));
        }
        let Some(token) = &self.token else {
            return Ok(());
        };
        let given = text(header::AUTHORIZATION).unwrap_or_default();
        let is_right = given.len() == token.len() + 7
            && given.starts_with("Bearer ")
            && given
                .bytes()
                .skip(7)
                .zip(token.bytes())
                .fold(0, |all, (one, other)| all | (one ^ other))
                == 0;
        if is_right {
            Ok(())
        } else {
            let why = "each request must carry the token that bcancel serve printed";
            Err((StatusCode::UNAUTHORIZED, why))
        }
    }

    /// The event of an HTTP API with IAM authorization, whose caller is whoever runs this program.
    fn event(&self, parts: &http::request::Parts, body: &Bytes) -> Value {
        let query = parts.uri.query().unwrap_or_default();
        let path = parts.uri.path();
        let mut headers = Map::new();
        for (name, value) in &parts.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            headers.insert(name.as_str().to_owned(), value.into());
        }
        let text = std::str::from_utf8(body).ok();
        json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": percent_decode_str(path).decode_utf8_lossy(),
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {
                "accountId": self.place.account.id,
                "authorizer": {"iam": {"userArn": self.place.account.caller}},
                "http": {
                    "method": parts.method.as_str(),
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                },
                "stage": "$default",
            },
            "body": text.filter(|text| !text.is_empty()),
            "isBase64Encoded": false,
        })
    }
}

/// The HTTP response that the function's answer stands for.
fn shaped(answer: &str) -> Response<Full<Bytes>> {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    let body = answer
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut response = Response::new(Full::from(body.to_owned()));
    let status = answer.get("statusCode").and_then(Value::as_u64);
    let status = status.and_then(|status| StatusCode::from_u16(u16::try_from(status).ok()?).ok());
    *response.status_mut() = status.unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = answer.get("headers").and_then(Value::as_object);
    for (name, value) in headers.into_iter().flatten() {
        let name = header::HeaderName::try_from(name.as_str());
        let value = value.as_str().map(header::HeaderValue::from_str);
        if let (Ok(name), Some(Ok(value))) = (name, value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn problem(status: StatusCode, why: &str) -> Response<Full<Bytes>> {
    let body = json!({"type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(), "detail": why});
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
