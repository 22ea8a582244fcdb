//! Malformed events: every sample event, mutated as a tree and as a text, also inside the JSON strings that it contains, and
//! with options as people spell and misplace them.
//!
//! `MUTATIONS` is the number of mutated events; `tests/soak mutations` makes it a million. A failure prints the event and the
//! smallest set of mutations that still fails.

mod account;
mod decoded;
mod facts;
mod found;
mod handled;
pub(crate) mod mutate;
mod spoken;
pub(crate) mod tree;

use std::{
    collections::BTreeMap,
    env,
    panic::{AssertUnwindSafe, catch_unwind},
};

use fastrand::Rng;
use futures_util::FutureExt;
use mutate::{Done, corrupt, mutate};
use serde_json::value::RawValue;
use tree::Tree;

/// How many events are decoded, unless `MUTATIONS` says otherwise.
const DEFAULT_COUNT: u64 = 1_000;

/// One in this many decoded events is also handled from end to end.
const HANDLED: u64 = 5;

/// The sample events.
struct Samples {
    names: Vec<String>,
    trees: Vec<Tree>,
}

impl Samples {
    fn read() -> Self {
        let samples = support::samples::all().into_iter();
        let (names, trees) = samples
            .map(|sample| {
                let tree = Tree::read(&sample.text()).expect("a sample is JSON");
                (sample.name, tree)
            })
            .unzip();
        Self { names, trees }
    }
}

/// One mutated event, reproducible from its seeds.
#[derive(Clone, Debug)]
struct Case {
    sample: usize,
    mutations: Vec<u64>,
    as_text: Option<u64>,
}

/// A mutated event, ready to be sent.
struct Mutant<'a> {
    /// The sample from which it was made.
    name: &'a str,
    event: Box<RawValue>,
    done: Vec<Done>,
    /// Whether its text was changed too.
    as_text: bool,
}

impl Case {
    /// The case of this number: the samples in turn, with one to four mutations.
    fn new(number: u64, samples: &Samples) -> Self {
        let mut random = Rng::with_seed(number);
        let count = [1, 1, 1, 2, 2, 3, 4][random.usize(..7)];
        Self {
            sample: usize::try_from(number).unwrap() % samples.names.len(),
            mutations: (0..count).map(|_| random.u64(..)).collect(),
            as_text: (random.u8(..10) == 0).then(|| random.u64(..)),
        }
    }

    /// The event, unless it is not JSON, which Lambda itself rejects.
    fn mutant<'a>(&self, samples: &'a Samples) -> Option<Mutant<'a>> {
        let mut tree = samples.trees[self.sample].clone();
        let done = self
            .mutations
            .iter()
            .map(|&seed| mutate(&mut tree, &samples.trees, seed))
            .collect();
        let mut text = tree.to_string();
        if let Some(seed) = self.as_text {
            let mut random = Rng::with_seed(seed);
            let changed = (0..20).map(|_| corrupt(&text, &mut random));
            let is_json = |text: &String| serde_json::from_str::<&RawValue>(text).is_ok();
            text = changed.into_iter().find(is_json).unwrap_or(text);
        }
        Some(Mutant {
            name: &samples.names[self.sample],
            event: RawValue::from_string(text).ok()?,
            done,
            as_text: self.as_text.is_some(),
        })
    }

    /// The same with one mutation less.
    fn simpler(&self) -> Vec<Self> {
        let without = (0..self.mutations.len()).map(|at| {
            let mut case = self.clone();
            case.mutations.remove(at);
            case
        });
        let as_tree = self.as_text.map(|_| Self {
            as_text: None,
            ..self.clone()
        });
        without.chain(as_tree).collect()
    }

    fn report(&self, samples: &Samples, why: &str) -> ! {
        let mutant = self.mutant(samples).unwrap();
        let done: Vec<String> = mutant.done.iter().map(ToString::to_string).collect();
        panic!(
            "{why}\n  events/{}.json after: {} ({self:?})\n  {}",
            mutant.name,
            done.join(", "),
            mutant.event
        );
    }
}

fn count() -> u64 {
    env::var("MUTATIONS").map_or(DEFAULT_COUNT, |count| {
        count.parse().expect("MUTATIONS is a number")
    })
}

/// The message of a panic.
fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("a panic: {}", text.unwrap_or_default())
}

#[test]
fn mutated_events_are_decoded_faithfully_or_rejected() {
    let samples = Samples::read();
    let checks = decoded::Checks::new();
    let check = |case: &Case| {
        let Some(mutant) = case.mutant(&samples) else {
            return Ok("not JSON");
        };
        catch_unwind(AssertUnwindSafe(|| checks.check(&mutant)))
            .unwrap_or_else(|panic| Err(panic_message(&*panic)))
    };
    let mut results: BTreeMap<&str, u64> = BTreeMap::new();
    for number in 0..count() {
        let mut case = Case::new(number, &samples);
        match check(&case) {
            Ok(result) => *results.entry(result).or_default() += 1,
            Err(mut why) => {
                while let Some((simpler, error)) = case
                    .simpler()
                    .into_iter()
                    .find_map(|case| Some((case.clone(), check(&case).err()?)))
                {
                    (case, why) = (simpler, error);
                }
                case.report(&samples, &why);
            }
        }
    }
    println!("decoded: {results:?}");
    assert!(results.len() > 3, "too few kinds of results: {results:?}");
}

#[tokio::test(start_paused = true)]
async fn mutated_events_end_only_jobs_that_they_name() {
    let samples = Samples::read();
    let mut results: BTreeMap<String, u64> = BTreeMap::new();
    let mut bench = handled::Bench::new(&samples.trees);
    for number in 0..count() / HANDLED {
        let mut case = Case::new(number * HANDLED + number % HANDLED, &samples);
        match check(&case, &samples, &mut bench).await {
            Ok(result) => *results.entry(result).or_default() += 1,
            Err(mut why) => {
                'simpler: loop {
                    for simpler in case.simpler() {
                        if let Err(error) = check(&simpler, &samples, &mut bench).await {
                            (case, why) = (simpler, error);
                            continue 'simpler;
                        }
                    }
                    break;
                }
                case.report(&samples, &why);
            }
        }
    }
    println!("handled: {results:?}");
    assert!(results.len() > 5, "too few kinds of results: {results:?}");
}

async fn check(
    case: &Case,
    samples: &Samples,
    bench: &mut handled::Bench,
) -> Result<String, String> {
    let Some(mutant) = case.mutant(samples) else {
        return Ok("not JSON".to_owned());
    };
    let checked = AssertUnwindSafe(bench.check(&mutant)).catch_unwind().await;
    checked.unwrap_or_else(|panic| Err(panic_message(&*panic)))
}
