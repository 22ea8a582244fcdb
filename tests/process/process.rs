//! The function's process, with an emulated AWS Batch on one side and the Runtime API on the other.

use std::{
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

/// Far longer than anything takes: only what never comes is waited for so long.
const PATIENCE: Duration = Duration::from_mins(1);

/// The time that an event has where nothing else is said.
const TIME: Duration = Duration::from_secs(30);

pub const SECRET: &str = "marker-of-the-secret-access-key";
pub const TOKEN: &str = "marker-of-the-session-token";

/// A process of the function. It is killed when this is dropped.
pub struct Process {
    child: Child,
    api: RuntimeApi,
    _batch: Server,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
    invocations: usize,
}

/// What is left of a process.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Process {
    /// Starts the function as Lambda does, with these settings and nothing else from this process's environment.
    pub async fn start(emulator: &Emulator, settings: &[(&str, &str)]) -> Self {
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
            .envs(settings.iter().copied())
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

    /// What an event leads to.
    pub async fn invoke(&mut self, event: &str) -> Result<Value, Failed> {
        self.invoke_within(event, TIME).await
    }

    /// What an event leads to that has this much time. The answer has to come within it.
    pub async fn invoke_within(&mut self, event: &str, time: Duration) -> Result<Value, Failed> {
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
                // What lambda_runtime sends with every error of a handler; Lambda itself reads the body.
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

    /// The most memory that the process has had at a time, in kB, as the kernel counts it.
    pub fn peak_memory(&self) -> u64 {
        let id = self.child.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .expect("Linux tells");
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Asks the process to end, as Lambda and containers do.
    pub async fn terminate(self) -> Ended {
        let id = self.child.id().expect("it runs").to_string();
        let killed = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &id])
            .status()
            .await;
        assert!(killed.unwrap().success());
        self.end().await
    }

    /// Waits for the process's end.
    pub async fn end(mut self) -> Ended {
        let ended = async {
            Ended {
                status: self.child.wait().await.unwrap(),
                stdout: self.stdout.await.unwrap(),
                stderr: self.stderr.await.unwrap(),
            }
        };
        timeout(PATIENCE, ended).await.expect("it does not end")
    }
}

/// Reads all that comes, so that the process never waits for a reader.
fn read(mut from: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<String> {
    tokio::spawn(async move {
        let mut text = String::new();
        from.read_to_string(&mut text).await.unwrap();
        text
    })
}

impl Ended {
    /// The lines of standard output, each a JSON object.
    pub fn lines(&self) -> Vec<Value> {
        let read = |line: &str| -> Value {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        };
        let lines: Vec<Value> = self.stdout.lines().map(read).collect();
        assert!(lines.iter().all(Value::is_object), "{}", self.stdout);
        lines
    }

    /// Those of the lines that are metrics.
    pub fn metrics(&self) -> Vec<Value> {
        let mut lines = self.lines();
        lines.retain(|line| line.get("_aws").is_some());
        lines
    }

    /// Everything that was written.
    pub fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}
