//! `bcancel event`: one event through the same code as in Lambda, against the emulator, or as a dry run against AWS.

mod made_up;
mod read;
mod show;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_sdk_batch::Client;
use batch_cancel::{
    App, batch::Batch, config::Config, request::OwnRegion, respond::Failure,
    telemetry::InvocationRecord,
};
use batch_emulator::demo;
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{json, value::RawValue};

#[cfg(feature = "function")]
use crate::function::Function;
use crate::{
    account::{Account, Place, emulated_account, own_policy},
    act,
    args::{Cli, End, Event, To},
    aws,
    door::Door,
    error::{Result, UserError},
    output::err,
    question::Answers,
};
use show::Shown;

/// The id of each invocation, the same for all, so that two runs can be compared.
const REQUEST_ID: &str = "00000000-0000-4000-8000-0000000000ff";

/// The time that the function has, in Lambda the `Timeout` of the function.
const TIME: Duration = Duration::from_mins(1);

/// Sends an event through the function.
pub(crate) async fn event(cli: &Cli, args: &Event) -> Result<u8> {
    let (event, name) = read::event(&args.given)?;
    if args.aws && (cli.to.function.is_some() || cli.to.emulator.is_some()) {
        return Err("give one of --aws, --emulator and --function".into());
    }
    #[cfg(feature = "function")]
    if let Some(function) = &cli.to.function {
        return through(function, &cli.to, &event).await;
    }
    if cli.to.function.is_some() {
        return Err(crate::door::NO_FUNCTIONS.into());
    }
    if args.aws {
        return with_aws(&cli.to, args, event).await;
    }
    let settings = demo::settings(&name);
    let config = config(settings)?;
    say_settings(settings);
    let seed = cli.to.emulator.as_deref().unwrap_or_default();
    let (emulator, account) = emulated_account(seed)?;
    if seed.is_empty() {
        let now = Timestamp::now();
        let own_region = OwnRegion::from_function_arn(&function_arn(&account));
        err(&made_up::add(&emulator, &event, &config, &own_region, now));
    }
    let mut place = Place::emulated(emulator, account, config).await?;
    if std::env::var_os("RUST_LOG").is_some() {
        place.app.output = Some(Box::new(|line| err(&format!("{line}\n"))));
    }
    let mut shown = Shown::default();
    let answer = invoke(&place, event, |finished| shown.see(finished)).await;
    Ok(shown.print(&answer))
}

/// Sends an event to a deployed function, as it is.
#[cfg(feature = "function")]
async fn through(name: &str, to: &To, event: &RawValue) -> Result<u8> {
    let function = Function::named(name, to, &End::default()).await?;
    act::say_where(&function.say());
    let answer = function.invoke(event.get()).await?;
    Ok(show::answer_of_function(&answer))
}

/// A dry run against AWS, and a question before anything is ended.
async fn with_aws(to: &To, args: &Event, event: Box<RawValue>) -> Result<u8> {
    let aws = aws::load(to).await?;
    let account = aws::account(&aws, to).await?;
    let place = |is_dry_run| {
        Ok::<_, UserError>(Place {
            app: App::new(own_policy(to, &account, is_dry_run)?, Batch::new(&aws)),
            client: Client::new(&aws),
            account: account.clone(),
            emulator: None,
        })
    };
    let dry = place(true)?;
    err(&format!("{}, a dry run\n\n", dry.say()));
    let mut shown = Shown::default();
    let answer = invoke(&dry, event, |finished| shown.see(finished)).await;
    let (found, reason) = shown.found();
    let code = shown.print(&answer);
    let door = Door::Own(Box::new(place(false)?));
    let mut codes = Vec::new();
    for terminate in [false, true] {
        let Some(found) = found.as_ref().and_then(|found| found.only(terminate)) else {
            continue;
        };
        let answers = match Answers::find(args.given == "-") {
            _ if args.yes => None,
            Ok(answers) => Some(answers),
            Err(why) => {
                err(&format!("Nothing was ended: {why}\n"));
                return Ok(code);
            }
        };
        let end = End {
            reason: reason.clone(),
            terminate,
            answers_elsewhere: true,
            ..End::default()
        };
        let ids = json!([]);
        let ended = act::confirm(&end, &door, None, &found, ("jobIds", &ids), answers);
        codes.push(ended.await?);
    }
    // A no is "nothing was done" only if it was said to all.
    let is_nothing = |code: &u8| *code == act::NOTHING;
    let all_declined = !codes.is_empty() && codes.iter().all(is_nothing);
    let worst = codes.into_iter().map(|code| {
        if code == act::NOTHING {
            act::NOT_ALL
        } else {
            code
        }
    });
    Ok(if all_declined {
        act::NOTHING
    } else {
        worst.fold(code, u8::max)
    })
}

/// The settings: those of the environment, or what a first try needs.
pub(crate) fn config(needed: &[(&str, &str)]) -> Result<Config> {
    let config = Config::from_lookup(|name| {
        let set = std::env::var(name).ok().filter(|value| !value.is_empty());
        let needed = needed.iter().find(|(known, _)| *known == name);
        let default = needed.map(|(_, value)| (*value).to_owned());
        let all = (name == "ALLOWED_QUEUES").then(|| "*".to_owned());
        set.or(default).or(all)
    });
    config.map_err(|error| UserError::new(error.to_string()))
}

fn say_settings(settings: &[(&str, &str)]) {
    let is_given = |name: &str| std::env::var_os(name).is_none_or(|value| value.is_empty());
    let given = settings.iter().filter(|(name, _)| is_given(name));
    let given: Vec<String> = given
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if !given.is_empty() {
        err(&format!(
            "with {}, which this sample needs\n",
            given.join(" ")
        ));
    }
}

/// The ARN of the function in an account.
pub(crate) fn function_arn(account: &Account) -> String {
    let (region, id) = (&account.region, &account.id);
    format!(
        "arn:{}:lambda:{region}:{id}:function:batch-cancel",
        account.partition
    )
}

/// Invokes the function as Lambda does.
pub(crate) async fn invoke(
    place: &Place,
    event: Box<RawValue>,
    see: impl FnOnce(&InvocationRecord<'_>),
) -> std::result::Result<Box<RawValue>, Failure> {
    let mut context = Context::default();
    REQUEST_ID.clone_into(&mut context.request_id);
    context.invoked_function_arn = function_arn(&place.account);
    let environment = Arc::make_mut(&mut context.env_config);
    "batch-cancel".clone_into(&mut environment.function_name);
    let deadline = SystemTime::now() + TIME;
    let deadline = deadline.duration_since(SystemTime::UNIX_EPOCH);
    let deadline = u64::try_from(deadline.unwrap_or_default().as_millis());
    context.deadline = deadline.unwrap_or(u64::MAX);
    place
        .app
        .handle_seen(LambdaEvent::new(event, context), see)
        .await
}
