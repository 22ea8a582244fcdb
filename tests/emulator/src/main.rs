//! The server binary.

use std::{
    collections::BTreeSet,
    error::Error,
    fmt::Display,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use batch_emulator::{Emulator, Seed, demo};

const HELP: &str = r#"AWS Batch's wire protocol in memory, for tests and local runs. There is no authentication.

usage: batch-emulator [--demo | --seed FILE] [--account ID] [--region NAME] [--port N] [--bind ADDRESS]
  --demo          start from the demo account of events/, where `sam local` runs functions: 012345678912, us-east-1
  --seed FILE     start from the account of this file (JSON, see below); without either it is empty
  --account ID, --region NAME   where the account is, in place of that
  --port N        the port to listen on; a free one by default
  --bind ADDRESS  the address to listen on; 127.0.0.1 by default
  --help faults   how it can be made to fail, answer late or behave otherwise

When it is ready it prints one line: batch-emulator listening on http://127.0.0.1:PORT with N jobs in N queues
A client: boto3.client("batch", endpoint_url="http://127.0.0.1:PORT", region_name="eu-west-1",
                       aws_access_key_id="x", aws_secret_access_key="x")
Operations: CancelJob(s), TerminateJob(s), TerminateServiceJob(s), DescribeJobs, DescribeServiceJob, ListJobs,
  ListServiceJobs, DescribeJobQueues, GetJobQueueSnapshot, SubmitJob. A job that is submitted becomes RUNNABLE at once
  and stays that. To move jobs: a "lifecycle" in the seed, "behaviour": {"submitted": {…}}, POST advance.

The seed. All is optional; a misspelt field is an error. Lengths of time are seconds or text ("90s", "2h", "PT1H").
  account, region     "123456789012", "eu-west-1"
  now                 what the clock shows at the start; the system's time by default
  queues [            the job queues; without any, those that jobs name are made
    name, state, type   ENABLED or DISABLED; ECS, EKS …; SAGEMAKER_TRAINING makes its jobs service jobs
    status, statusReason  VALID by default; priority
    jobStateTimeLimitActions [ reason, maxTimeSeconds, action; shown only: no job ends by them
    totalCapacityUsage [ capacityUnit, quantity: what its jobs use
  jobs [              in the order of creation
    jobId               a UUID; by default one that is the same in every run
    jobName, jobQueue, jobDefinition, tags {}, shareIdentifier, schedulingPriority
    status              RUNNABLE by default; statusReason
    createdAt, age      when, or how long before now, it was created; startedAt, startedAgo; stoppedAt, stoppedAgo
    isCancelled, isTerminated
    arraySize           an array of so many children; children: their statuses, repeated as a pattern
    nodes               a multi-node job of so many nodes; shownAsNode: operations that show node 0 in its place
    dependsOn [         jobId, and type N_TO_N or SEQUENTIAL for arrays
    count               so many of these
    lifecycle {         how long it stays in a status: submittedFor, pendingFor, runnableFor, scheduledFor,
                        startingFor, runningFor; missing means for ever; exit SUCCEEDED or FAILED; failedAttempts
    runsAnyway          a cancel is accepted and does not stop it; the value is how it exits
    attempts [          startedAt, stoppedAt, exitCode, reason, statusReason; eksAttempts: true for EKS
    positionTime, firstFor ]  since when it is first: "actual", "missing", {"at": milliseconds}; or for how long
  behaviour, faults   see --help faults
Example: {"jobs": [{"jobQueue": "render", "status": "RUNNABLE", "age": "2h", "count": 1000}]}

Control, under http://127.0.0.1:PORT/_emulator/:
  GET calls          every call so far          DELETE calls       forget them
  GET jobs           every job as it is         POST jobs          add a job of the seed form, or a list
  GET, PUT faults    as in the seed             GET, PUT behaviour as in the seed
  GET faults/counts  how often each switch bit
  POST queues        add a queue                POST advance       {"seconds": 60}: moves the clock
"#;

const FAULTS: &str = r#"How the emulator fails or behaves on demand: in the seed, or by PUT to its control endpoints.

"behaviour": where Batch's documentation is silent
  cancelDelay, terminateDelay   how long an accepted call takes to end a job
  submitted {}                  the lifecycle of jobs that SubmitJob makes
  acceptArns                    ARNs are good as ids
  childTags                     children of arrays show their parent's tags
  runningAttempts               a running job shows its attempt
  runsAnyway {}                 the lifecycle of a job that runs in spite of a cancel
  unknownServiceJob             {"clientException": "No {id}"} or {"resourceNotFound": "No {id}"}
  terminateMark                 "cancelled": a terminated job that had not started shows isCancelled

"faults": rates are from 0 to 1
  seed, only []                 of the dice; the operations that fail, all by default
  latency, jitter               of each answer
  slow {}                       {"CancelJobs": "60s"}: the work is done, the answer comes so late
  slowRate, slowFor             the same by chance
  callsPerSecond, burst         the account's limit
  throttleRate, serverErrorRate, itemThrottleRate, itemServerErrorRate
                                whole calls, and single jobs inside bulk answers
  resetBeforeRate, resetAfterRate, cutShortRate, hangRate
                                connections that break before or after the work, answers cut short or never sent
  itemErrors {}                 {"<job id>": "AccessDenied"} in bulk answers
  refuseStartedRate, refuseEndedRate
                                bulk items that started or ended are refused
  omitDone [], omitDoneRate, omitUndone [], omitUndoneRate
                                jobs that a bulk answer leaves out, done or not
  failsDescribe [], failsDescribeRate
                                ids that make a DescribeJobs call fail
  tokens                        of pages: good, expired (refused), repeated (pages without end)
  bulkCalls                     present, notFound, unknownOperation, missingToken, undeterminedOperation(Xml)
  denied [], deniedJobs []      operations and jobs that IAM denies
  queueErrors {}                {"<queue>": "ServerException"}: its listing and its snapshot fail
  visibilityDelay, flagDelay    how long until a new job, and isCancelled, show
  ignoreCancels []              jobs whose cancel is accepted and does nothing
  runsAnyway {}, runsAnywayRate {"<job id>": "FAILED"}: jobs that run in spite of a cancel, and how they exit
"#;

/// The account and region in which `sam local` runs every function.
const SAM_ACCOUNT: &str = "012345678912";
const SAM_REGION: &str = "us-east-1";

/// What to start from.
enum Start {
    Nothing,
    Demo,
    File(String),
}

/// What the command line asks for.
struct Arguments {
    start: Start,
    account: Option<String>,
    region: Option<String>,
    port: u16,
    bind: IpAddr,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        let text = if words.iter().any(|word| word == "faults") {
            FAULTS
        } else {
            HELP
        };
        print!("{text}");
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
    let seed = arguments.seed()?;
    let jobs: u32 = seed.jobs.iter().map(|job| job.count).sum();
    let queues = number_of_queues(&seed);
    let emulator = Emulator::from_seed(seed).map_err(|error| arguments.start.explain(error))?;
    let address = SocketAddr::from((arguments.bind, arguments.port));
    let server = emulator.serve_at(address).await;
    let server = server.map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let url = server.url();
    println!("batch-emulator listening on {url} with {jobs} jobs in {queues} queues");
    server.wait().await;
    Ok(())
}

/// Those that the seed lists, or that its jobs name.
fn number_of_queues(seed: &Seed) -> usize {
    let listed = seed.queues.iter().map(|queue| queue.name.as_str());
    let named = seed.jobs.iter();
    let named = named.filter_map(|job| job.job_queue.rsplit('/').next());
    listed.chain(named).collect::<BTreeSet<_>>().len()
}

impl Start {
    /// An error with the file that it is about.
    fn explain(&self, error: impl Display) -> String {
        match self {
            Self::File(file) => format!("{file}: {error}"),
            Self::Nothing | Self::Demo => error.to_string(),
        }
    }
}

impl Arguments {
    fn read(mut given: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            start: Start::Nothing,
            account: None,
            region: None,
            port: 0,
            bind: Ipv4Addr::LOCALHOST.into(),
        };
        while let Some(name) = given.next() {
            let mut value = || given.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--demo" => arguments.start = Start::Demo,
                "--seed" => arguments.start = Start::File(value()?),
                "--account" => arguments.account = Some(value()?),
                "--region" => arguments.region = Some(value()?),
                "--port" => arguments.port = parsed(&name, &value()?)?,
                "--bind" => arguments.bind = parsed(&name, &value()?)?,
                _ => return Err(format!("unknown argument {name}; see --help")),
            }
        }
        Ok(arguments)
    }

    /// The account to start from.
    fn seed(&self) -> Result<Seed, String> {
        let mut seed = match &self.start {
            Start::Nothing => Seed::default(),
            Start::Demo => Seed {
                account: SAM_ACCOUNT.to_owned(),
                region: SAM_REGION.to_owned(),
                ..demo::seed()
            },
            Start::File(file) => {
                let text = fs::read_to_string(file).map_err(|error| self.start.explain(error))?;
                let seed = Seed::from_json(&text);
                let seed = seed.and_then(|seed| seed.check_ids().map(|()| seed));
                seed.map_err(|error| self.start.explain(error))?
            }
        };
        if let Some(account) = &self.account {
            seed.account.clone_from(account);
        }
        if let Some(region) = &self.region {
            seed.region.clone_from(region);
        }
        Ok(seed)
    }
}

fn parsed<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{name} cannot be {value:?}; see --help"))
}
