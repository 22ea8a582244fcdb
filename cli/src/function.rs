//! A deployed function, asked by `lambda:Invoke`. Its own policy holds then.

use aws_config::{SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_lambda::{Client, primitives::Blob};
use serde_json::{Value, json};

use crate::{
    account::Account,
    args::{End, To},
    aws,
    error::{Result, UserError},
    report::Report,
    request::Fields,
};

/// A deployed function.
pub(crate) struct Function {
    pub(crate) client: Client,
    pub(crate) name: String,
    pub(crate) account: Account,
}

impl Function {
    /// The function of this name or ARN.
    pub(crate) async fn named(name: &str, to: &To, end: &End) -> Result<Self> {
        if to.emulator.is_some() {
            return Err("give --function or --emulator, not both".into());
        }
        let own = [
            ("--max-selected", end.max_selected.is_some()),
            ("--blocked-for", end.blocked_for.is_some()),
            ("--blocked-reasons", end.blocked_reasons.is_some()),
            ("--timeout", end.timeout.is_some()),
        ];
        if let Some((flag, _)) = own.into_iter().find(|(_, is_given)| *is_given) {
            return Err(UserError::new(format!(
                "{flag} is a setting of the function: leave it out with --function"
            )));
        }
        let config = aws::load(to).await?;
        let account = aws::account(&config, to).await?;
        Ok(Self {
            client: client(&config),
            name: name.to_owned(),
            account,
        })
    }

    /// Where the calls go and as whom, in one line.
    pub(crate) fn say(&self) -> String {
        let Account { id, region, .. } = &self.account;
        let caller = self.account.name();
        format!("Function {} in {id}, {region}, as {caller}", self.name)
    }

    /// Ends the jobs of a request, or says what the function would do. The reason names the caller, whom the function does
    /// not learn.
    pub(crate) async fn end(&self, request: &Fields) -> Result<Report> {
        let mut request = request.clone();
        let reason = request.get("reason").and_then(Value::as_str);
        let reason = reason.unwrap_or_default();
        let reason = format!("{reason} (bcancel, {})", self.account.caller);
        request.insert("reason".to_owned(), json!(reason));
        let answer = self.invoke(&json!(request).to_string()).await?;
        serde_json::from_str(&answer).map_err(|error| self.strange(&error))
    }

    /// Measures job queues.
    pub(crate) async fn watch(&self, queues: &[String]) -> Result<Value> {
        let watch = if queues.is_empty() {
            json!({})
        } else {
            json!({"jobQueues": queues})
        };
        let answer = self.invoke(&json!({"watch": watch}).to_string()).await?;
        let answer: Value = serde_json::from_str(&answer).map_err(|error| self.strange(&error))?;
        if answer.get("queues").is_some_and(Value::is_array) {
            return Ok(answer);
        }
        let name = &self.name;
        Err(UserError::new(format!(
            "{name} does not answer as batch-cancel does"
        )))
    }

    fn strange(&self, error: &serde_json::Error) -> UserError {
        let name = &self.name;
        UserError::new(format!(
            "{name} does not answer as batch-cancel does: {error}"
        ))
    }

    /// The answer to an event.
    pub(crate) async fn invoke(&self, event: &str) -> Result<String> {
        let name = &self.name;
        let call = self.client.invoke().function_name(name);
        let answer = call.payload(Blob::new(event)).send().await;
        let answer = answer.map_err(|error| {
            let denied = format!(
                "lambda:InvokeFunction on {name} is not allowed for {}",
                self.account.caller
            );
            let missing = format!(
                "there is no function {name} in {}, {}",
                self.account.id, self.account.region
            );
            match aws::code(&error).as_deref() {
                Some("AccessDeniedException") => UserError::new(denied),
                Some("ResourceNotFoundException") => UserError::new(missing),
                _ => UserError::new(format!("{name} cannot be asked: {}", aws::say(&error))),
            }
        })?;
        let payload = answer.payload.unwrap_or_else(|| Blob::new(""));
        let text = String::from_utf8_lossy(payload.as_ref()).into_owned();
        match answer.function_error {
            None => Ok(text),
            Some(kind) => Err(failed(name, &kind, &text)),
        }
    }
}

/// A client without a read time-out and without a second try: a function that works for minutes must not be asked twice.
fn client(config: &SdkConfig) -> Client {
    let config = aws_sdk_lambda::config::Builder::from(config)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .build();
    Client::from_conf(config)
}

/// The function answered with an error.
fn failed(name: &str, kind: &str, text: &str) -> UserError {
    let error: Value = serde_json::from_str(text).unwrap_or_default();
    let of = |field: &str| error.get(field).and_then(Value::as_str);
    UserError::new(match (of("errorType"), of("errorMessage")) {
        (Some(kind), Some(message)) => format!("{name} refused: {message} ({kind})"),
        (None, Some(message)) => format!("{name} failed: {message}"),
        _ => format!("{name} failed ({kind})"),
    })
}

impl Function {
    /// Its ARN, in this account if only its name is given.
    pub(crate) fn arn(&self) -> String {
        if self.name.starts_with("arn:") {
            return self.name.clone();
        }
        let Account {
            id,
            region,
            partition,
            ..
        } = &self.account;
        format!(
            "arn:{partition}:lambda:{region}:{id}:function:{}",
            self.name
        )
    }

    /// Its settings, the names in order.
    pub(crate) async fn settings(&self) -> Result<Vec<(String, String)>> {
        let call = self.client.get_function_configuration();
        let read = call.function_name(&self.name).send().await;
        let read = read.map_err(|error| UserError::new(aws::say(&error)))?;
        let variables = read
            .environment
            .and_then(|environment| environment.variables);
        let mut settings: Vec<(String, String)> = variables.into_iter().flatten().collect();
        settings.sort();
        Ok(settings)
    }
}
