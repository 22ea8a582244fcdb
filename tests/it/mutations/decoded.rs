//! What must hold after a mutated event is decoded.

use batch_cancel::{
    command::{Command, Event, NoRequest, RequestRefused, Source},
    config::Config,
    event::{Scope, decode},
    request::{Action, AskedId, JobId, MAX_WAIT, OwnRegion, QueueName, Request, Target},
};
use jiff::Timestamp;
use support::FUNCTION_ARN;

use super::{Mutant, facts::Facts, mutate::FIELDS};

/// The settings of the function, and where it runs.
pub(crate) struct Checks {
    configs: Vec<Config>,
    own_region: OwnRegion,
}

/// Each event is decoded with each of them.
const SETTINGS: [&[(&str, &str)]; 2] = [
    &[],
    &[
        ("ALLOW_TERMINATE", "true"),
        ("ALARM_DESCRIPTIONS", "true"),
        ("REQUIRE_CALLER", "false"),
        ("MAX_EVENT_AGE", "900"),
    ],
];

impl Checks {
    pub(crate) fn new() -> Self {
        let config = |settings: &&[(&str, &str)]| {
            let lookup = |name: &str| {
                let found = settings.iter().find(|(setting, _)| *setting == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            Config::from_lookup(lookup).unwrap()
        };
        Self {
            configs: SETTINGS.iter().map(config).collect(),
            own_region: OwnRegion::from_function_arn(FUNCTION_ARN),
        }
    }

    /// The kind of what a mutated event is decoded to, if the event contains that.
    pub(crate) fn check(&self, mutant: &Mutant<'_>) -> Result<&'static str, String> {
        let facts = Facts::of(mutant.event.get());
        let mut result = "";
        for config in &self.configs {
            let scope = Scope {
                config,
                own_region: &self.own_region,
                now: Timestamp::UNIX_EPOCH,
            };
            result = match decode(&mutant.event, &scope) {
                Ok(event) => of_event(&event, &facts)?,
                Err(error) => {
                    of_error(&error, mutant)?;
                    error.error_type()
                }
            };
        }
        Ok(result)
    }
}

fn of_event(event: &Event, facts: &Facts) -> Result<&'static str, String> {
    match &event.command {
        Command::Cancel { messages, .. } => {
            if messages.is_empty() {
                return Err("an event without messages was accepted".to_owned());
            }
            for message in messages {
                match &message.request {
                    Ok(request) => of_request(request, facts)?,
                    Err(NoRequest::Ignored(why)) => check_text(why)?,
                    Err(NoRequest::Refused(why)) => check_text(&why.to_string())?,
                }
            }
            Ok(event.source.map_or("no source", Source::as_str))
        }
        Command::ShowJob { id, .. } => named(*id, facts).map(|()| "a job to show"),
        Command::ShowQueue { queue, .. } => of_queue(queue, facts).map(|()| "a queue to show"),
        Command::ListJobs { page, .. } => {
            if page.limit == 0 || !page.status.is_listed() {
                return Err(format!("not a valid page: {page:?}"));
            }
            of_queue(&page.queue, facts).map(|()| "jobs to list")
        }
        Command::Watch(watch) => {
            let is_empty = |queues: &Vec<String>| {
                queues.is_empty() || queues.iter().any(|queue| queue.trim().is_empty())
            };
            if watch.job_queues.as_ref().is_some_and(is_empty) {
                return Err(format!("not a valid watch: {watch:?}"));
            }
            Ok("a watch")
        }
        Command::OpenApi(_) | Command::WidgetDocumentation => Ok("a fixed text"),
        Command::Panel(panel) if panel.limit == 0 || panel.statuses.is_empty() => {
            Err(format!("not a valid panel: {panel:?}"))
        }
        Command::Panel(_) => Ok("a dashboard"),
        Command::RefuseHttp { problem, .. } => {
            check_text(&problem.detail).map(|()| "an HTTP problem")
        }
        Command::RefuseWidget(error) | Command::RefuseEvent(error) => {
            check_text(&error.to_string()).map(|()| "a problem in a widget")
        }
    }
}

fn of_queue(queue: &QueueName, facts: &Facts) -> Result<(), String> {
    if queue.name.is_empty() || !facts.text.contains(&queue.name.to_lowercase()) {
        return Err(format!("the event does not name {queue:?}"));
    }
    Ok(())
}

fn of_request(request: &Request, facts: &Facts) -> Result<(), String> {
    let has_empty_reason = matches!(&request.reason, Some(reason) if reason.trim().is_empty());
    if request.wait > MAX_WAIT || has_empty_reason {
        return Err(format!("not a valid request: {request:?}"));
    }
    let terminates = request.action == Action::Terminate;
    match &request.target {
        Target::Jobs(ids) => {
            for id in ids {
                if let AskedId::Job { id, .. } = id {
                    named(*id, facts)?;
                    if !request.dry_run && !facts.names_outside_dry_runs(&id.to_string()) {
                        return Err(format!("{id} is named only in a dry run"));
                    }
                    if id.is_service_job() && !terminates {
                        return Err(format!("{id} is a service job, which cannot be cancelled"));
                    }
                }
            }
        }
        Target::Blocked(id) => {
            // The event of a blocked service job is a request to terminate it without a field `terminate`.
            return named(*id, facts);
        }
        Target::Select(_) => {}
    }
    if terminates && !facts.terminate {
        return Err(format!(
            "the event does not request to terminate: {request:?}"
        ));
    }
    Ok(())
}

fn named(id: JobId, facts: &Facts) -> Result<(), String> {
    if facts.names(&id.to_string()) {
        return Ok(());
    }
    Err(format!("{id} is not in the event"))
}

fn check_text(text: &str) -> Result<(), String> {
    if text.trim().len() < 8 {
        return Err(format!("an empty text: {text:?}"));
    }
    Ok(())
}

fn of_error(error: &RequestRefused, mutant: &Mutant<'_>) -> Result<(), String> {
    let text = error.to_string();
    check_text(&text)?;
    if !["UnsupportedEvent", "InvalidEvent", "InvalidRequest"].contains(&error.error_type()) {
        return Err(format!("decoding ends with {}: {text}", error.error_type()));
    }
    names_the_field(&text, mutant)
}

/// If the only mutation is of a field of the request schema, the error names the field.
pub(crate) fn names_the_field(text: &str, mutant: &Mutant<'_>) -> Result<(), String> {
    let of_other_fields = [
        "rename",
        "dissolve",
        "mix in another event beside",
        "reorder the fields beside",
    ];
    let valid_requests = ["direct-cancel", "direct-wait", "direct-select-stuck"];
    if let [done] = mutant.done.as_slice()
        && let Some(field) = &done.field
        && valid_requests.contains(&mutant.name)
        && FIELDS.contains(&field.as_str())
        && !of_other_fields.contains(&done.how)
        && !mutant.as_text
        && !text.contains(field.as_str())
        && !text.contains("expected")
    {
        return Err(format!(
            "{field} is wrong, and the error does not say so: {text}"
        ));
    }
    Ok(())
}
