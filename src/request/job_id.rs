//! Job ids, parsed once: sixteen bytes and a child index instead of a string.

use std::{fmt, num::ParseIntError};

use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;

use super::OwnRegion;
use crate::text::cut_tail;

/// The most characters of an invalid id that a report repeats.
const MAX_ECHOED: usize = 200;

/// The most characters of a part of it that a message repeats.
const MAX_PART: usize = 64;

/// The id of an AWS Batch job, of one child of an array job, or of a service job.
///
/// Displayed as Batch writes it: `UUID` or `UUID:N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId {
    uuid: Uuid,
    child: Option<u32>,
    service: bool,
}

impl JobId {
    /// The array job that this job is a child of.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        self.child.map(|_| Self {
            child: None,
            ..self
        })
    }

    /// Whether this is a service job, which has calls of its own and can only be terminated.
    #[must_use]
    pub fn is_service_job(self) -> bool {
        self.service
    }

    /// Reads the id of a job as Batch writes it in its events and answers: `UUID`, `UUID:N`, or a node `UUID#N`, which
    /// stands for its multi-node job. Upper case is folded.
    #[must_use]
    pub fn from_batch(text: &str) -> Option<Self> {
        parse_plain(text).ok().map(|(id, _)| id)
    }

    /// Reads the id of a service job as Batch writes it in its events and answers.
    pub(crate) fn service_from_batch(text: &str) -> Option<Self> {
        match parse_plain(text) {
            Ok((id, false)) if id.child.is_none() => Some(Self {
                service: true,
                ..id
            }),
            _ => None,
        }
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.uuid.as_hyphenated())?;
        match self.child {
            Some(index) => write!(f, ":{index}"),
            None => Ok(()),
        }
    }
}

/// One id of a request: a job, or a text that is not a valid id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedId {
    /// A job. Upper case is folded.
    Job {
        /// The job.
        id: JobId,
        /// The text of the request, if it is an ARN or names a node.
        written: Option<Box<str>>,
    },
    /// Not a valid id. It is reported as `invalidId`, and never sent to Batch.
    Invalid {
        /// The text. Of a longer one 200 characters, with its length and checksum, so that no two texts look the same.
        written: Box<str>,
        /// What is wrong with it.
        why: InvalidId,
    },
}

impl AskedId {
    /// Reads a job id, array child id, node id or job ARN.
    #[must_use]
    pub fn parse(text: &str, own_region: &OwnRegion) -> Self {
        match parse(text.trim(), own_region) {
            Ok((id, says_more)) => Self::Job {
                id,
                written: says_more.then(|| echo(text.trim())),
            },
            Err(why) => Self::Invalid {
                written: echo(text),
                why,
            },
        }
    }

    /// The id of a known job.
    #[must_use]
    pub fn known(id: JobId) -> Self {
        Self::Job { id, written: None }
    }
}

/// Why a text is not the id of a job in this function's account and region.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum InvalidId {
    /// Neither an id nor an ARN.
    #[error(
        "expected a job id (UUID), an array child (UUID:N), a node (UUID#N) or a job's ARN{}",
        .0.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default()
    )]
    NotAnId(Option<String>),
    /// A job of another account or region.
    #[error("the ARN names {found}, and this function acts only in {own}")]
    ForeignRegion {
        /// `region:account` of the ARN.
        found: String,
        /// `region:account` of the function.
        own: String,
    },
    /// A service job in a request without `terminate`.
    #[error("a service job can only be terminated; set \"terminate\": true")]
    ServiceJobNeedsTerminate,
}

/// A text as the report repeats it.
fn echo(text: &str) -> Box<str> {
    let cut = cut_tail(text, MAX_ECHOED);
    if cut.len() == text.len() {
        return text.into();
    }
    let checksum = Sha256::digest(text);
    let checksum = checksum.iter().take(8).map(|byte| format!("{byte:02x}"));
    let checksum: String = checksum.collect();
    format!("{cut} ({} bytes, sha256 {checksum})", text.len()).into()
}

/// The id, and whether the text says more than the id.
type Parsed = (JobId, bool);

fn parse(text: &str, own_region: &OwnRegion) -> Result<Parsed, InvalidId> {
    if text
        .get(..4)
        .is_some_and(|s| s.eq_ignore_ascii_case("arn:"))
    {
        parse_arn(text, own_region)
    } else {
        parse_plain(text)
    }
}

fn parse_arn(arn: &str, own_region: &OwnRegion) -> Result<Parsed, InvalidId> {
    let not = |hint: &str| InvalidId::NotAnId(Some(hint.to_owned()));
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let &[_, partition, service, region, account, resource] = parts.as_slice() else {
        return Err(not("an ARN has six parts"));
    };
    let partition_ok = partition.starts_with("aws")
        && partition
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let account_ok = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    if !partition_ok || service != "batch" || region.is_empty() || !account_ok {
        return Err(not("the ARN is not one of AWS Batch"));
    }
    let (is_service, id) = match resource.split_once('/') {
        Some(("job", id)) => (false, id),
        Some(("service-job", id)) => (true, id),
        _ => return Err(not("the ARN does not name a job")),
    };
    if !own_region.owns(region, account) {
        return Err(InvalidId::ForeignRegion {
            found: format!("{}:{account}", cut_tail(region, MAX_PART)),
            own: format!(
                "{}:{}",
                own_region.region.as_deref().unwrap_or("*"),
                own_region.account.as_deref().unwrap_or("*")
            ),
        });
    }
    let (id, _) = parse_plain(id)?;
    if is_service && id.child.is_some() {
        return Err(not("a service job has no children"));
    }
    Ok((
        JobId {
            service: is_service,
            ..id
        },
        true,
    ))
}

fn parse_plain(text: &str) -> Result<Parsed, InvalidId> {
    let (uuid, child, node) = match (text.split_once(':'), text.split_once('#')) {
        (Some((uuid, index)), None) => (uuid, Some(number(index)?), false),
        (None, Some((uuid, index))) => {
            number(index)?;
            (uuid, None, true)
        }
        (None, None) => (text, None, false),
        (Some(_), Some(_)) => return Err(InvalidId::NotAnId(None)),
    };
    // The crate also accepts braces, "urn:uuid:" and 32 digits without hyphens. Batch does not.
    if uuid.len() != 36 {
        return Err(InvalidId::NotAnId(None));
    }
    let uuid = Uuid::try_parse(uuid).map_err(|_| InvalidId::NotAnId(None))?;
    let id = JobId {
        uuid,
        child,
        service: false,
    };
    Ok((id, node))
}

/// An array index or node number: decimal, without sign or leading zeros, so that each child is written in one way.
fn number(text: &str) -> Result<u32, InvalidId> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if !plain {
        return Err(InvalidId::NotAnId(Some(format!(
            "{:?} is not an array index or node number",
            cut_tail(text, MAX_PART)
        ))));
    }
    text.parse()
        .map_err(|error: ParseIntError| InvalidId::NotAnId(Some(error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0c9d8f6e-3a1b-4c2d-8e4f-5a6b7c8d9e0f";

    fn own_region() -> OwnRegion {
        OwnRegion::from_function_arn("arn:aws:lambda:eu-west-1:123456789012:function:batch-cancel")
    }

    fn read(text: &str) -> Result<(String, bool), String> {
        match AskedId::parse(text, &own_region()) {
            AskedId::Job { id, written } => Ok((id.to_string(), written.is_some())),
            AskedId::Invalid { why, .. } => Err(why.to_string()),
        }
    }

    #[test]
    fn every_form_of_a_job_id_is_read() {
        assert_eq!(read(ID), Ok((ID.to_owned(), false)));
        assert_eq!(
            read(&format!(" {} ", ID.to_uppercase())),
            Ok((ID.to_owned(), false))
        );
        assert_eq!(read(&format!("{ID}:0")), Ok((format!("{ID}:0"), false)));
        assert_eq!(
            read(&format!("{ID}:9999")),
            Ok((format!("{ID}:9999"), false))
        );
        assert_eq!(read(&format!("{ID}#3")), Ok((ID.to_owned(), true)));
        for partition in ["aws", "aws-cn", "aws-us-gov"] {
            let arn = format!("arn:{partition}:batch:eu-west-1:123456789012:job/{ID}:7");
            assert_eq!(read(&arn), Ok((format!("{ID}:7"), true)));
        }
        let service = format!("arn:aws:batch:eu-west-1:123456789012:service-job/{ID}");
        let AskedId::Job { id, .. } = AskedId::parse(&service, &own_region()) else {
            panic!("a service job is a job");
        };
        assert!(id.is_service_job());
    }

    #[test]
    fn ids_from_batch_are_folded_to_the_job() {
        let read = |text: &str| JobId::from_batch(text).map(|id| id.to_string());
        for (text, id) in [
            (ID.to_owned(), ID.to_owned()),
            (ID.to_uppercase(), ID.to_owned()),
            (format!("{ID}#0"), ID.to_owned()),
            (format!("{}:7", ID.to_uppercase()), format!("{ID}:7")),
        ] {
            assert_eq!(read(&text), Some(id), "{text}");
        }
        for text in ["", "job", &format!("{ID}#"), &format!("{ID}:1#0")] {
            assert_eq!(read(text), None, "{text}");
        }
        assert!(JobId::service_from_batch(ID).is_some());
        assert!(JobId::service_from_batch(&format!("{ID}#0")).is_none());
    }

    #[test]
    fn invalid_ids_are_refused() {
        for text in [
            "",
            "job",
            "0c9d8f6e3a1b4c2d8e4f5a6b7c8d9e0f",
            &format!("{{{ID}}}"),
            &format!("urn:uuid:{ID}"),
            &format!("{ID}:"),
            &format!("{ID}:01"),
            &format!("{ID}:-1"),
            &format!("{ID}:99999999999"),
            &format!("{ID}:1#2"),
            &format!("{ID}x"),
            &format!("arn:aws:batch:eu-west-1:123456789012:job-queue/{ID}"),
            &format!("arn:aws:ecs:eu-west-1:123456789012:job/{ID}"),
            &format!("arn:evil:batch:eu-west-1:123456789012:job/{ID}"),
            "arn:aws:batch",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn arns_of_other_regions_and_accounts_are_refused_with_the_reason() {
        let other = format!("arn:aws:batch:us-east-1:123456789012:job/{ID}");
        assert_eq!(
            read(&other),
            Err("the ARN names us-east-1:123456789012, and this function acts only in eu-west-1:123456789012".to_owned())
        );
        assert!(matches!(
            AskedId::parse(&other, &OwnRegion::default()),
            AskedId::Job { .. }
        ));
    }

    #[test]
    fn a_long_text_is_cut() {
        let written = |text: &str| match AskedId::parse(text, &own_region()) {
            AskedId::Invalid { written, .. } => written,
            AskedId::Job { .. } => panic!("{text} is no id"),
        };
        let long = "é".repeat(5000);
        let shown = written(&long);
        assert!(shown.starts_with(&"é".repeat(199)), "{shown}");
        assert!(shown.contains("… (10000 bytes, sha256 "), "{shown}");
        assert!(shown.chars().count() < 250, "{shown}");
        assert_ne!(shown, written(&format!("{long}x")));
        assert_eq!(*written(&"é".repeat(200)), *"é".repeat(200));
    }
}
