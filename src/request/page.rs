//! A page of a job queue's jobs: what is asked for, and the token that asks for the next one.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::{NamePattern, OwnRegion, QueueName, RequestError, Status, refuse};

/// The most jobs on a page, as many as Batch lists with a filter…
const MAX_LIMIT: u8 = 100;

/// … and how many there are unless the request says.
const DEFAULT_LIMIT: u8 = 50;

/// The length of a token's checksum, in bytes.
const CHECKSUM: usize = 16;

/// A page of the jobs of a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct PageRequest {
    /// The queue.
    pub queue: QueueName,
    /// The status of the jobs.
    pub status: Status,
    /// Their name.
    pub job_name: Option<NamePattern>,
    /// The most jobs on the page.
    pub limit: u8,
    /// What Batch gave with the page before, to ask for this one; none for the first.
    pub next: Option<String>,
}

impl PageRequest {
    /// Reads the parameters of a query, each of which may be given once.
    ///
    /// # Errors
    ///
    /// When one is unknown, given twice or wrong. The error names it.
    pub fn new(queue: QueueName, query: &[(String, String)]) -> Result<Self, RequestError> {
        let mut request = Self {
            queue,
            status: Status::Runnable,
            job_name: None,
            limit: DEFAULT_LIMIT,
            next: None,
        };
        let mut token = None;
        for parameter in each_once(query) {
            let (name, value) = parameter?;
            match name {
                "status" => request.status = status(value)?,
                "jobName" => request.job_name = Some(NamePattern::new(name, value.to_owned())?),
                "limit" => request.limit = limit(value)?,
                "nextToken" => token = Some(value),
                _ => {
                    let expected =
                        "unknown query parameter, expected status, jobName, limit or nextToken";
                    return refuse(name, expected);
                }
            }
        }
        // The token belongs to the filters, so these are read first, in whatever order they are given.
        request.next = token.map(|token| request.open(token)).transpose()?;
        Ok(request)
    }

    /// The token that asks for the page after this one, for which Batch gave `next`.
    ///
    /// Its checksum has no key: whoever knows this code can make one. It finds mistakes, a token that was cut or belongs to
    /// another queue or filter. It permits nothing, since the policy is checked on every page.
    #[must_use]
    pub fn token(&self, next: &str) -> String {
        let mut bytes = self.checksum(next);
        bytes.extend_from_slice(next.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What Batch gave, from a token.
    fn open(&self, token: &str) -> Result<String, RequestError> {
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
            let (checksum, next) = bytes.split_at_checked(CHECKSUM)?;
            let next = std::str::from_utf8(next).ok()?;
            let is_ours = !next.is_empty() && checksum == self.checksum(next);
            is_ours.then(|| next.to_owned())
        };
        let why = "not a token of this listing: send it as it was answered, with the same queue, status and jobName";
        read().ok_or_else(|| RequestError::new("nextToken", why))
    }

    fn checksum(&self, next: &str) -> Vec<u8> {
        let name = self.job_name.as_ref().map(NamePattern::as_str);
        let queue = self.queue.arn.as_ref().unwrap_or(&self.queue.name);
        let mut hash = Sha256::new();
        for part in [queue, self.status.as_str(), name.unwrap_or_default(), next] {
            // With its length, so that no two lists of parts look the same.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into_iter().take(CHECKSUM).collect()
    }
}

/// The parameters of a query, each of which may be given once.
pub(crate) fn each_once(
    query: &[(String, String)],
) -> impl Iterator<Item = Result<(&str, &str), RequestError>> {
    query.iter().enumerate().map(|(place, (name, value))| {
        let mut before = query.iter().take(place);
        if before.any(|(known, _)| known == name) {
            return refuse(name, "given twice");
        }
        Ok((name.as_str(), value.as_str()))
    })
}

impl QueueName {
    /// Reads the name of a job queue
    /// ([API reference](https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateJobQueue.html)).
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(text: &str, own_region: &OwnRegion) -> Result<Self, RequestError> {
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        if text.is_empty() || text.len() > 128 || !text.bytes().all(is_allowed) {
            let why = format!(
                "{:?} is not the name of a job queue: at most 128 letters, digits, - and _",
                text.chars().take(200).collect::<String>()
            );
            return refuse("queue", why);
        }
        Ok(Self {
            name: text.to_owned(),
            arn: own_region.queue_arn(text),
        })
    }
}

fn status(text: &str) -> Result<Status, RequestError> {
    let status = Status::from_batch(text);
    if status.is_listed() {
        return Ok(status);
    }
    let why = "is not one of SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING, SUCCEEDED, FAILED";
    refuse("status", format!("{text:?} {why}"))
}

fn limit(text: &str) -> Result<u8, RequestError> {
    let number = text
        .parse()
        .ok()
        .filter(|number: &u8| (1..=MAX_LIMIT).contains(number) && number.to_string() == text);
    let why = || format!("{text:?} is not a whole number from 1 to {MAX_LIMIT}");
    number.ok_or_else(|| RequestError::new("limit", why()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(queue: &str, query: &[(&str, &str)]) -> Result<PageRequest, RequestError> {
        let own_region =
            OwnRegion::from_function_arn("arn:aws:lambda:eu-west-1:123456789012:function:f");
        let query: Vec<(String, String)> = query
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        PageRequest::new(QueueName::parse(queue, &own_region)?, &query)
    }

    #[test]
    fn a_token_is_read_with_the_queue_and_the_filters_that_it_was_made_for() {
        let filters = [("status", "PENDING"), ("jobName", "nightly-*")];
        let token = page("high", &filters).unwrap().token("next of Batch");
        let with = |queue: &str, filters: &[(&str, &str)]| {
            page(queue, &[filters, &[("nextToken", token.as_str())]].concat())
        };
        assert_eq!(
            with("high", &filters).unwrap().next.as_deref(),
            Some("next of Batch")
        );
        let any_order = [
            ("nextToken", &*token),
            ("limit", "7"),
            filters[1],
            filters[0],
        ];
        assert!(page("high", &any_order).is_ok());
        for (queue, filters) in [
            ("low", &filters[..]),
            ("high", &filters[..1]),
            ("high", &filters[1..]),
            ("high", &[("status", "PENDING"), ("jobName", "nightly-")]),
            ("high", &[("status", "RUNNABLE"), ("jobName", "nightly-*")]),
        ] {
            let error = with(queue, filters).unwrap_err().to_string();
            assert!(error.contains("nextToken"), "{error}");
        }
    }

    #[test]
    fn an_altered_token_is_refused() {
        let token = page("high", &[]).unwrap().token("next of Batch");
        let read = |token: &str| page("high", &[("nextToken", token)]);
        assert!(read(&token).is_ok());
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=";
        for at in 0..token.len() {
            for letter in letters.chars().filter(|c| !token[at..].starts_with(*c)) {
                let altered = format!("{}{letter}{}", &token[..at], &token[at + 1..]);
                assert!(read(&altered).is_err(), "{altered}");
            }
            assert!(read(&token[..at]).is_err());
            assert!(read(&token[at + 1..]).is_err());
        }
        for altered in [
            format!("{token}="),
            format!("{token}A"),
            format!(" {token}"),
        ] {
            assert!(read(&altered).is_err(), "{altered}");
        }
        assert!(read(&page("high", &[]).unwrap().token("")).is_err());
    }

    #[test]
    fn parameters_are_read_or_named_in_the_error() {
        let request = page("high", &[]).unwrap();
        assert_eq!((request.status, request.limit), (Status::Runnable, 50));
        assert_eq!(page("high", &[("limit", "100")]).unwrap().limit, 100);
        for (queue, name, value) in [
            ("high", "limit", "0"),
            ("high", "limit", "101"),
            ("high", "limit", "+5"),
            ("high", "limit", "05"),
            ("high", "limit", ""),
            ("high", "status", "runnable"),
            ("high", "status", "SCHEDULED"),
            ("high", "status", "RUNNABLE,PENDING"),
            ("high", "status", ""),
            ("high", "jobName", ""),
            ("high", "jobName", "a*b"),
            ("high", "nextToken", ""),
            ("high", "tags", "owner"),
            (
                "arn:aws:batch:eu-west-1:123456789012:job-queue/high",
                "queue",
                "",
            ),
            ("", "queue", ""),
            ("hi gh", "queue", ""),
        ] {
            let error = page(queue, &[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: ")), "{error}");
        }
        let twice = page("high", &[("limit", "5"), ("limit", "5")]).unwrap_err();
        assert_eq!(twice.to_string(), "limit: given twice");
    }
}
