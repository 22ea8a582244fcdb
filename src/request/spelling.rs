//! What counts as a spelling of a field. Every source asks here, so that a misspelt `dryRun` is an error wherever it stands.

use super::schema::FIELDS;

/// Whether this is a field of a request, in any spelling.
pub(crate) fn is_field(name: &str) -> bool {
    let letters = letters(name);
    FIELDS.iter().any(|field| is_same(field, &letters))
}

/// Whether `name` may be meant for `field`, which has letters only: it has the same letters in any case, whatever stands
/// around and between them, however many `s` are at the end. `dry_run`, `DRY-RUN` and `dryRuns 2` are spellings of
/// `dryRun`, and `jobId` and `jobIds` are of each other.
pub(crate) fn is_spelling_of(field: &str, name: &str) -> bool {
    is_same(field, &letters(name))
}

fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).collect()
}

fn is_same(field: &str, letters: &str) -> bool {
    singular(field).eq_ignore_ascii_case(singular(letters))
}

fn singular(word: &str) -> &str {
    word.trim_end_matches(['s', 'S'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spelling_has_the_letters_of_the_field() {
        for name in [
            "dryRun",
            "dryrun",
            "DRY_RUN",
            "dry-run",
            " Dry Run",
            "dryRun2",
            "dry1run",
            "dryRuns",
            "dryRunss",
            "dry\u{200b}Run",
            "\"dryRun\"",
        ] {
            assert!(is_spelling_of("dryRun", name) && is_field(name), "{name}");
        }
        for field in FIELDS {
            assert!(
                is_field(field)
                    && is_field(&field.to_uppercase())
                    && is_field(&format!("{field}s")),
                "{field}"
            );
        }
        for name in [
            "",
            "s",
            "7",
            "dry",
            "dryRunner",
            "isDryRun",
            "Subject",
            "id",
        ] {
            assert!(!is_field(name), "{name}");
        }
    }

    #[test]
    fn nothing_that_aws_puts_around_a_request_is_a_spelling_of_a_field() {
        for name in [
            "version",
            "id",
            "detail-type",
            "source",
            "account",
            "time",
            "region",
            "resources",
            "detail",
            "replay-name",
            "messageId",
            "receiptHandle",
            "body",
            "attributes",
            "messageAttributes",
            "md5OfBody",
            "md5OfMessageAttributes",
            "eventSource",
            "eventSourceARN",
            "awsRegion",
            "Records",
            "EventSource",
            "EventVersion",
            "EventSubscriptionArn",
            "Sns",
            "Type",
            "MessageId",
            "TopicArn",
            "Subject",
            "Message",
            "Timestamp",
            "SignatureVersion",
            "Signature",
            "SigningCertURL",
            "SigningCertUrl",
            "UnsubscribeURL",
            "UnsubscribeUrl",
            "MessageAttributes",
            "SequenceNumber",
            "alarmArn",
            "accountId",
            "alarmData",
            "AlarmName",
            "AlarmDescription",
            "AWSAccountId",
            "AlarmConfigurationUpdatedTimestamp",
            "NewStateValue",
            "NewStateReason",
            "StateChangeTime",
            "Region",
            "AlarmArn",
            "OldStateValue",
            "ActionExecutedAfterMuteWindow",
            "OKActions",
            "AlarmActions",
            "InsufficientDataActions",
            "Trigger",
            "AlarmContributorId",
            "AlarmContributorAttributes",
            "resource",
            "path",
            "httpMethod",
            "headers",
            "multiValueHeaders",
            "queryStringParameters",
            "multiValueQueryStringParameters",
            "pathParameters",
            "stageVariables",
            "requestContext",
            "isBase64Encoded",
            "routeKey",
            "rawPath",
            "rawQueryString",
            "cookies",
            "widgetContext",
            "describe",
        ] {
            assert!(!is_field(name), "{name}");
        }
    }
}
