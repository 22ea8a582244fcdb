//! `bcancel check`: what these credentials, or that function, may do. It changes nothing.

use aws_sdk_batch::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    types::JobStatus,
};
use batch_cancel::queue_name;
use serde_json::json;

use crate::{
    account::{Account, Place},
    act::NOT_ALL,
    args::{Check, Cli, End},
    aws,
    door::Door,
    error::Result,
    output::out,
    words::wrapped,
};

/// Ids that AWS Batch never gives out.
const NO_JOBS: [&str; 2] = [
    "00000000-0000-4000-8000-000000000000",
    "00000000-0000-4000-8000-000000000001",
];

/// Where the third column begins.
const INDENT: usize = 37;

/// A line for each thing that may be done or not.
#[derive(Default)]
struct Lines {
    is_complete: bool,
}

/// Tries what may be done.
pub(crate) async fn check(cli: &Cli, args: &Check) -> Result<u8> {
    let mut lines = Lines { is_complete: true };
    match Door::open(&cli.to, &End::default()).await? {
        Door::Own(place) => check_own(&place, args, &mut lines).await,
        #[cfg(feature = "function")]
        Door::Function(_) if args.bulk || !args.queues.is_empty() => {
            let why = "with --function, check asks the function alone: leave out queues and --bulk";
            return Err(why.into());
        }
        #[cfg(feature = "function")]
        Door::Function(function) => check_function(&function, &mut lines).await,
    }
    Ok(if lines.is_complete { 0 } else { NOT_ALL })
}

async fn check_own(place: &Place, args: &Check, lines: &mut Lines) {
    let (account, batch) = (&place.account, &place.client);
    let who = format!(
        "{}, account {}, {}",
        account.name(),
        account.id,
        account.region
    );
    Lines::ok("credentials", &who);
    let described = batch.describe_jobs().set_jobs(Some(no_jobs())).send();
    lines.tell("batch:DescribeJobs", "", refusal(described.await), "*");
    let mut pages = batch.describe_job_queues().into_paginator().items().send();
    let (mut found, mut refused) = (Vec::new(), None);
    while let Some(queue) = pages.next().await {
        match queue {
            Ok(queue) => found.extend(queue.job_queue_arn),
            error => refused = refusal(error),
        }
    }
    let queues = if args.queues.is_empty() {
        found
    } else {
        account.queue_arns(&args.queues)
    };
    lines.tell("batch:DescribeJobQueues", "", refused, "*");
    check_queues(&queues, batch, lines).await;
    if args.bulk {
        check_bulk(account, batch, lines).await;
    } else {
        let why = "not tested; --bulk sends one CancelJobs for an id that cannot exist";
        Lines::line("?", "batch:CancelJob", why);
    }
}

fn no_jobs() -> Vec<String> {
    NO_JOBS.map(str::to_owned).to_vec()
}

/// Lists the first queue, and reads the front of each.
async fn check_queues(queues: &[String], batch: &Client, lines: &mut Lines) {
    if let Some(first) = queues.first() {
        let call = batch.list_jobs().job_queue(first).max_results(1);
        let listed = call.job_status(JobStatus::Runnable).send().await;
        lines.tell("batch:ListJobs", "", refusal(listed), "*");
    }
    let mut readable = Vec::new();
    for arn in queues {
        let name = queue_name(arn);
        let read = batch.get_job_queue_snapshot().job_queue(arn).send().await;
        match refusal(read) {
            None => readable.push(name),
            refused => {
                let what = format!("batch:GetJobQueueSnapshot on {name}");
                lines.tell(&what, "", refused, arn);
            }
        }
    }
    if !readable.is_empty() {
        let on = format!("on {}", readable.join(", "));
        Lines::ok("batch:GetJobQueueSnapshot", &wrapped(&on, INDENT));
    }
}

/// Sends CancelJobs for ids that cannot exist: it tells whether that is allowed, and whether bulk calls exist here.
async fn check_bulk(account: &Account, batch: &Client, lines: &mut Lines) {
    let call = batch.cancel_jobs().set_jobs(Some(no_jobs()));
    let sent = call.reason("bcancel check").send().await;
    let resource = account.job_arns();
    let in_answer = sent.as_ref().ok().and_then(|answer| {
        let code = answer.errors().first()?.code.clone()?;
        let is_denied = code.contains("AccessDenied");
        Some(Refusal {
            is_denied,
            says: code,
        })
    });
    let status = sent.as_ref().err().and_then(|error| error.raw_response());
    if status.is_some_and(|response| response.status().as_u16() == 404) {
        let why = "there are no bulk calls here: jobs are cancelled one by one";
        return Lines::line("?", "batch:CancelJob", why);
    }
    let refused = refusal(sent).or(in_answer);
    lines.tell(
        "batch:CancelJob",
        "by CancelJobs, 50 jobs a call",
        refused,
        &resource,
    );
}

/// Why a call was not done.
struct Refusal {
    is_denied: bool,
    says: String,
}

/// Why a call was not done, if it was not.
fn refusal<T, E>(answer: std::result::Result<T, SdkError<E>>) -> Option<Refusal>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let error = answer.err()?;
    let is_forbidden = |response: &HttpResponse| response.status().as_u16() == 403;
    Some(Refusal {
        is_denied: error.raw_response().is_some_and(is_forbidden),
        says: aws::say(&error),
    })
}

#[cfg(feature = "function")]
async fn check_function(function: &crate::function::Function, lines: &mut Lines) {
    let account = &function.account;
    Lines::ok(
        "credentials",
        &format!(
            "{}, account {}, {}",
            account.name(),
            account.id,
            account.region
        ),
    );
    let [id, _] = NO_JOBS;
    let end = End {
        reason: Some("bcancel check".to_owned()),
        ..End::default()
    };
    let request = end.request("jobIds", &json!([id]), true);
    match function.end(&request).await {
        Ok(_) => Lines::ok("lambda:InvokeFunction", "it answers a dry run"),
        Err(error) => {
            lines.is_complete = false;
            let why = crate::output::plain(&error.to_string());
            let is_denied = why.contains("lambda:InvokeFunction");
            let mark = if is_denied { "no" } else { "?" };
            Lines::line(mark, "lambda:InvokeFunction", &why);
            if is_denied {
                Lines::allow("lambda:InvokeFunction", &function.arn());
            }
        }
    }
    match function.settings().await {
        Ok(settings) => {
            Lines::ok("lambda:GetFunctionConfiguration", "its settings:");
            for (name, value) in settings {
                out(&format!("       {name:<22} {value}\n"));
            }
        }
        Err(error) => Lines::line(
            "?",
            "lambda:GetFunctionConfiguration",
            &format!("its settings may not be read: {error}"),
        ),
    }
}

impl Lines {
    fn line(mark: &str, what: &str, says: &str) {
        out(format!("  {mark:<3}  {what:<28}  {says}").trim_end());
        out("\n");
    }

    fn ok(what: &str, says: &str) {
        Self::line("ok", what, says);
    }

    /// A call that was tried: it is allowed, or this statement would allow it.
    fn tell(&mut self, action: &str, says: &str, refused: Option<Refusal>, resource: &str) {
        let Some(refused) = refused else {
            return Self::ok(action, says);
        };
        self.is_complete = false;
        if refused.is_denied {
            Self::line("no", action, says);
            Self::allow(action.split(' ').next().unwrap_or_default(), resource);
        } else {
            Self::line("?", action, &refused.says);
        }
    }

    /// The IAM statement that would allow an action.
    fn allow(action: &str, resource: &str) {
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
        out(&format!("       allow it:  {statement}\n"));
    }
}
