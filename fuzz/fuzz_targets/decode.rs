//! Any JSON text as an event: decoding ends, without a panic, in an event or in an error that says something.

#![no_main]

use std::sync::LazyLock;

use batch_cancel::{
    config::Config,
    event::{Command, Content, Scope, decode},
    request::{OwnRegion, Request},
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

static HOME: LazyLock<OwnRegion> = LazyLock::new(|| {
    OwnRegion::from_function_arn("arn:aws:lambda:eu-west-1:123456789012:function:batch-cancel")
});

fuzz_target!(|text: &str| -> Corpus {
    // Lambda's runtime hands over JSON only.
    let Ok(payload) = serde_json::from_str::<&RawValue>(text) else {
        return Corpus::Reject;
    };
    let scope = Scope {
        config: &CONFIG,
        home: &HOME,
        now: Timestamp::UNIX_EPOCH,
    };
    match decode(payload, &scope) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(event) => {
            if let Command::Cancel(messages) = event.ask {
                messages.into_iter().for_each(|message| match message.asks {
                    Err(error) => assert!(!error.to_string().is_empty()),
                    Ok(Content::Ignored(why)) => assert!(!why.is_empty()),
                    Ok(Content::Requests(requests)) => {
                        let said = |request: &Request| !request.reason.trim().is_empty();
                        assert!(requests.iter().all(said));
                    }
                });
            }
        }
    }
    Corpus::Keep
});
