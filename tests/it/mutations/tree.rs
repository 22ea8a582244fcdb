//! JSON as a tree that can be mutated in every way a text can: fields may be repeated and in any order, numbers are texts,
//! and a string that holds JSON is a tree of its own.

use std::fmt::{self, Write};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// The deepest level that is read.
const MAX_DEPTH: usize = 60;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    /// `null`, a boolean, a number, or any other text, written as it is.
    Raw(String),
    Text(String),
    /// A string that holds JSON.
    Nested(Box<Tree>),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    /// Reads JSON. What is nested deeper than `serde_json` reads stays text.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let read = serde_json::from_str(text).ok();
        read.or_else(|| {
            Some(Self::read_to_depth(
                serde_json::from_str(text).ok()?,
                MAX_DEPTH,
            ))
        })
    }

    fn read_to_depth(value: &RawValue, depth: usize) -> Self {
        let text = value.get();
        let rest = |value: &RawValue| match depth.checked_sub(1) {
            Some(depth) => Self::read_to_depth(value, depth),
            None => Self::raw(value.get()),
        };
        let fields = text
            .starts_with('{')
            .then(|| serde_json::from_str::<Fields<'_>>(text).ok());
        if let Some(Some(Fields(fields))) = fields {
            let fields = fields.into_iter().map(|(name, value)| (name, rest(value)));
            return Self::Object(fields.collect());
        }
        if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) {
            return Self::Array(items.into_iter().map(rest).collect());
        }
        serde_json::from_str(text).unwrap_or_else(|_| Self::raw(text))
    }

    pub(crate) fn raw(text: impl fmt::Display) -> Self {
        Self::Raw(text.to_string())
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The last field of this name, as most JSON parsers read it.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else {
            return None;
        };
        let (_, value) = fields.iter().rev().find(|(field, _)| field == name)?;
        Some(value)
    }

    /// The value of a string, whether or not it holds JSON.
    pub(crate) fn as_text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Nested(tree) => Some(tree.to_string()),
            _ => None,
        }
    }

    pub(crate) fn is(&self, raw: &str) -> bool {
        matches!(self, Self::Raw(text) if text == raw)
    }

    /// The nodes directly below.
    pub(crate) fn children(&self) -> Vec<&Self> {
        match self {
            Self::Raw(_) | Self::Text(_) => Vec::new(),
            Self::Nested(tree) => vec![tree],
            Self::Array(items) => items.iter().collect(),
            Self::Object(fields) => fields.iter().map(|(_, value)| value).collect(),
        }
    }

    fn children_mut(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Raw(_) | Self::Text(_) => Vec::new(),
            Self::Nested(tree) => vec![tree],
            Self::Array(items) => items.iter_mut().collect(),
            Self::Object(fields) => fields.iter_mut().map(|(_, value)| value).collect(),
        }
    }

    /// The number of nodes, this one included.
    pub(crate) fn size(&self) -> usize {
        1 + self.children().into_iter().map(Self::size).sum::<usize>()
    }

    /// The node of this number, in the order in which they are written; this one is number 0.
    pub(crate) fn node_mut(&mut self, number: usize) -> Option<&mut Self> {
        let Some(mut number) = number.checked_sub(1) else {
            return Some(self);
        };
        for child in self.children_mut() {
            let size = child.size();
            if number < size {
                return child.node_mut(number);
            }
            number -= size;
        }
        None
    }

    /// Calls `visit` with this node and all below.
    pub(crate) fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let comma = |f: &mut fmt::Formatter<'_>, index| match index {
            0 => Ok(()),
            _ => f.write_char(','),
        };
        match self {
            Self::Raw(text) => f.write_str(text),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Nested(tree) => f.write_str(&quoted(&tree.to_string())),
            Self::Array(items) => {
                f.write_char('[')?;
                for (index, item) in items.iter().enumerate() {
                    comma(f, index)?;
                    write!(f, "{item}")?;
                }
                f.write_char(']')
            }
            Self::Object(fields) => {
                f.write_char('{')?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    comma(f, index)?;
                    write!(f, "{}:{value}", quoted(name))?;
                }
                f.write_char('}')
            }
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// The fields of an object, repeated ones included, their values unparsed.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = object.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Node;
        impl<'de> Visitor<'de> for Node {
            type Value = Tree;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Tree, E> {
                Ok(Tree::raw("null"))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
                Ok(Tree::raw(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
                Ok(Tree::raw(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
                Ok(Tree::raw(value))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
                Ok(Tree::Raw(format!("{value:?}")))
            }

            fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
                let holds = value.trim_start().starts_with(['{', '[']);
                let nested = holds.then(|| Tree::read(value)).flatten();
                Ok(nested.map_or_else(|| Tree::text(value), |tree| Tree::Nested(Box::new(tree))))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Tree, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = array.next_element()? {
                    items.push(item);
                }
                Ok(Tree::Array(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Tree, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = object.next_entry()? {
                    fields.push(field);
                }
                Ok(Tree::Object(fields))
            }
        }
        deserializer.deserialize_any(Node)
    }
}
