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
        let authorizer = context.object("authorizer").unwrap_or_default();
        let jwt = authorizer.object("jwt").unwrap_or_default();
        let lambda = authorizer.object("lambda").unwrap_or_default();
        let (iam, claims, of_lambda, by_lambda) = match form {
            HttpForm::V1 => (
                context.object("identity"),
                authorizer.object("claims"),
                &authorizer,
                authorizer.text("principalId"),
            ),
            HttpForm::V2 => (
                authorizer.object("iam"),
                jwt.object("claims"),
                &lambda,
                authorizer
                    .has("lambda")
                    .then(|| "lambda authorizer".to_owned()),
            ),
            HttpForm::Alb { .. } => return None,
        };
        let by_claims = |requested_by, claims| Self {
            requested_by,
            identity: Identity::Claim(value(claims, claim)),
        };
        let arn = iam.and_then(|iam| iam.text("userArn"));
        let by_iam = arn.map(|arn| Self {
            identity: Identity::Iam(arn.clone()),
            requested_by: arn,
        });
        let by_token = || {
            let claims = claims.as_ref()?;
            Some(by_claims(claims.text("sub")?, claims))
        };
        let by_lambda = || Some(by_claims(by_lambda?, of_lambda));
        let caller = by_iam.or_else(by_token).or_else(by_lambda);
        caller.filter(|caller| !caller.requested_by.is_empty())
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
