//! The function has one HTTP stack and one TLS stack. A second one costs start-up time and size, and comes unnoticed with a
//! default feature.

use std::{collections::BTreeMap, process::Command};

/// Crates of another stack than hyper 1 and rustls with ring.
const SECOND_STACKS: [&str; 8] = [
    "aws-lc-rs",
    "aws-lc-sys",
    "native-tls",
    "openssl",
    "openssl-sys",
    "reqwest",
    "s2n-tls",
    "webpki-roots",
];

/// Crates of the one stack, each in one version.
const ONE_OF: [&str; 9] = [
    "http",
    "http-body",
    "hyper",
    "hyper-rustls",
    "hyper-util",
    "ring",
    "rustls",
    "rustls-webpki",
    "tokio-rustls",
];

/// The names and versions of all crates that are compiled into the function.
fn deployed() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "batch-cancel", "--edges", "normal"])
        .args(["--prefix", "none", "--no-dedupe", "--offline", "--locked"])
        .args(["--target", "x86_64-unknown-linux-gnu", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    let (text, problem) = (output.stdout, output.stderr);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&problem)
    );
    let mut crates: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in String::from_utf8(text).unwrap().lines() {
        let mut words = line.split(' ');
        let (name, version) = (words.next().unwrap(), words.next().unwrap());
        let versions = crates.entry(name.to_owned()).or_default();
        if !versions.iter().any(|known| known == version) {
            versions.push(version.to_owned());
        }
    }
    crates
}

#[test]
fn one_http_stack_and_one_tls_stack() {
    let crates = deployed();
    for name in ONE_OF {
        let versions = crates.get(name).map_or(&[][..], Vec::as_slice);
        assert_eq!(versions.len(), 1, "{name}: {versions:?}");
    }
    for (name, newest) in [("hyper", "v1."), ("http", "v1."), ("rustls", "v0.23.")] {
        assert!(crates[name][0].starts_with(newest), "{:?}", crates[name]);
    }
    for name in SECOND_STACKS {
        assert!(!crates.contains_key(name), "{name} is a dependency");
    }
}
