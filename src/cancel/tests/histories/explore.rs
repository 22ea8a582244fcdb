//! Breadth first: the shortest history that breaks something is found first.

use std::{
    collections::{HashSet, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant as Clock,
};

use super::*;
use judge::Invariant;

/// What an exploration has found.
pub(super) struct Explored {
    pub(super) states: usize,
    /// How many steps were taken: each is the end of another history.
    pub(super) steps: usize,
    /// The longest history among the shortest to each state.
    pub(super) depth: usize,
    pub(super) time: Duration,
    pub(super) broken: Option<(Broken, Vec<Step>)>,
}

/// How a state was reached first: from which, and by which of its steps.
struct Origin {
    from: u32,
    step: u16,
}

/// Explores all that can follow.
pub(super) fn explore(setting: &Setting) -> Explored {
    let began = Clock::now();
    let first = State::new(setting);
    let mut known = HashSet::from([first.fingerprint()]);
    let mut origins = vec![Origin { from: 0, step: 0 }];
    let mut waiting = VecDeque::from([(0_u32, 0_usize, first)]);
    let mut explored = Explored {
        states: 0,
        steps: 0,
        depth: 0,
        time: Duration::ZERO,
        broken: None,
    };
    while let Some((number, depth, state)) = waiting.pop_front() {
        explored.states += 1;
        explored.depth = explored.depth.max(depth);
        let judged = guarded(|| judge(&state, setting));
        if let Ok(Some(broken)) | Err(broken) = judged {
            explored.broken = Some((broken, history(&origins, number, setting)));
            break;
        }
        if state.is_finished(setting) {
            continue;
        }
        for (place, step) in state.steps(setting).iter().enumerate() {
            explored.steps += 1;
            let next = guarded(|| state.clone().after(step, setting));
            let origin = Origin {
                from: number,
                step: u16::try_from(place).unwrap(),
            };
            let next = match next {
                Ok(next) => next,
                Err(broken) => {
                    origins.push(origin);
                    let last = u32::try_from(origins.len() - 1).unwrap();
                    explored.broken = Some((broken, history(&origins, last, setting)));
                    break;
                }
            };
            if known.insert(next.fingerprint()) {
                origins.push(origin);
                let number = u32::try_from(origins.len() - 1).unwrap();
                waiting.push_back((number, depth + 1, next));
            }
        }
        if explored.broken.is_some() {
            break;
        }
    }
    explored.time = began.elapsed();
    explored
}

/// A panic is a broken invariant as well.
fn guarded<T>(act: impl FnOnce() -> T) -> Result<T, Broken> {
    catch_unwind(AssertUnwindSafe(act)).map_err(|panic| Broken {
        invariant: Invariant::NoPanic,
        why: match panic.downcast_ref::<String>() {
            Some(text) => text.clone(),
            None => "a panic".to_owned(),
        },
    })
}

/// The steps that lead to a state.
fn history(origins: &[Origin], number: u32, setting: &Setting) -> Vec<Step> {
    let mut places = Vec::new();
    let mut number = number;
    while number > 0 {
        let origin = &origins[number as usize];
        places.push(usize::from(origin.step));
        number = origin.from;
    }
    let mut state = State::new(setting);
    let mut steps = Vec::new();
    for place in places.into_iter().rev() {
        let step = state.steps(setting).swap_remove(place);
        steps.push(step.clone());
        if let Ok(next) = guarded(|| state.clone().after(&step, setting)) {
            state = next;
        }
    }
    steps
}

/// A history as a test of [`found`].
pub(super) fn as_test(setting: &Setting, broken: &Broken, steps: &[Step]) -> String {
    let steps = steps.iter().map(|step| {
        let step = format!("{step:?}")
            .replace("s([", "s(vec![")
            .replace("t([", "t(vec![");
        format!("            {step},\n")
    });
    let Setting {
        jobs,
        ask,
        concurrency,
        ..
    } = setting;
    format!(
        "#[test]\nfn a_name() {{\n    // {:?}: {}\n    holds(\n        &{jobs:?},\n        {ask:?},\n        {concurrency},\n        &[\n{}        ],\n    );\n}}\n",
        broken.invariant,
        broken.why,
        steps.collect::<String>(),
    )
}

#[test]
fn every_history_holds() {
    let name = std::env::var("HISTORIES").unwrap_or_else(|_| "small".to_owned());
    let (_, settings) = FRONTIER
        .iter()
        .find(|(known, _)| *known == name)
        .unwrap_or_else(|| panic!("HISTORIES is {name}, expected small or whole"));
    let mut found = Vec::new();
    let (mut states, mut steps) = (0, 0);
    for setting in *settings {
        let explored = explore(setting);
        println!(
            "{:?} to {:?}, {} faults, {} moves, {} at once: {} states, {} histories, up to {} steps, {:.1} s{}",
            setting.jobs,
            setting.ask,
            setting.faults,
            if setting.moves == u8::MAX {
                "free".to_owned()
            } else {
                setting.moves.to_string()
            },
            setting.concurrency,
            explored.states,
            explored.steps,
            explored.depth,
            explored.time.as_secs_f64(),
            if explored.broken.is_some() {
                ": BROKEN"
            } else {
                ""
            },
        );
        states += explored.states;
        steps += explored.steps;
        if let Some((broken, history)) = explored.broken {
            println!("{}", as_test(setting, &broken, &history));
            found.push(broken);
        }
    }
    println!(
        "frontier {name}: {states} states, {steps} histories, wrong {}",
        found.len()
    );
    assert!(found.is_empty(), "{found:#?}");
}
