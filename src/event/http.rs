//! HTTP: API Gateway REST APIs (v1) and HTTP APIs (v2), function URLs and Application Load Balancers.

mod caller;
mod request;
mod route;

use ::http::StatusCode;

use super::{RawObject, Scope};
use crate::{
    command::{Command, Event, Reply, RequestRefused, Source},
    problem::Problem,
    request::{
        Action, AskedId, InvalidId, JobId, PageRequest, QueueName, Request, RequestError, Target,
        each_once, flag,
    },
};
use request::HttpRequest;
use route::{Route, route};
use std::time::Duration;

/// The longest `waitSeconds` over HTTP: API Gateway gives a request up after 29 or 30 s.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// The largest body, in bytes. A longer list of ids could not be handled in the time that a gateway waits.
const MAX_BODY: usize = 1024 * 1024;

/// Recognised by the context that every gateway adds. Events of WebSocket APIs, of VPC Lattice and for Lambda authorizers,
/// which have a `methodArn` or `routeArn`, are not supported.
pub(super) fn matches(object: &RawObject<'_>) -> bool {
    let asks_an_authorizer = object.has("methodArn") || object.has("routeArn");
    !asks_an_authorizer
        && object.object("requestContext").is_some_and(|context| {
            let v1 = object.has("httpMethod") && !context.has("connectionId");
            context.has("elb") || context.has("http") || v1
        })
}

pub(super) fn decode(object: &RawObject<'_>, scope: &Scope<'_>) -> Result<Event, RequestRefused> {
    let rule = &scope.config.policy.owner_rule;
    let request = HttpRequest::read(object, &rule.claim);
    let request = request.map_err(RequestRefused::invalid_event("HTTP event"))?;
    let form = request.form;
    let command = if request.caller.is_none() && scope.config.require_caller {
        Err(unauthorized())
    } else {
        let beside = object.no_fields_beside("the body or the query");
        beside
            .map_err(Problem::from)
            .and_then(|()| command(&request, scope))
    };
    let command = command.unwrap_or_else(|problem| Command::RefuseHttp { problem, form });
    let identity = request.caller.as_ref().map(|caller| &caller.identity);
    let owner = rule.owner(identity, scope.own_region.account.as_deref());
    let event = Event::of(Source::Http, command);
    let requested_by = request.caller.map(|caller| caller.requested_by);
    Ok(Event {
        requested_by: requested_by.or(event.requested_by),
        owner,
        ..event
    })
}

fn unauthorized() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "the gateway names no authenticated caller (an API key does not count as one); set up IAM, JWT or Lambda authorisation for the \
         route, or set REQUIRE_CALLER (parameter RequireCaller) to false",
    )
    .with_header("WWW-Authenticate", "AWS4-HMAC-SHA256, Bearer")
}

fn command(request: &HttpRequest, scope: &Scope<'_>) -> Result<Command, Problem> {
    let form = request.form;
    match route(&request.method, &request.path)? {
        Route::OpenApi => Ok(Command::OpenApi(form)),
        Route::ShowJob(id) => {
            no_options(request)?;
            let (id, _) = job(&id, scope)?;
            Ok(Command::ShowJob { id, form })
        }
        Route::ShowQueue(name) => {
            no_options(request)?;
            let queue = QueueName::parse(&name, scope.own_region)?;
            Ok(Command::ShowQueue { queue, form })
        }
        Route::ListJobs(name) => {
            let queue = QueueName::parse(&name, scope.own_region)?;
            let page = PageRequest::new(queue, &request.query)?;
            Ok(Command::ListJobs { page, form })
        }
        Route::DeleteJob(id) => {
            no_body(request)?;
            let request = delete_request(&id, request, scope)?;
            Ok(Command::cancel(Ok(request), Reply::HttpJob(form)))
        }
        Route::Cancellations => {
            no_options(request)?;
            let request = post_request(request, scope)?;
            Ok(Command::cancel(Ok(request), Reply::Http(form)))
        }
    }
}

fn bad_request(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

/// An option in the wrong place is an error: with an ignored `?dryRun=true`, jobs would be cancelled for real.
fn no_options(request: &HttpRequest) -> Result<(), Problem> {
    match request.query.first() {
        None => Ok(()),
        Some((name, _)) => {
            Err(RequestError::new(name, "this route takes no query parameters").into())
        }
    }
}

/// A `DELETE` whose body is not read has none. A `dryRun` can be written in more ways than can be looked for.
fn no_body(request: &HttpRequest) -> Result<(), Problem> {
    match request.body.as_deref() {
        Ok("") => Ok(()),
        _ => Err(bad_request(
            "this route takes no body; the options are query parameters",
        )),
    }
}

/// The job of a path.
fn job(text: &str, scope: &Scope<'_>) -> Result<(JobId, AskedId), Problem> {
    let asked = AskedId::parse(text, scope.own_region);
    match &asked {
        AskedId::Job { id, .. } => Ok((*id, asked)),
        AskedId::Invalid { why, .. } => Err(invalid_id(text, why)),
    }
}

fn invalid_id(text: &str, why: &InvalidId) -> Problem {
    let text: String = text.chars().take(200).collect();
    let mut problem = bad_request(format!("{text:?}: {why}"));
    let outcome = ("outcome".to_owned(), "invalidId".into());
    problem.more.extend([outcome]);
    problem
}

fn delete_request(id: &str, request: &HttpRequest, scope: &Scope<'_>) -> Result<Request, Problem> {
    let mut asked = Request::cancel(Target::Jobs(Vec::new()));
    for parameter in each_once(&request.query) {
        let (name, value) = parameter?;
        let flag = || flag(name, value);
        match name {
            "reason" if value.trim().is_empty() => {}
            "reason" => asked.reason = Some(value.to_owned()),
            "dryRun" => asked.dry_run = flag()?,
            "terminate" if flag()? => asked.action = Action::Terminate,
            "terminate" => {}
            _ => {
                let why = "unknown query parameter, expected reason, terminate or dryRun";
                return Err(RequestError::new(name, why).into());
            }
        }
    }
    let (job, asked_id) = job(id, scope)?;
    if job.is_service_job() && asked.action == Action::Cancel {
        return Err(invalid_id(id, &InvalidId::ServiceJobNeedsTerminate));
    }
    asked.target = Target::Jobs(vec![asked_id]);
    Ok(asked)
}

fn post_request(request: &HttpRequest, scope: &Scope<'_>) -> Result<Request, Problem> {
    if let Some(kind) = &request.content_type {
        let essence = kind.split(';').next().unwrap_or_default();
        let essence = essence.trim().to_ascii_lowercase();
        if essence != "application/json" && !essence.ends_with("+json") {
            let why = format!("Content-Type is {kind:?}, expected application/json");
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
        }
    }
    let body = request.body.as_deref().map_err(|why| bad_request(*why))?;
    if body.len() > MAX_BODY {
        let size = body.len();
        let why = format!(
            "the body is {size} bytes long, more than {MAX_BODY}; send the jobs through SQS instead"
        );
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, why));
    }
    if body.trim().is_empty() {
        return Err(bad_request(
            "the body is empty, expected a request in JSON, such as {\"jobIds\": [\"…\"]}",
        ));
    }
    let asked = Request::from_json(body, scope.own_region)?;
    if asked.wait > MAX_WAIT {
        let (given, most) = (asked.wait.as_secs(), MAX_WAIT.as_secs());
        let why = format!("{given} is out of range over HTTP, expected 0 to {most}");
        return Err(RequestError::new("waitSeconds", why).into());
    }
    Ok(asked)
}
