//! The requests that a client may send, and how they are mutated.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::account::OWNERS;
use crate::{
    mutations::{
        mutate::{corrupt, mutate},
        tree::Tree,
    },
    owners::callers::Caller,
};

/// What a client sends.
pub(super) struct Sent {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<String>,
    pub(super) headers: Map<String, Value>,
}

fn any_id(ids: &[String], random: &mut Rng) -> String {
    let id = random.choice(ids).cloned().unwrap_or_default();
    let plain = id.split(':').next().unwrap_or_default().to_owned();
    match random.u8(..12) {
        0 => id.to_uppercase(),
        1 => format!("arn:aws:batch:eu-west-1:123456789012:job/{id}"),
        2 => format!("{plain}#0"),
        3 => format!("{plain}:{}", random.u8(..4)),
        4 => format!(" {id}"),
        5 => plain,
        _ => id,
    }
}

fn any_select(ids: &[String], random: &mut Rng) -> Value {
    let mut select = match random.u8(..5) {
        0 => json!({"arrayJobId": any_id(ids, random)}),
        1 => json!({"jobQueue": "arn:aws:batch:eu-west-1:123456789012:job-queue/mine"}),
        2 if random.bool() => json!({"jobQueue": "theirs"}),
        _ => json!({"jobQueue": "mine"}),
    };
    let owner = random.choice(OWNERS).flatten().unwrap_or("carl");
    for _ in 0..random.u8(..3) {
        match random.u8(..6) {
            0 => select["tags"] = json!({ "owner": owner }),
            1 => select["tags"] = json!({"user": "ann"}),
            2 => select["jobName"] = json!("nightly-*"),
            3 => select["statuses"] = json!(["RUNNABLE", "SUBMITTED", "PENDING"]),
            4 => select["head"] = json!(true),
            _ => select["olderThan"] = json!("30m"),
        }
    }
    select
}

pub(super) fn any_body(ids: &[String], random: &mut Rng) -> Value {
    let mut body = match random.u8(..5) {
        0 => json!({"jobId": any_id(ids, random)}),
        1 | 2 => json!({"select": any_select(ids, random)}),
        _ => {
            let count = random.usize(1..30);
            json!({"jobIds": (0..count).map(|_| any_id(ids, random)).collect::<Vec<_>>()})
        }
    };
    for _ in 0..random.u8(..3) {
        match random.u8(..6) {
            0 => body["dryRun"] = json!(random.bool()),
            1 => body["maxJobs"] = json!(random.u8(1..20)),
            2 => body["reason"] = json!("by bob | by arn:aws:iam::123456789012:user/bob"),
            3 => body["waitSeconds"] = json!(random.u8(..4)),
            _ => body["terminate"] = json!(true),
        }
    }
    body
}

/// Names of fields and headers by which a client may try to be somebody else.
fn spoof(random: &mut Rng) -> (String, Value) {
    let names = [
        "authorizer",
        "requestContext",
        "identity",
        "claims",
        "sub",
        "Authorization",
        "x-amzn-oidc-identity",
        "x-amzn-oidc-data",
        "x-amz-security-token",
        "x-forwarded-user",
        "OWNER_TAG",
        "owner",
        "principalId",
        "multiValueHeaders",
    ];
    let claims = json!({"sub": "bob", "email": "bob", "email_verified": true});
    let values = [
        json!("bob"),
        json!(["bob", "ann"]),
        json!("arn:aws:iam::123456789012:user/bob"),
        json!({"jwt": {"claims": claims}, "iam": {"userArn": "arn:aws:iam::123456789012:user/bob"}}),
        claims,
        Value::Null,
    ];
    let name = random.choice(names).unwrap_or_default().to_owned();
    (name, random.choice(values).unwrap_or_default())
}

impl Sent {
    pub(super) fn new(ids: &[String], random: &mut Rng) -> Self {
        let mut sent = Self {
            method: "POST",
            path: "/cancellations".to_owned(),
            query: Vec::new(),
            body: None,
            headers: Map::new(),
        };
        if random.u8(..5) == 0 {
            let id = any_id(ids, random);
            sent.method = "DELETE";
            sent.path = match random.u8(..4) {
                0 => format!("/jobs/{id}"),
                1 => format!("/prod/jobs/{}/", id.replace(':', "%3a").replace('#', "%23")),
                _ => format!("/jobs/{}", id.replace(':', "%3A").replace('#', "%23")),
            };
            for name in ["terminate", "dryRun"] {
                if random.u8(..3) == 0 {
                    sent.query
                        .push((name.to_owned(), random.bool().to_string()));
                }
            }
        } else {
            sent.body = Some(any_body(ids, random).to_string());
        }
        sent
    }

    pub(super) fn mutate(&mut self, others: &[Tree], ids: &[String], random: &mut Rng) {
        match random.u8(..12) {
            0 => self.path = corrupt(&self.path, random),
            1 => self.path = format!("/jobs/{}{}", any_id(ids, random), self.path),
            2 => {
                self.method = random
                    .choice(["GET", "PUT", "POST", "DELETE", "post", "PATCH"])
                    .unwrap_or("GET");
            }
            3 => {
                let (name, value) = spoof(random);
                self.headers.insert(name, value);
            }
            4 => {
                let (name, value) = spoof(random);
                self.query.push((name, value.to_string()));
            }
            5 => {
                let id = any_id(ids, random);
                self.query.push(("jobId".to_owned(), id));
            }
            6 => {
                let mut body: Value = self.json();
                let (name, value) = spoof(random);
                body[name] = value;
                self.body = Some(body.to_string());
            }
            7 => self.body = self.body.take().map(|body| corrupt(&body, random)),
            _ => {
                let Some(mut tree) = self.body.as_deref().and_then(Tree::read) else {
                    return;
                };
                mutate(&mut tree, others, random.u64(..));
                self.body = Some(tree.to_string());
            }
        }
    }

    fn json(&self) -> Value {
        let body = self.body.as_deref().unwrap_or("{}");
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        if body.is_object() { body } else { json!({}) }
    }

    /// The event that the caller's gateway makes of it.
    pub(super) fn event(&self, caller: &Caller, random: &mut Rng) -> Value {
        let mut request = caller.request(self.method, &self.path);
        let query: Vec<(&str, &str)> = self
            .query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        if !query.is_empty() {
            request = request.query(&query);
        }
        if let Some(body) = &self.body {
            request = if random.u8(..8) == 0 {
                use base64::{Engine, engine::general_purpose::STANDARD};
                request.base64(&STANDARD.encode(body))
            } else {
                request.body(body)
            };
        }
        if let Some(headers) = request
            .event
            .get_mut("headers")
            .and_then(Value::as_object_mut)
        {
            headers.extend(self.headers.clone());
        }
        request.event
    }
}
