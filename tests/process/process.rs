//! The process of the function, between a Runtime API and an emulated AWS Batch.

use std::{
    ffi::OsStr,
    process::{ExitStatus, Stdio},
    time::{Duration, SystemTime},
};

use batch_emulator::{Emulator, Server};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

use support::{Failed, request_id};

use super::runtime_api::{Invocation, Kind, Posted, RuntimeApi};

/// Far longer than anything takes, so that only a process that hangs fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// The time until the deadline of an event.
const TIME: Duration = Duration::from_secs(30);

pub(crate) const SECRET: &str = "marker-of-the-secret-access-key";
pub(crate) const TOKEN: &str = "marker-of-the-session-token";

/// A process of the function. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    api: RuntimeApi,
    _batch: Server,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
    invocations: usize,
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Exited {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    /// Starts the function as Lambda does, with these settings and no other variables of this process.
    pub(crate) async fn start(emulator: &Emulator, settings: &[(&str, impl AsRef<OsStr>)]) -> Self {
        let batch = emulator.serve().await.unwrap();
        let api = RuntimeApi::serve().await;
        let mut child = Command::new(env!("CARGO_BIN_EXE_batch-cancel"))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "batch-cancel")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_SESSION_TOKEN", TOKEN)
            .env("AWS_ENDPOINT_URL_BATCH", batch.url())
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdout = read(child.stdout.take().unwrap());
        let stderr = read(child.stderr.take().unwrap());
        Self {
            child,
            api,
            _batch: batch,
            stdout,
            stderr,
            invocations: 0,
        }
    }

    /// The answer to an event.
    pub(crate) async fn invoke(&mut self, event: &str) -> Result<Value, Failed> {
        self.invoke_within(event, TIME).await
    }

    /// The answer to an event with this much time until its deadline, before which the answer must come.
    pub(crate) async fn invoke_within(
        &mut self,
        event: &str,
        time: Duration,
    ) -> Result<Value, Failed> {
        self.invocations += 1;
        let request_id = request_id(self.invocations);
        let deadline = SystemTime::now() + time;
        let invocation = Invocation {
            request_id: request_id.clone(),
            event: event.to_owned(),
            deadline,
        };
        self.api.invocations.send(invocation).unwrap();
        let Posted {
            kind,
            body,
            error_type,
            at,
        } = timeout(PATIENCE.max(time), self.api.posted.recv())
            .await
            .expect("no answer")
            .unwrap();
        assert!(at < deadline, "the answer came after the deadline");
        let body: Value = serde_json::from_slice(&body).unwrap();
        match kind {
            Kind::Response(id) => {
                assert_eq!((id, error_type), (request_id, None));
                Ok(body)
            }
            Kind::Error(id) => {
                assert_eq!(id, request_id);
                // lambda_runtime sends this type with every error of a handler; Lambda reads the body.
                assert_eq!(error_type.as_deref(), Some("unhandled"));
                let text = |field: &str| body[field].as_str().expect("a string").to_owned();
                Err(Failed {
                    error_type: text("errorType"),
                    message: text("errorMessage"),
                })
            }
            Kind::InitError => panic!("the function did not start: {body}"),
        }
    }

    /// The peak of the resident memory of the process, in kB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let id = self.child.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .expect("Linux tells");
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Ends the process by SIGTERM, as Lambda and containers do.
    pub(crate) async fn terminate(self) -> Exited {
        let id = self.child.id().expect("it runs").to_string();
        let killed = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &id])
            .status()
            .await;
        assert!(killed.unwrap().success());
        self.exit().await
    }

    /// Waits until the process has exited.
    pub(crate) async fn exit(mut self) -> Exited {
        let exited = async {
            Exited {
                status: self.child.wait().await.unwrap(),
                stdout: self.stdout.await.unwrap(),
                stderr: self.stderr.await.unwrap(),
            }
        };
        timeout(PATIENCE, exited).await.expect("it does not exit")
    }
}

/// Reads all output, so that the process is never blocked by a full pipe.
fn read(mut from: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<String> {
    tokio::spawn(async move {
        let mut text = String::new();
        from.read_to_string(&mut text).await.unwrap();
        text
    })
}

impl Exited {
    /// The lines of standard output, each a JSON object.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let read = |line: &str| -> Value {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        };
        let lines: Vec<Value> = self.stdout.lines().map(read).collect();
        assert!(lines.iter().all(Value::is_object), "{}", self.stdout);
        lines
    }

    /// The lines that are metrics.
    pub(crate) fn metrics(&self) -> Vec<Value> {
        let mut lines = self.lines();
        lines.retain(|line| line.get("_aws").is_some());
        lines
    }

    /// Standard output and standard error.
    pub(crate) fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}
