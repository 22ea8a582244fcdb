//! The server binary.

use std::{
    error::Error,
    fs,
    net::{IpAddr, Ipv4Addr},
    process::ExitCode,
};

use batch_emulator::{Emulator, Seed};

const HELP: &str = r#"AWS Batch's wire protocol in memory, for tests and local runs.

Usage: batch-emulator [--seed FILE] [--port N] [--bind ADDRESS]

  --seed FILE     the account to start from (JSON, see below); empty by default
  --port N        the port to listen on; a free one by default
  --bind ADDRESS  the address to listen on; 127.0.0.1 by default. There is no authentication
  --help          this text

When it is ready it prints one line: batch-emulator listening on http://127.0.0.1:PORT

Seed (all optional; a misspelt field is an error):
  {"account": "123456789012", "region": "eu-west-1", "now": "2026-11-22T10:00:00Z",
   "queues": [{"name": "render", "state": "ENABLED", "type": "ECS", "priority": 1}],
   "jobs": [{"jobId": "…", "jobName": "frame", "jobQueue": "render", "jobDefinition": "frame:3",
             "status": "RUNNABLE", "statusReason": "…", "createdAt": "2026-11-22T09:00:00Z",
             "age": "2h", "tags": {}, "shareIdentifier": "…", "schedulingPriority": 1,
             "isCancelled": false, "isTerminated": false, "arraySize": 6, "children": ["RUNNING"],
             "nodes": 2, "dependsOn": [{"jobId": "…", "type": "N_TO_N"}], "count": 1000,
             "lifecycle": {"submittedFor": 1, "pendingFor": 1, "runnableFor": 1, "scheduledFor": 1,
                           "startingFor": 1, "runningFor": "90s", "exit": "SUCCEEDED",
                           "failedAttempts": 1},
             "runsAnyway": "FAILED", "startedAt": "2026-11-22T09:30:00Z", "stoppedAt": "2026-11-22T09:40:00Z",
             "attempts": [{"startedAt": "…", "stoppedAt": "…", "exitCode": 1, "reason": "…",
                           "statusReason": "…"}], "eksAttempts": false,
             "positionTime": "actual|missing" or {"at": 0}, "shownAsNode": ["GetJobQueueSnapshot"]}],
   "behaviour": {"cancelDelay": 0, "terminateDelay": 0, "submitted": {"submittedFor": 0},
                 "acceptArns": false, "childTags": false, "runningAttempts": false,
                 "runsAnyway": {"runnableFor": 1, "startingFor": 1, "runningFor": 1},
                 "unknownServiceJob": {"clientException": "No {id}"} or {"resourceNotFound": "No {id}"},
                 "terminateMark": "cancelled"},
   "faults": {"seed": 0, "only": ["CancelJobs"], "latency": 0.02, "jitter": 0.01,
              "slow": {"CancelJobs": "60s"}, "slowRate": 0.1, "slowFor": "6s",
              "callsPerSecond": 50, "burst": 5, "throttleRate": 0.3, "itemThrottleRate": 0.3,
              "itemServerErrorRate": 0, "itemErrors": {"<job id>": "AccessDenied"},
              "refuseStartedRate": 1, "refuseEndedRate": 1, "omitDone": ["<job id>"], "omitDoneRate": 0.1,
              "omitUndone": ["<job id>"], "omitUndoneRate": 0.1,
              "failsDescribe": ["<job id>"], "failsDescribeRate": 0.01,
              "serverErrorRate": 0.1, "resetBeforeRate": 0.05, "resetAfterRate": 0.05,
              "cutShortRate": 0.01, "hangRate": 0.01,
              "bulkCalls": "present|notFound|unknownOperation|missingToken|undeterminedOperation|undeterminedOperationXml",
              "denied": ["CancelJob"], "deniedJobs": ["<job id>"], "visibilityDelay": 1,
              "flagDelay": 1, "ignoreCancels": ["<job id>"],
              "runsAnyway": {"<job id>": "FAILED"}, "runsAnywayRate": 0.01}}
  Lengths of time are seconds or text ("90s", "2h", "PT1H"). Jobs in a queue of type
  SAGEMAKER_TRAINING are service jobs. A missing length in "lifecycle" means for ever.

Control, under http://127.0.0.1:PORT/_emulator/:
  GET calls          every call so far          DELETE calls       forget them
  GET jobs           every job as it is         POST jobs          add a job of the seed form, or a list
  GET, PUT faults    as in the seed             GET, PUT behaviour as in the seed
  GET faults/counts  how often each switch bit
  POST queues        add a queue                POST advance       {"seconds": 60}: moves the clock
"#;

/// What the command line asks for.
struct Arguments {
    seed: Option<String>,
    port: u16,
    bind: IpAddr,
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--help" || argument == "-h") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("batch-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    let emulator = match &arguments.seed {
        Some(file) => account(file).map_err(|error| format!("{file}: {error}"))?,
        None => Emulator::new(),
    };
    let server = emulator
        .serve_at((arguments.bind, arguments.port).into())
        .await?;
    println!("batch-emulator listening on {}", server.url());
    server.wait().await;
    Ok(())
}

fn account(file: &str) -> Result<Emulator, Box<dyn Error>> {
    let seed = Seed::from_json(&fs::read_to_string(file)?)?;
    Ok(Emulator::from_seed(seed)?)
}

impl Arguments {
    fn read(mut given: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            seed: None,
            port: 0,
            bind: Ipv4Addr::LOCALHOST.into(),
        };
        while let Some(name) = given.next() {
            let mut value = || given.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--seed" => arguments.seed = Some(value()?),
                "--port" => arguments.port = parsed(&name, &value()?)?,
                "--bind" => arguments.bind = parsed(&name, &value()?)?,
                _ => return Err(format!("unknown argument {name}; see --help")),
            }
        }
        Ok(arguments)
    }
}

fn parsed<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{name} cannot be {value:?}; see --help"))
}
