//! Who ends the jobs: this program with the caller's own credentials, or a deployed function.

use std::time::Duration;

use batch_cancel::{
    Owner,
    command::{Invocation, Message, Source},
    end_jobs, queue,
    request::{Request, WatchRequest},
    session::{Calls, Control, Deadline, Session},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    account::Place,
    args::{End, To},
    error::{Result, UserError},
    report::Report,
    request::Fields,
    words::flags,
};

/// Longer than any work takes: there is no deadline but `--timeout`.
const FOR_EVER: Duration = Duration::from_hours(24 * 30);

/// Why `--function` is refused.
pub(crate) const NO_FUNCTIONS: &str = "this build cannot call functions: cargo install --path cli";

/// Who ends the jobs.
pub(crate) enum Door {
    /// This program.
    Own(Box<Place>),
    /// A deployed function.
    #[cfg(feature = "function")]
    Function(crate::function::Function),
}

impl Door {
    /// The door that the flags ask for.
    pub(crate) async fn open(to: &To, end: &End) -> Result<Self> {
        match &to.function {
            None => Ok(Self::Own(Box::new(Place::of(to, end).await?))),
            #[cfg(feature = "function")]
            Some(name) => Ok(Self::Function(
                crate::function::Function::named(name, to, end).await?,
            )),
            #[cfg(not(feature = "function"))]
            Some(_) => Err(NO_FUNCTIONS.into()),
        }
    }

    /// Ends the jobs of a request, or says what it would do.
    pub(crate) async fn ask(
        &self,
        request: &Fields,
        time: Option<Duration>,
        control: &Control,
    ) -> Result<Report> {
        match self {
            Self::Own(place) => place.end(request, time, control).await,
            #[cfg(feature = "function")]
            Self::Function(function) => function.end(request).await,
        }
    }

    /// Measures job queues: the answer of a watch.
    pub(crate) async fn watch(&self, queues: &[String]) -> Result<Value> {
        match self {
            Self::Own(place) => place.watch(queues).await,
            #[cfg(feature = "function")]
            Self::Function(function) => function.watch(queues).await,
        }
    }
}

impl Place {
    /// Where the calls of a command go.
    pub(crate) fn session<'a>(
        &'a self,
        calls: &'a Calls,
        time: Option<Duration>,
        control: Option<&'a Control>,
    ) -> Session<'a> {
        let deadline = Deadline::after(time.unwrap_or(FOR_EVER));
        Session {
            control,
            ..self.app.session(&Owner::Anyone, calls, deadline)
        }
    }

    async fn end(
        &self,
        request: &Fields,
        time: Option<Duration>,
        control: &Control,
    ) -> Result<Report> {
        let mut asked = Request::from_json(&json!(request).to_string(), &self.account.own_region())
            .map_err(|error| UserError::new(flags(&error.to_string())))?;
        if !asked.wait.is_zero() {
            // At a keyboard somebody waits, and ends it when they have waited enough.
            asked.wait = FOR_EVER;
        }
        let request_id = Uuid::new_v4().to_string();
        let function_arn = self.account.function_arn();
        let invocation = Invocation {
            source: Some(Source::Direct),
            requested_by: Some(&self.account.caller),
            request_id: &request_id,
            function_arn: &function_arn,
            function_name: "bcancel",
            at: Timestamp::now().as_millisecond(),
            comes_again: false,
        };
        let calls = Calls::default();
        let session = self.session(&calls, time, Some(control));
        let messages = vec![Message::from(Ok(asked))];
        let results = Box::pin(end_jobs(messages, invocation, session)).await;
        if let Some(why) = results.refusal() {
            return Err(flags(&why.to_string()).into());
        }
        let mut report = Report::of(&results, invocation).map_err(|error| error.to_string())?;
        let messages = report.jobs.iter_mut().map(|job| &mut job.message);
        for message in messages.chain([&mut report.ignored]).flatten() {
            *message = flags(message);
        }
        Ok(report)
    }
}

impl Door {
    /// Where the calls go and as whom, in one line.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Own(place) => place.say(),
            #[cfg(feature = "function")]
            Self::Function(function) => function.say(),
        }
    }
}

impl Place {
    pub(crate) fn say(&self) -> String {
        if self.emulator.is_some() {
            return "Emulator: made-up jobs in memory, nothing in AWS is touched".to_owned();
        }
        let account = &self.account;
        let through = account
            .through
            .iter()
            .map(|through| format!(" ({through})"));
        let through: String = through.collect();
        format!(
            "Account {}, {}, as {}{through}",
            account.id,
            account.region,
            account.name()
        )
    }

    /// The names of all job queues, as far as they can be read.
    pub(crate) async fn queue_names(&self) -> Vec<String> {
        let mut pages = self.client.describe_job_queues().into_paginator().send();
        let mut names = Vec::new();
        while let Some(Ok(page)) = pages.next().await {
            let queues = page.job_queues.into_iter().flatten();
            names.extend(queues.filter_map(|queue| queue.job_queue_name));
        }
        names
    }

    async fn watch(&self, queues: &[String]) -> Result<Value> {
        let request = WatchRequest {
            job_queues: (!queues.is_empty()).then(|| queues.to_vec()),
        };
        let now = Timestamp::now().as_millisecond();
        let calls = Calls::default();
        let watch = queue::watch(&request, now, self.session(&calls, None, None)).await;
        let watch = watch.map_err(|error| flags(&error.to_string()))?;
        let queues = serde_json::to_value(&watch.queues).map_err(|error| error.to_string())?;
        let error = watch.error.as_ref().map(|error| &error.message);
        Ok(json!({"queues": queues, "complete": watch.is_complete(), "error": error}))
    }
}
