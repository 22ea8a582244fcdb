//! "Did you mean".

use clap::CommandFactory;

use crate::{
    account::Place,
    args::{Cli, End},
    door::Door,
    error::UserError,
};

/// How alike two words must be.
const ALIKE: f64 = 0.7;

/// Of these names the one that is most like another.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let alike = |known: &&str| strsim::jaro_winkler(name, known);
    let names = names.into_iter().filter(|known| alike(known) >= ALIKE);
    names.max_by(|one, other| alike(one).total_cmp(&alike(other)))
}

/// A first word that is neither an id nor a command.
pub(crate) fn command(word: &str) -> UserError {
    let cli = Cli::command();
    let names = cli.get_subcommands().map(clap::Command::get_name);
    let names: Vec<&str> = names.collect();
    let meant = nearest(word, names.iter().copied());
    let meant = meant.map_or_else(
        || "See bcancel --help".to_owned(),
        |name| format!("Did you mean: bcancel {name}"),
    );
    UserError::new(format!(
        "{word:?} is neither a job id nor a command. {meant}"
    ))
}

/// An error about a job queue that does not exist, with the name of one that does.
pub(crate) async fn queue(error: UserError, args: &End, door: &Door) -> UserError {
    let text = error.to_string();
    let missing = args
        .queue
        .iter()
        .find(|queue| text == format!("job queue {queue} does not exist"));
    let (Some(missing), Door::Own(place)) = (missing, door) else {
        return error;
    };
    queue_of(missing, place).await
}

/// A job queue does not exist.
pub(crate) async fn queue_of(missing: &str, place: &Place) -> UserError {
    let names = place.queue_names().await;
    let meant = nearest(missing, names.iter().map(String::as_str));
    let meant = meant.map_or_else(String::new, |name| format!(". Did you mean {name}?"));
    let account = &place.account;
    UserError::new(format!(
        "there is no job queue {missing} in {}, {}{meant}",
        account.id, account.region
    ))
}
