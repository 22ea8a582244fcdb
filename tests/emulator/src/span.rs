//! How durations and times are written in seeds and fault settings.

use std::{fmt, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserializer, Serialize, Serializer, de};

/// A length of time: a number of seconds, or text such as `90s`, `1h 30m`, `PT1H`.
struct Span;

impl de::Visitor<'_> for Span {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds as a number, or a duration such as \"90s\", \"2h\" or \"PT1H\"")
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Duration, E> {
        Ok(Duration::from_secs(seconds))
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Duration, E> {
        u64::try_from(seconds)
            .map(Duration::from_secs)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(seconds), &self))
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Duration, E> {
        Duration::try_from_secs_f64(seconds)
            .map_err(|_| E::invalid_value(de::Unexpected::Float(seconds), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        text.parse::<SignedDuration>()
            .ok()
            .and_then(|span| Duration::try_from(span).ok())
            .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    from.deserialize_any(Span)
}

pub(crate) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
    span.as_secs_f64().serialize(to)
}

/// The same for a length of time that may be left out.
pub(crate) mod option {
    use super::{Deserializer, Duration, Serialize, Serializer};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        #[derive(serde::Deserialize)]
        struct Given(#[serde(with = "super")] Duration);
        let given: Option<Given> = serde::Deserialize::deserialize(from)?;
        Ok(given.map(|given| given.0))
    }

    #[expect(clippy::ref_option, reason = "serde's `with` asks for a reference")]
    pub(crate) fn serialize<S: Serializer>(
        span: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        span.map(|span| span.as_secs_f64()).serialize(to)
    }
}

/// The same for lengths of time by operation.
pub(crate) mod map {
    use std::collections::BTreeMap;

    use super::{Deserializer, Duration, Serializer};
    use crate::operation::Operation;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<Operation, Duration>, D::Error> {
        #[derive(serde::Deserialize)]
        struct Given(#[serde(with = "super")] Duration);
        let given: BTreeMap<Operation, Given> = serde::Deserialize::deserialize(from)?;
        Ok(given.into_iter().map(|(of, given)| (of, given.0)).collect())
    }

    pub(crate) fn serialize<S: Serializer>(
        spans: &BTreeMap<Operation, Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_map(spans.iter().map(|(of, span)| (of, span.as_secs_f64())))
    }
}

/// A point in time: milliseconds since the epoch, or text such as `2026-11-22T10:00:00Z`.
pub(crate) mod time {
    use super::{Deserializer, Duration, Serialize, Serializer, Timestamp, de, fmt};

    struct Time;

    impl de::Visitor<'_> for Time {
        type Value = Duration;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(
                "milliseconds since the epoch, or a timestamp such as \"2026-11-22T10:00:00Z\"",
            )
        }

        fn visit_u64<E: de::Error>(self, millis: u64) -> Result<Duration, E> {
            Ok(Duration::from_millis(millis))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
            text.parse::<Timestamp>()
                .ok()
                .and_then(|at| u64::try_from(at.as_millisecond()).ok())
                .map(Duration::from_millis)
                .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        struct Given(Duration);
        impl<'de> serde::Deserialize<'de> for Given {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any(Time).map(Self)
            }
        }
        let given: Option<Given> = serde::Deserialize::deserialize(from)?;
        Ok(given.map(|given| given.0))
    }

    #[expect(clippy::ref_option, reason = "serde's `with` asks for a reference")]
    pub(crate) fn serialize<S: Serializer>(
        at: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        at.map(|at| at.as_millis()).serialize(to)
    }
}
