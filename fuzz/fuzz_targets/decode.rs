//! Any JSON text as an event: decoding ends, without a panic, in an event or in an error that says something.

#![no_main]

use std::sync::LazyLock;

use batch_cancel::{
    command::{Command, NoRequest},
    config::Config,
    event::{Scope, decode},
    request::OwnRegion,
};
use jiff::Timestamp;
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::value::RawValue;

/// Everything that can be read is read.
static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    Config::from_lookup(|name| {
        let value = match name {
            "ALLOWED_QUEUES" => "*",
            "ALLOW_TERMINATE" | "ALARM_DESCRIPTIONS" => "true",
            "REQUIRE_CALLER" => "false",
            "MAX_EVENT_AGE" => "900",
            _ => return None,
        };
        Some(value.to_owned())
    })
    .expect("the settings are good")
});

static OWN_REGION: LazyLock<OwnRegion> = LazyLock::new(|| {
    OwnRegion::from_function_arn("arn:aws:lambda:eu-west-1:123456789012:function:batch-cancel")
});

fuzz_target!(|text: &str| -> Corpus {
    // Lambda's runtime hands over JSON only.
    let Ok(payload) = serde_json::from_str::<&RawValue>(text) else {
        return Corpus::Reject;
    };
    let scope = Scope {
        config: &CONFIG,
        own_region: &OWN_REGION,
        now: Timestamp::UNIX_EPOCH,
    };
    match decode(payload, &scope) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(event) => {
            if let Command::Cancel { messages, .. } = event.command {
                messages.into_iter().for_each(|message| match message.request {
                    Err(NoRequest::Refused(why)) => assert!(!why.to_string().is_empty()),
                    Err(NoRequest::Ignored(why)) => assert!(!why.is_empty()),
                    Ok(request) => {
                        assert!(request.reason.is_none_or(|reason| !reason.trim().is_empty()));
                    }
                });
            }
        }
    }
    Corpus::Keep
});
