//! The emulated account: the demo account, or that of a seed file.

use std::fs;

use batch_emulator::{Emulator, Seed, demo};

/// The account of a seed file, or the demo account.
pub fn account(path: Option<&str>) -> Result<Emulator, String> {
    let Some(path) = path else {
        return Emulator::from_seed(demo::seed()).map_err(|error| error.to_string());
    };
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let seed = Seed::from_json(&text).map_err(|error| format!("{path}: {error}"))?;
    let emulator = seed.check_ids().and_then(|()| Emulator::from_seed(seed));
    emulator.map_err(|error| format!("{path}: {error}"))
}
