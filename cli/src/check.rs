//! `bcancel check`: what these credentials, or that function, may do. It changes nothing.

use batch_cancel::{
    batch::{
        CallError, DescribeJobs, EndJobs, EndOperation, ErrorKind, GetJobQueueSnapshot, ListJobs,
        ListOf, Listing,
    },
    request::{JobId, Status},
    session::{Calls, Session},
};
use serde_json::json;

use crate::{
    account::{Account, Place},
    act::NOT_ALL,
    args::{Check, Cli, End},
    door::Door,
    error::{Result, UserError},
    output::out,
};

/// Ids that AWS Batch never gives out.
const NO_JOBS: [&str; 2] = [
    "00000000-0000-4000-8000-000000000000",
    "00000000-0000-4000-8000-000000000001",
];

/// A line for each thing that may be done or not.
#[derive(Default)]
struct Lines {
    is_complete: bool,
}

/// Tries what may be done.
pub(crate) async fn check(cli: &Cli, args: &Check) -> Result<u8> {
    let mut lines = Lines { is_complete: true };
    match Door::open(&cli.to, &End::default()).await? {
        Door::Own(place) => check_own(&place, args, &mut lines).await?,
        #[cfg(feature = "function")]
        Door::Function(function) => check_function(&function, &mut lines).await,
    }
    Ok(if lines.is_complete { 0 } else { NOT_ALL })
}

async fn check_own(place: &Place, args: &Check, lines: &mut Lines) -> Result<()> {
    let account = &place.account;
    let who = format!(
        "{}, account {}, {}",
        account.name(),
        account.id,
        account.region
    );
    Lines::ok("credentials", &who);
    let calls = Calls::default();
    let session = place.session(&calls, None, None);
    let ids = no_jobs()?;
    let described = session.call(&DescribeJobs(&ids)).await;
    lines.tell("batch:DescribeJobs", "", described.err(), "*");
    let (queues, error) = if args.queues.is_empty() {
        let (queues, error) = session.allowed_queues().await;
        (queues.into_iter().map(|queue| queue.arn).collect(), error)
    } else {
        (account.queue_arns(&args.queues), None)
    };
    lines.tell("batch:DescribeJobQueues", "", error, "*");
    check_queues(&queues, session, lines).await;
    if args.bulk {
        check_bulk(&ids, account, session, lines).await;
    } else {
        let why = "not tested; --bulk sends one CancelJobs for an id that cannot exist";
        Lines::line("?", "batch:CancelJob", why);
    }
    Ok(())
}

fn no_jobs() -> Result<Vec<JobId>> {
    let ids = NO_JOBS.iter().map(|id| JobId::from_batch(id));
    let ids: Option<Vec<JobId>> = ids.collect();
    ids.ok_or_else(|| UserError::new("the ids of check are none"))
}

/// Lists the first queue, and reads the front of each.
async fn check_queues(queues: &[String], session: Session<'_>, lines: &mut Lines) {
    if let Some(first) = queues.first() {
        let listing = Listing {
            of: ListOf::Queue(first.clone()),
            status: Some(Status::Runnable),
            filter: None,
        };
        let list = ListJobs {
            listing: &listing,
            next: None,
            limit: Some(1),
        };
        let listed = session.call(&list).await;
        lines.tell("batch:ListJobs", "", listed.err(), "*");
    }
    let mut readable = Vec::new();
    for arn in queues {
        let name = batch_cancel::policy::queue_name(arn);
        match session.call(&GetJobQueueSnapshot(arn)).await {
            Ok(_) => readable.push(name),
            Err(error) => {
                lines.tell(
                    &format!("batch:GetJobQueueSnapshot on {name}"),
                    "",
                    Some(error),
                    arn,
                );
            }
        }
    }
    if !readable.is_empty() {
        Lines::ok(
            "batch:GetJobQueueSnapshot",
            &format!("on {}", readable.join(", ")),
        );
    }
}

/// Sends CancelJobs for ids that cannot exist: it tells whether that is allowed, and whether bulk calls exist here.
async fn check_bulk(ids: &[JobId], account: &Account, session: Session<'_>, lines: &mut Lines) {
    let call = EndJobs {
        operation: EndOperation::CancelJob,
        ids,
        reason: "bcancel check",
    };
    let resource = account.job_arns();
    match session.call(&call).await {
        Err(error) if error.kind == ErrorKind::NoSuchOperation => {
            Lines::line(
                "?",
                "batch:CancelJob",
                "there are no bulk calls here: jobs are cancelled one by one",
            );
        }
        Err(error) => lines.tell("batch:CancelJob", "", Some(error), &resource),
        Ok(answer) => {
            let refused = answer.refused.into_iter().map(|(_, error)| error);
            let denied = refused
                .into_iter()
                .find(|error| error.kind == ErrorKind::Denied);
            lines.tell(
                "batch:CancelJob",
                "by CancelJobs, 50 jobs a call",
                denied,
                &resource,
            );
        }
    }
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
            Lines::line("no", "lambda:InvokeFunction", &error.to_string());
            let resource = function.arn();
            Lines::allow("lambda:InvokeFunction", &resource);
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
    fn tell(&mut self, action: &str, says: &str, error: Option<CallError>, resource: &str) {
        let Some(error) = error else {
            return Self::ok(action, says);
        };
        self.is_complete = false;
        if error.kind == ErrorKind::Denied {
            Self::line("no", action, says);
            Self::allow(action.split(' ').next().unwrap_or_default(), resource);
        } else {
            Self::line("?", action, &error.message);
        }
    }

    /// The IAM statement that would allow an action.
    fn allow(action: &str, resource: &str) {
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
        out(&format!("       allow it:  {statement}\n"));
    }
}
