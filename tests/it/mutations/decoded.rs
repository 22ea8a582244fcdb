//! What must hold of a mutated event once it is decoded, before anything is called.

use batch_cancel::{
    config::Config,
    event::{Command, Content, Event, EventError, Refusal, Scope, decode},
    request::{Action, AskedId, JobId, MAX_WAIT, OwnRegion, Request, Target},
};
use jiff::Timestamp;
use support::FUNCTION_ARN;

use super::{Mutant, facts::Facts, mutate::FIELDS};

/// Settings and place of the function.
pub struct Checks {
    configs: Vec<Config>,
    own_region: OwnRegion,
}

/// Each event meets all of them.
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
    pub fn new() -> Self {
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

    /// What a mutated event is decoded to, by kind, if that is what it says.
    pub fn check(&self, mutant: &Mutant<'_>) -> Result<&'static str, String> {
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
                return Err("an event of no message at all was understood".to_owned());
            }
            for message in messages {
                match &message.content {
                    Ok(Content::Request(request)) => of_request(request, facts)?,
                    Ok(Content::Ignored(why)) => says_something(why)?,
                    Err(error) => says_something(&error.to_string())?,
                }
            }
            Ok(event.source.as_str())
        }
        Command::ShowJob { id, .. } => named(*id, facts).map(|()| "a job to show"),
        Command::Document(_) => Ok("a fixed text"),
        Command::Panel(panel) if panel.limit == 0 || panel.statuses.is_empty() => {
            Err(format!("not a valid panel: {panel:?}"))
        }
        Command::Panel(_) => Ok("a dashboard"),
        Command::Refuse(Refusal::Http { problem, .. }) => {
            says_something(&problem.detail).map(|()| "an HTTP problem")
        }
        Command::Refuse(Refusal::Widget(error)) => {
            says_something(&error.to_string()).map(|()| "a problem in a widget")
        }
    }
}

fn of_request(request: &Request, facts: &Facts) -> Result<(), String> {
    let has_empty_reason = matches!(&request.reason, Some(reason) if reason.trim().is_empty());
    if request.wait > MAX_WAIT || has_empty_reason {
        return Err(format!("not a valid request: {request:?}"));
    }
    let terminates = request.action == Action::Terminate;
    match &request.target {
        Target::Jobs(ids) => {
            for asked in ids {
                if let AskedId::Job { id, .. } = asked {
                    named(*id, facts)?;
                    if !request.dry_run && !facts.means(&id.to_string()) {
                        return Err(format!("{id} was to be looked at in a dry run only"));
                    }
                    if id.is_service_job() && !terminates {
                        return Err(format!("{id} is a service job, which nothing can cancel"));
                    }
                }
            }
        }
        Target::Blocked(id) => {
            // The event of a blocked service job asks for it without a field of that name.
            return named(*id, facts);
        }
        Target::Select(_) => {}
    }
    if terminates && !facts.terminate {
        return Err(format!("nobody asked to terminate: {request:?}"));
    }
    Ok(())
}

fn named(id: JobId, facts: &Facts) -> Result<(), String> {
    if facts.names(&id.to_string()) {
        return Ok(());
    }
    Err(format!("{id} stands nowhere in the event"))
}

fn says_something(text: &str) -> Result<(), String> {
    if text.trim().len() < 8 {
        return Err(format!("an answer that says nothing: {text:?}"));
    }
    Ok(())
}

fn of_error(error: &EventError, mutant: &Mutant<'_>) -> Result<(), String> {
    let text = error.to_string();
    says_something(&text)?;
    if !["UnsupportedEvent", "InvalidEvent", "InvalidRequest"].contains(&error.error_type()) {
        return Err(format!("decoding ends with {}: {text}", error.error_type()));
    }
    names_the_field(&text, mutant)
}

/// Where a field of our own schema was made wrong, and nothing else, the error is about it.
pub fn names_the_field(text: &str, mutant: &Mutant<'_>) -> Result<(), String> {
    let elsewhere = [
        "rename",
        "dissolve",
        "mix in another event beside",
        "reorder the fields beside",
    ];
    let was_fine = [
        "direct-cancel.json",
        "direct-wait.json",
        "direct-select-stuck.json",
    ];
    if let [done] = mutant.done.as_slice()
        && let Some(field) = &done.field
        && was_fine.contains(&mutant.name)
        && FIELDS.contains(&field.as_str())
        && !elsewhere.contains(&done.how)
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
