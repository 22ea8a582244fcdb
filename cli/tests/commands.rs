//! The program as a process, against the demo account.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics fails"
)]

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

const RUNNABLE: &str = "1f0c7a52-6d2e-4f6b-9a53-0a7d3c1b9e01";
const RUNNING: &str = "2b9d4e63-7e3f-4a7c-8b64-1b8e4d2cae02";
const SUCCEEDED: &str = "4dbf6085-9051-4c9e-8d86-3da06f4ec004";
const UNKNOWN: &str = "00000000-0000-4000-8000-00000000abcd";

/// The result of a command: exit code, standard output, standard error.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn bcancel(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bcancel"));
    command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(words)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/nowhere")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn run(words: &[&str]) -> Ran {
    ran(bcancel(words).stdin(Stdio::null()).output().unwrap())
}

fn run_with(words: &[&str], input: &str) -> Ran {
    let mut command = bcancel(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    ran(child.wait_with_output().unwrap())
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

#[test]
fn ids_are_cancelled_and_verified() {
    let ended = run(&["--emulator", "--yes", RUNNABLE]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended
            .out
            .starts_with(&format!("{RUNNABLE}  cancelled\n1 cancelled ")),
        "{ended:?}"
    );
    assert!(ended.err.contains("made-up jobs in memory"), "{ended:?}");
}

#[test]
fn what_runs_on_is_said_and_is_exit_code_1() {
    let ended = run(&["--emulator", "--yes", RUNNABLE, RUNNING]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.out.contains("1 cancelled, 1 runs on"), "{ended:?}");
    let only_running = run(&["--emulator", "--yes", RUNNING]);
    assert_eq!(only_running.code, 1, "{only_running:?}");
    assert!(
        only_running.err.contains("Nothing to cancel."),
        "{only_running:?}"
    );
    let terminated = run(&["--emulator", "--yes", "--terminate", RUNNABLE, RUNNING]);
    assert_eq!(terminated.code, 0, "{terminated:?}");
    assert!(
        terminated.out.contains("1 cancelled, 1 is ending"),
        "{terminated:?}"
    );
}

#[test]
fn a_job_that_has_ended_needs_nothing_and_one_that_does_not_exist_is_exit_code_1() {
    let ended = run(&["--emulator", "--yes", SUCCEEDED]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains("1 ended by itself"), "{ended:?}");
    let unknown = run(&["--emulator", "--yes", UNKNOWN]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert!(unknown.out.contains("1 not found"), "{unknown:?}");
}

#[test]
fn json_is_the_report_of_the_function() {
    let ended = run(&["--emulator", "--yes", "--json", RUNNABLE, RUNNING]);
    let report = json(&ended);
    assert_eq!(report["summary"]["cancelled"], 1, "{report}");
    assert_eq!(report["jobs"][0]["before"], "RUNNABLE");
    assert_eq!(report["jobs"][0]["after"], "FAILED");
    assert_eq!(report["jobs"][1]["outcome"], "running");
    assert_eq!(report["dryRun"], false);
    let dry = json(&run(&["--emulator", "--dry-run", "--json", RUNNABLE]));
    assert_eq!(dry["jobs"][0]["outcome"], "wouldCancel");
    assert_eq!(dry["dryRun"], true);
}

#[test]
fn ids_come_from_standard_input() {
    for input in [
        format!("{RUNNABLE}\n"),
        format!("{RUNNABLE}\t{RUNNABLE},"),
        format!("[\"{RUNNABLE}\"]"),
    ] {
        let ended = run_with(&["--emulator", "--yes", "-"], &input);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.out.contains("1 cancelled"), "{ended:?}");
    }
}

#[test]
fn without_a_terminal_nothing_is_done() {
    let refused = run(&["--emulator", RUNNABLE]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!(
        refused.err,
        "error: there is no terminal to ask on. Add --yes to cancel, or --dry-run to see what would happen.\n"
    );
    assert_eq!(refused.out, "");
}

#[test]
fn a_wrong_word_gets_a_suggestion() {
    for (words, expected) in [
        (
            &["queue"][..],
            "\"queue\" is neither a job id nor a command. Did you mean: bcancel queues",
        ),
        (
            &["--emulator", "--yes", "--queue", "rendr"],
            "Did you mean render?",
        ),
        (&["--emulator", "jobs", "rendr"], "Did you mean render?"),
        (
            &["event", "events/direct-cancle.json"],
            "Did you mean events/direct-cancel.json?",
        ),
        (
            &["--yes", "--older-than", "2h"],
            "--older-than needs a --queue or --array",
        ),
        (
            &["--yes", RUNNABLE, "--queue", "render"],
            "give job ids or conditions, not both",
        ),
        (
            &[
                "--emulator",
                "--yes",
                "--queue",
                "render",
                "--older-than",
                "soon",
            ],
            "--older-than",
        ),
        (
            &["--emulator", "--yes", "--queue", "render", "--tag", "user"],
            "--tag user: expected KEY=VALUE",
        ),
        (
            &[
                "--emulator",
                "--yes",
                "--queue",
                "render",
                "--status",
                "RUNNING",
            ],
            "needs --terminate",
        ),
        (
            &["--emulator", "--yes", "--timeout", "soon", RUNNABLE],
            "--timeout soon: expected",
        ),
        (&["--emulator=no-such-file", "queues"], "no-such-file: "),
        (
            &["--yes", "--region", "eu-west-1", RUNNABLE],
            "no AWS credentials were found",
        ),
        (&["--yes", RUNNABLE], "no AWS region: add --region"),
    ] {
        let refused = run(words);
        assert_eq!(refused.code, 2, "{words:?}: {refused:?}");
        let last = refused.err.lines().last().unwrap();
        assert!(
            last.starts_with("error: ") && last.contains(expected),
            "{words:?}: {refused:?}"
        );
        assert_eq!(refused.out, "", "{words:?}");
    }
}

#[test]
fn a_selection_is_previewed_and_ended_by_its_ids() {
    let dry = run(&["--emulator", "--dry-run", "--queue", "render*"]);
    assert_eq!(dry.code, 0, "{dry:?}");
    let ended = json(&run(&[
        "--emulator",
        "--yes",
        "--json",
        "--queue",
        "render*",
    ]));
    let count = ended["summary"]["cancelled"].as_u64().unwrap();
    assert!(count > 1, "{ended}");
    let words = [
        "--emulator",
        "--dry-run",
        "--json",
        "--terminate",
        "--queue",
        "render*",
    ];
    let would = json(&run(&words))["summary"]["wouldTerminate"].as_u64();
    assert!(would > Some(count), "those that have started too");
    let none = run(&[
        "--emulator",
        "--yes",
        "--queue",
        "render",
        "--older-than",
        "300d",
    ]);
    assert_eq!(none.code, 0);
    assert_eq!(none.out, "No job in render is older than 300d.\n");
    let most = run(&["--emulator", "--yes", "--queue", "*", "--max-selected", "1"]);
    assert_eq!(most.code, 2, "{most:?}");
    assert!(most.err.contains("more than --max-selected, 1"), "{most:?}");
}

#[test]
fn queues_tell_what_is_stuck() {
    let queues = run(&["--emulator", "queues"]);
    assert_eq!(queues.code, 0, "{queues:?}");
    assert!(queues.out.starts_with("QUEUE "), "{queues:?}");
    assert!(
        queues.out.contains("End it now       bcancel "),
        "{queues:?}"
    );
    let one = json(&run(&["--emulator", "queues", "render", "--json"]));
    assert_eq!(one["queues"][0]["jobQueue"], "render");
}

#[test]
fn jobs_can_be_piped() {
    let ids = run(&[
        "--emulator",
        "jobs",
        "render",
        "--status",
        "runnable",
        "--quiet",
    ]);
    assert_eq!(ids.code, 0, "{ids:?}");
    assert!(ids.out.lines().count() > 1);
    assert!(ids.out.lines().all(|id| id.len() == 36), "{ids:?}");
    let few = run(&["--emulator", "jobs", "render", "--limit", "1", "--quiet"]);
    assert_eq!(few.out.lines().count(), 1);
    assert!(few.err.contains("There are more"), "{few:?}");
}

#[test]
fn every_help_fits_a_screen() {
    for words in [
        &["--help"][..],
        &["queues", "--help"],
        &["jobs", "--help"],
        &["event", "--help"],
        &["serve", "--help"],
        &["check", "--help"],
        &["completions", "--help"],
    ] {
        let help = run(words);
        assert_eq!(help.code, 0);
        assert!(
            help.out.lines().count() <= 40,
            "{words:?}: {}",
            help.out.lines().count()
        );
        for line in help.out.lines() {
            assert!(line.chars().count() <= 80, "{words:?}: {line}");
        }
    }
}

#[test]
fn completions_are_made_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]);
        assert_eq!(script.code, 0);
        assert!(script.out.contains("older-than"), "{shell}");
    }
}

#[test]
fn a_closed_pipe_ends_the_printing_and_not_the_work() {
    let mut child = bcancel(&["--emulator", "--yes", "--queue", "*", "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = ran(child.wait_with_output().unwrap());
    assert!([0, 1].contains(&ended.code), "{ended:?}");
    assert!(!ended.err.contains("panicked"), "{ended:?}");
}
