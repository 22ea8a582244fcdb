//! What must hold after the function has handled a mutated event, of the answer, the calls and the jobs.

use std::{collections::BTreeSet, time::Duration};

use batch_cancel::{
    command::{Command, Event, NoRequest, Reply, RequestRefused, Source},
    config::Config,
    event::{Scope, decode},
    request::{Action, AskedId, OwnRegion, Request, Target},
    respond::Failure,
};
use batch_emulator::{Call, Emulator, Operation, Status};
use jiff::Timestamp;
use serde_json::Value;
use support::{FUNCTION_ARN, Function};

use super::{
    Mutant,
    account::{account, ids},
    decoded::names_the_field,
    facts::Facts,
    tree::Tree,
};

/// An invocation that takes longer, in virtual time, hangs: its deadline is after a minute.
const HANGS: Duration = Duration::from_mins(2);

const SETTINGS: [&[(&str, &str)]; 4] = [
    &[],
    &[("ALLOW_TERMINATE", "true")],
    &[("REQUIRE_CALLER", "false"), ("ALARM_DESCRIPTIONS", "true")],
    &[
        ("ALLOW_TERMINATE", "true"),
        ("REQUIRE_CALLER", "false"),
        ("ALARM_DESCRIPTIONS", "true"),
    ],
];

/// The functions that handle the events, one for each of the settings, each with its account.
pub(crate) struct Bench {
    ids: BTreeSet<String>,
    functions: Vec<Option<Function>>,
    next: usize,
}

/// A handled event.
struct Handled<'a> {
    facts: Facts,
    event: Result<Event, RequestRefused>,
    answer: Result<Value, Failure>,
    calls: Vec<Call>,
    emulator: &'a Emulator,
    may_terminate: bool,
}

impl Bench {
    pub(crate) fn new(samples: &[Tree]) -> Self {
        Self {
            ids: ids(samples),
            functions: SETTINGS.iter().map(|_| None).collect(),
            next: 0,
        }
    }

    /// Handles the event with two of the settings, in turn.
    pub(crate) async fn check(&mut self, mutant: &Mutant<'_>) -> Result<String, String> {
        let mut result = String::new();
        let first = self.next % SETTINGS.len();
        self.next += 1;
        // One of the two functions may terminate, the other may not.
        for index in [first, first ^ 1] {
            let function = self.functions[index]
                .take()
                .unwrap_or_else(|| Function::on(account(&self.ids), SETTINGS[index]));
            let handled = handle(&function, mutant, SETTINGS[index]).await?;
            handled.check(mutant)?;
            result = handled.result();
            let unchanged = !handled.calls.iter().any(changes);
            drop(handled);
            // An account is used again unless it was changed.
            self.functions[index] = unchanged.then_some(function);
        }
        Ok(result)
    }
}

async fn handle<'a>(
    function: &'a Function,
    mutant: &Mutant<'_>,
    settings: &[(&str, &str)],
) -> Result<Handled<'a>, String> {
    function.emulator.forget_calls();
    let text = mutant.event.get();
    let answer = tokio::time::timeout(HANGS, function.invoke_text(text));
    let answer = answer
        .await
        .map_err(|_| "no answer before the deadline".to_owned())?;
    let lookup = |name: &str| {
        let found = settings.iter().find(|(setting, _)| *setting == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let config = Config::from_lookup(lookup).unwrap();
    let scope = Scope {
        config: &config,
        own_region: &OwnRegion::from_function_arn(FUNCTION_ARN),
        now: Timestamp::now(),
    };
    Ok(Handled {
        facts: Facts::of(text),
        event: decode(&mutant.event, &scope),
        answer,
        calls: function.emulator.calls(),
        emulator: &function.emulator,
        may_terminate: config.policy.allow_terminate,
    })
}

/// Whether a call cancels or terminates.
fn changes(call: &Call) -> bool {
    cancels(call) || terminates(call)
}

fn cancels(call: &Call) -> bool {
    matches!(call.operation, Operation::CancelJob | Operation::CancelJobs)
}

fn terminates(call: &Call) -> bool {
    matches!(
        call.operation,
        Operation::TerminateJob
            | Operation::TerminateJobs
            | Operation::TerminateServiceJob
            | Operation::TerminateServiceJobs
    )
}

fn requests_of(event: &Event) -> Vec<&Request> {
    let Command::Cancel { messages, .. } = &event.command else {
        return Vec::new();
    };
    let requests = messages.iter();
    let requests = requests.filter_map(|message| message.request.as_ref().ok());
    requests.collect()
}

impl Handled<'_> {
    fn check(&self, mutant: &Mutant<'_>) -> Result<(), String> {
        self.calls_were_requested()?;
        self.events_without_jobs_make_no_calls()?;
        self.nothing_is_lost()?;
        self.messages_are_answered(mutant)?;
        self.http_is_answered()?;
        if let Err(failure) = &self.answer {
            let text = failure.to_string();
            if text.trim().len() < 8 {
                return Err(format!("an error without a message: {text:?}"));
            }
            if matches!(failure, Failure::Unwritable(_)) {
                return Err(text);
            }
            if matches!(failure, Failure::Event(RequestRefused::InvalidRequest(_))) {
                names_the_field(&text, mutant)?;
            }
        }
        Ok(())
    }

    /// Only jobs that the event names, or jobs of a queue that it selects from, are changed.
    fn calls_were_requested(&self) -> Result<(), String> {
        let requests = self.event.as_ref().map(requests_of).unwrap_or_default();
        let selects = requests
            .iter()
            .any(|request| matches!(request.target, Target::Select(_)));
        for call in self.calls.iter().filter(|call| changes(call)) {
            for id in &call.job_ids {
                let queue = self.emulator.job(id).map(|job| job.job_queue);
                let selected =
                    selects && queue.is_some_and(|queue| self.facts.text.contains(&queue));
                if !self.facts.names(id) && !selected {
                    return Err(format!(
                        "{} of {id}, which is not in the event",
                        call.operation
                    ));
                }
                let is_real = selects && requests.iter().any(|request| !request.dry_run);
                if !(is_real || self.facts.names_outside_dry_runs(id)) {
                    return Err(format!("{} of {id} in a dry run", call.operation));
                }
            }
            if terminates(call) {
                let blocked = self.facts.text.contains("batch service job queue blocked");
                if !self.may_terminate || !(self.facts.terminate || blocked) {
                    return Err(format!(
                        "{} was not requested, or is not allowed",
                        call.operation
                    ));
                }
            }
        }
        Ok(())
    }

    fn events_without_jobs_make_no_calls(&self) -> Result<(), String> {
        let is_about_jobs = match &self.event {
            Err(_) => false,
            Ok(event) => match &event.command {
                Command::Cancel { .. } => requests_of(event).iter().any(|request| {
                    let terminates = request.action == Action::Terminate;
                    let ids = match &request.target {
                        Target::Jobs(ids) => ids.iter().any(|id| matches!(id, AskedId::Job { .. })),
                        _ => true,
                    };
                    ids && (self.may_terminate || !terminates)
                }),
                Command::ShowJob { .. }
                | Command::ShowQueue { .. }
                | Command::ListJobs { .. }
                | Command::Panel(_)
                | Command::Watch(_) => true,
                Command::OpenApi(_)
                | Command::WidgetDocumentation
                | Command::RefuseEvent(_)
                | Command::RefuseHttp { .. }
                | Command::RefuseWidget(_) => false,
            },
        };
        match self.calls.first() {
            Some(call) if !is_about_jobs => Err(format!(
                "{} was called, but the event names no jobs",
                call.operation
            )),
            _ => Ok(()),
        }
    }

    /// If the answer is a success, each named job that can be cancelled is cancelled.
    fn nothing_is_lost(&self) -> Result<(), String> {
        let (Ok(event), Ok(answer)) = (&self.event, &self.answer) else {
            return Ok(());
        };
        let Command::Cancel { messages, .. } = &event.command else {
            return Ok(());
        };
        let failed = failures(answer);
        let refused = answer["statusCode"]
            .as_u64()
            .is_some_and(|status| status != 200);
        for message in messages {
            let is_failed = message
                .id
                .as_ref()
                .is_some_and(|id| failed.contains(id.as_str()));
            let Ok(request) = &message.request else {
                continue;
            };
            let sure = Some(request)
                .filter(|request| !request.dry_run && request.max_jobs.is_none())
                .into_iter();
            for request in sure.filter(|_| !is_failed && !refused) {
                let Target::Jobs(ids) = &request.target else {
                    continue;
                };
                for id in ids {
                    let AskedId::Job { id, .. } = id else {
                        continue;
                    };
                    let job = self.emulator.job(&id.to_string());
                    if job.is_some_and(|job| {
                        job.status == Status::Runnable
                            && job.is_service_job == id.is_service_job()
                            && !(job.is_cancelled || job.is_terminated)
                    }) {
                        return Err(format!(
                            "{id} is unchanged, and the answer does not say so: {answer}"
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// Each SQS record is a message, and each message that cannot be done is returned under its own id.
    fn messages_are_answered(&self, mutant: &Mutant<'_>) -> Result<(), String> {
        let (Ok(event), Ok(answer)) = (&self.event, &self.answer) else {
            return Ok(());
        };
        let Command::Cancel {
            messages,
            reply: Reply::BatchItemFailures,
        } = &event.command
        else {
            return Ok(());
        };
        let tree = Tree::read(mutant.event.get());
        let records = tree
            .as_ref()
            .map(|tree| tree.get("Records").unwrap_or(tree).children());
        if let Some(records) = records {
            let ids = records
                .iter()
                .map(|record| record.get("messageId").and_then(Tree::as_text));
            if !ids.eq(messages.iter().map(|message| message.id.clone())) {
                return Err(format!(
                    "the messages are not those of the records: {messages:?}"
                ));
            }
        }
        let failed = failures(answer);
        let known: BTreeSet<&str> = messages
            .iter()
            .filter_map(|message| message.id.as_deref())
            .collect();
        if !failed.is_subset(&known) {
            return Err(format!(
                "an id is returned that is not in the event: {answer}"
            ));
        }
        for message in messages {
            let invalid = |id: &AskedId| matches!(id, AskedId::Invalid { .. });
            let is_bad = match &message.request {
                Err(NoRequest::Refused(_)) => true,
                Err(NoRequest::Ignored(_)) => false,
                Ok(request) => Some(request)
                    .into_iter()
                    .any(|request| match &request.target {
                        Target::Jobs(ids) => ids.iter().any(invalid),
                        _ => false,
                    }),
            };
            let id = message.id.as_deref().unwrap_or_default();
            if is_bad && !failed.contains(id) {
                return Err(format!(
                    "{id:?} cannot be done, but is not returned: {answer}"
                ));
            }
        }
        Ok(())
    }

    fn http_is_answered(&self) -> Result<(), String> {
        let (Ok(Event { source, .. }), answer) = (&self.event, &self.answer) else {
            return Ok(());
        };
        if *source != Some(Source::Http) {
            return Ok(());
        }
        let Ok(answer) = answer else {
            return Err("an HTTP request was answered by an invocation error".to_owned());
        };
        let status = answer["statusCode"].as_u64().unwrap_or_default();
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())
            .map_err(|error| format!("{error} in {answer}"))?;
        let is_known = [200, 400, 401, 403, 404, 405, 409, 413, 415].contains(&status);
        if !is_known || (status != 200 && body["status"] != status) {
            return Err(format!(
                "an HTTP answer that openapi.json does not describe: {answer}"
            ));
        }
        Ok(())
    }

    /// The kind of answer, in a word or two.
    fn result(&self) -> String {
        match &self.answer {
            Err(failure) => failure.error_type().to_owned(),
            Ok(answer) if answer["statusCode"].is_number() => {
                format!("HTTP {}", answer["statusCode"])
            }
            Ok(answer) if answer["ignored"].is_string() => "ignored".to_owned(),
            Ok(answer) if answer["batchItemFailures"].is_array() => "batchItemFailures".to_owned(),
            Ok(_) => "a report".to_owned(),
        }
    }
}

fn failures(answer: &Value) -> BTreeSet<&str> {
    let failures = answer["batchItemFailures"].as_array().into_iter().flatten();
    failures
        .filter_map(|failure| failure["itemIdentifier"].as_str())
        .collect()
}
