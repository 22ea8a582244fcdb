//! A JSON object whose field names are read, and whose values are decoded only where they are used.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapDeserializer},
};
use serde_json::value::RawValue;

use crate::request::{RequestError, decode, is_field};

/// The fields of a JSON object. A field that is `null` counts as absent.
#[derive(Debug, Default)]
pub(super) struct RawObject<'a>(Vec<(String, &'a RawValue)>);

impl<'a> RawObject<'a> {
    /// Reads `text`, if it is a JSON object.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let (_, value) = self.0.iter().rev().find(|(field, _)| field == name)?;
        (value.get() != "null").then_some(*value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The value of a field that is a string.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    /// The fields of a field that is an object.
    pub(super) fn object(&self, name: &str) -> Option<RawObject<'a>> {
        RawObject::read(self.get(name)?.get())
    }

    /// Decodes the fields into `T`. An error names the field.
    pub(super) fn decode<T: Deserialize<'a>>(&self) -> Result<T, RequestError> {
        decode(self.deserializer())
    }

    /// A deserializer of the fields.
    pub(super) fn deserializer(
        &self,
    ) -> impl Deserializer<'a, Error = serde_json::Error> + use<'_, 'a> {
        MapDeserializer::new(self.fields())
    }

    /// The elements of `Records`, each if it is an object. Empty if there is no such list.
    pub(super) fn records(&self) -> Vec<Option<Self>> {
        let records = self.get("Records").map_or("[]", RawValue::get);
        let records: Vec<&RawValue> = serde_json::from_str(records).unwrap_or_default();
        let records = records.into_iter();
        records.map(|record| Self::read(record.get())).collect()
    }

    /// The other fields than those that `leaves_out` names.
    pub(super) fn without(&self, leaves_out: impl Fn(&str) -> bool) -> Self {
        let fields = self.0.iter().filter(|(name, _)| !leaves_out(name));
        Self(fields.cloned().collect())
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Refuses fields of a request beside `place`, where they belong. AWS writes none there, so somebody else did, and a
    /// `dryRun` there must not be lost.
    pub(super) fn no_fields_beside(&self, place: &str) -> Result<(), RequestError> {
        let Some(field) = self.names().find(|name| is_field(name)) else {
            return Ok(());
        };
        let why = format!("options of a request have no effect here; they go into {place}");
        Err(RequestError::new(field, why))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawObject<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = RawObject<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawObject<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(RawObject(fields))
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}
