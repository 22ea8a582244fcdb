//! Who has sent an HTTP request, as far as the gateway has authenticated somebody.

use super::RawObject;
use crate::{command::HttpForm, policy::Identity};

/// A caller whom the gateway has authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// For the audit trail.
    pub(super) requested_by: String,
    /// For the owner rule.
    pub(super) identity: Identity,
}

impl Caller {
    /// Reads the caller. `claim` is the claim that is a caller's name.
    pub(super) fn read(context: &RawObject<'_>, form: HttpForm, claim: &str) -> Option<Self> {
        let caller = match form {
            HttpForm::V1 => caller_v1(context, claim),
            HttpForm::V2 => caller_v2(context, claim),
            HttpForm::Alb { .. } => None,
        };
        caller.filter(|caller| !caller.requested_by.is_empty())
    }

    fn by_iam(arn: String) -> Self {
        Self {
            identity: Identity::Iam(arn.clone()),
            requested_by: arn,
        }
    }

    fn by_claims(requested_by: String, claims: &RawObject<'_>, claim: &str) -> Self {
        Self {
            requested_by,
            identity: Identity::Claim(value(claims, claim)),
        }
    }
}

/// The value of a claim that is a text. Lists and numbers are no names. An address that nobody has verified is none either:
/// whoever registers may have typed somebody else's.
fn value(claims: &RawObject<'_>, claim: &str) -> Option<String> {
    if claim.eq_ignore_ascii_case("email") {
        let is_verified = claims.get("email_verified")?.get();
        if !["true", "\"true\""].contains(&is_verified) {
            return None;
        }
    }
    claims.text(claim)
}

fn caller_v2(context: &RawObject<'_>, claim: &str) -> Option<Caller> {
    let authorizer = context.object("authorizer")?;
    let iam = authorizer.object("iam").and_then(|iam| iam.text("userArn"));
    let jwt = || {
        let claims = authorizer.object("jwt")?.object("claims")?;
        Some(Caller::by_claims(claims.text("sub")?, &claims, claim))
    };
    let lambda = || {
        let by = "lambda authorizer".to_owned();
        match authorizer.object("lambda") {
            Some(given) => Some(Caller::by_claims(by, &given, claim)),
            None => authorizer.has("lambda").then_some(Caller {
                requested_by: by,
                identity: Identity::Claim(None),
            }),
        }
    };
    iam.map(Caller::by_iam).or_else(jwt).or_else(lambda)
}

fn caller_v1(context: &RawObject<'_>, claim: &str) -> Option<Caller> {
    let identity = context.object("identity");
    let arn = identity.and_then(|identity| identity.text("userArn"));
    let authorizer = context.object("authorizer");
    let cognito = || {
        let claims = authorizer.as_ref()?.object("claims")?;
        Some(Caller::by_claims(claims.text("sub")?, &claims, claim))
    };
    let lambda = || {
        let authorizer = authorizer.as_ref()?;
        let principal = authorizer.text("principalId")?;
        Some(Caller::by_claims(principal, authorizer, claim))
    };
    arn.map(Caller::by_iam).or_else(cognito).or_else(lambda)
}
