//! The command line: commands, flags and their help.

use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

/// The help of the program itself, laid out by hand: a screen holds it.
const HELP: &str = "\
Cancels AWS Batch jobs, and verifies the outcome of each. It shows what it would
end, and asks first.

Usage: bcancel ID…                 these jobs; - reads ids from standard input
       bcancel --queue QUEUE …     jobs of a queue that meet all conditions
       bcancel COMMAND             see bcancel COMMAND --help

Commands:
  queues       what each queue holds, and what is stuck, since when and why
  jobs         the jobs of a queue
  event        any event through the function, against made-up jobs
  serve        the function's HTTP routes on this machine, likewise
  check        what these credentials, or a function, may do
  completions  for bash, zsh or fish

Conditions:
  --queue QUEUE    name, ARN or pattern   --older-than TIME   90m, 2h, 30d
  --array ID       children of an array   --running-for TIME  with --terminate
  --name NAME      or nf-*                --tag KEY=VALUE     each that is given
  --definition D   likewise               --share SHARE       share identifier
  --status STATUS  RUNNABLE, …            --head              what blocks it
Of --head: --blocked-for TIME [10m], --blocked-reasons PATTERNS

Options:
  --terminate      started jobs too       -n, --dry-run       end nothing
  --reason TEXT    for DescribeJobs       -y, --yes           do not ask
  --max-jobs N     the oldest N           --json              the report
  --wait           until each has ended   --max-selected N    refuse more [1000]
  --timeout TIME   give up after 10m      --calls-per-second N  [10]
  --region, --profile                     whose AWS account
  --emulator[=SEED]                       made-up jobs in memory instead
  --function NAME                         ask a deployed function

Exit code: 0 all ended, or a dry run; 1 some did not; 2 nothing was done.

  bcancel --queue render --name 'nf-*' --older-than 2h
  bcancel jobs render --quiet | bcancel -
";

/// Cancels AWS Batch jobs, and verifies the outcome of each.
#[derive(Debug, Parser)]
#[command(name = "bcancel", version, override_help = HELP, disable_help_subcommand = true, max_term_width = 80)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) end: End,
    #[command(flatten)]
    pub(crate) to: To,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What each queue holds, what is first in line, since when, why, and what helps
    Queues(Queues),
    /// The jobs of a queue
    Jobs(Jobs),
    /// Any event through the function, against the emulator
    Event(Event),
    /// The function's HTTP routes on this machine, against the emulator
    Serve(Serve),
    /// What these credentials, or that function, may do; changes nothing
    Check(Check),
    /// Completions for a shell, on standard output
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Where the jobs are.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Where to")]
pub(crate) struct To {
    /// The AWS region
    #[arg(long, global = true)]
    pub(crate) region: Option<String>,
    /// A profile of ~/.aws/config
    #[arg(long, global = true)]
    pub(crate) profile: Option<String>,
    /// Made-up jobs in memory, or those of a file
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, value_name = "SEED",
        default_missing_value = "", value_hint = ValueHint::FilePath)]
    pub(crate) emulator: Option<String>,
    /// Ask this deployed function; its policy holds
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) function: Option<String>,
    /// Calls to AWS Batch a second, 0 for no limit
    #[arg(
        long,
        global = true,
        value_name = "N",
        default_value_t = 10,
        hide_default_value = true
    )]
    pub(crate) calls_per_second: u32,
    /// Calls in flight at a time
    #[arg(
        long,
        global = true,
        value_name = "N",
        default_value_t = 8,
        hide = true
    )]
    pub(crate) concurrency: u32,
}

/// Which jobs to end, and how.
#[expect(clippy::struct_excessive_bools, reason = "flags")]
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct End {
    /// Job ids or ARNs; - reads them from standard input
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,

    /// Jobs of this queue, by name, ARN or pattern with *; may be repeated
    #[arg(long, value_name = "QUEUE", help_heading = "Conditions")]
    pub(crate) queue: Vec<String>,
    /// Children of this array job
    #[arg(long, value_name = "ID", help_heading = "Conditions")]
    pub(crate) array: Option<String>,
    /// The job's name, or its beginning with * at the end
    #[arg(long, help_heading = "Conditions")]
    pub(crate) name: Option<String>,
    /// The job definition, likewise
    #[arg(long, help_heading = "Conditions")]
    pub(crate) definition: Option<String>,
    /// SUBMITTED, PENDING, RUNNABLE; with --terminate STARTING, RUNNING
    #[arg(long, value_delimiter = ',', help_heading = "Conditions")]
    pub(crate) status: Vec<String>,
    /// Created at least so long ago: 90m, 2h, 30d
    #[arg(long, value_name = "TIME", help_heading = "Conditions")]
    pub(crate) older_than: Option<String>,
    /// Running for at least so long; needs --terminate
    #[arg(long, value_name = "TIME", help_heading = "Conditions")]
    pub(crate) running_for: Option<String>,
    /// A tag that the job has; may be repeated
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Conditions")]
    pub(crate) tag: Vec<String>,
    /// The share identifier
    #[arg(long, value_name = "SHARE", help_heading = "Conditions")]
    pub(crate) share: Option<String>,
    /// Only the first in line, and only if it blocks the queue
    #[arg(long, help_heading = "Conditions")]
    pub(crate) head: bool,
    /// With --head: it must have been first for so long [default: 10m]
    #[arg(
        long,
        value_name = "TIME",
        hide_short_help = true,
        help_heading = "Conditions"
    )]
    pub(crate) blocked_for: Option<String>,
    /// With --head: for a reason like these
    #[arg(
        long,
        value_name = "PATTERNS",
        hide_short_help = true,
        help_heading = "Conditions"
    )]
    pub(crate) blocked_reasons: Option<String>,

    /// End jobs that have started, too
    #[arg(long)]
    pub(crate) terminate: bool,
    /// Show what would be ended, and end there
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Why, for DescribeJobs and the logs
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// End at most so many, the oldest first
    #[arg(long, value_name = "N")]
    pub(crate) max_jobs: Option<u32>,
    /// Refuse conditions that match more [default: 1000]
    #[arg(long, value_name = "N")]
    pub(crate) max_selected: Option<u32>,
    /// Wait until each job has ended
    #[arg(long)]
    pub(crate) wait: bool,
    /// Give up after so long: 90s, 10m
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<String>,
    /// The report as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Standard output has another answer already.
    #[arg(skip)]
    pub(crate) answers_elsewhere: bool,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  bcancel queues render-gpu render-cpu")]
pub(crate) struct Queues {
    /// Queues by name or ARN; all without any
    #[arg(value_name = "QUEUE")]
    pub(crate) queues: Vec<String>,
    /// The answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  bcancel jobs render --status RUNNABLE
  bcancel jobs render --name 'nf-*' --quiet | bcancel -")]
pub(crate) struct Jobs {
    /// The queue, by name
    pub(crate) queue: String,
    /// Only these statuses; without any, all live jobs
    #[arg(long, value_delimiter = ',')]
    pub(crate) status: Vec<String>,
    /// The job's name, or its beginning with * at the end
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// Ids alone, one a line
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// The jobs as JSON
    #[arg(long, conflicts_with = "quiet")]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
The answer goes to standard output, as JSON; a table of the jobs to standard
error. The function's settings are variables, as in Lambda (ALLOW_TERMINATE,
PROTECT_TAG …); ALLOWED_QUEUES is * unless you set it.
Exit code: 0 complete, 1 left over, rejected or an error, 2 nothing was run.

Examples:
  bcancel event events/sqs-two-jobs.json
  echo '{\"jobId\": \"1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01\"}' | bcancel event -")]
pub(crate) struct Event {
    /// A file of JSON, - for standard input, or a job id
    #[arg(value_name = "EVENT", value_hint = ValueHint::FilePath)]
    pub(crate) given: String,
    /// AWS Batch itself: a dry run, then a question
    #[arg(long)]
    pub(crate) aws: bool,
    /// With --aws: do not ask
    #[arg(short, long, requires = "aws")]
    pub(crate) yes: bool,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  bcancel serve
  curl http://127.0.0.1:3000/queues/render
  bcancel serve --aws        prints a token that each request must carry:
  curl -H 'Authorization: Bearer …' http://127.0.0.1:3000/queues/render")]
pub(crate) struct Serve {
    /// The port on 127.0.0.1, 0 for a free one
    #[arg(long, default_value_t = 3000)]
    pub(crate) port: u16,
    /// AWS Batch itself, for requests that carry the token
    #[arg(long)]
    pub(crate) aws: bool,
}

#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  bcancel check\n  bcancel check render --bulk\n  bcancel check --function batch-cancel"
)]
pub(crate) struct Check {
    /// Queues whose first job must be readable; all without any
    #[arg(value_name = "QUEUE")]
    pub(crate) queues: Vec<String>,
    /// Send one CancelJobs for ids that cannot exist
    #[arg(long)]
    pub(crate) bulk: bool,
}
