//! Patterns of the principals of IAM, and of the callers who are exempt from the owner rule.

use super::{Identity, entries};
use crate::request::Pattern;

/// Roles whose session names are set by IAM Identity Center, not by whoever assumes them.
pub(crate) const IDENTITY_CENTER_ROLES: &str = "arn:*:sts::*:assumed-role/AWSReservedSSO_*";

/// A pattern of IAM ARNs, with `*` for any text.
///
/// Of an assumed role, the role and the session are compared apart: whoever assumes it chooses the session's name, which
/// must not stand in for a part of the role's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ArnPattern {
    /// Of an assumed role the ARN without the session, else the whole.
    principal: Pattern,
    session: Option<Pattern>,
}

impl ArnPattern {
    /// Reads a pattern of the ARNs of IAM or STS.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let &["arn", _, "iam" | "sts", _, _, resource] = parts.as_slice() else {
            return Err("an ARN of IAM or STS");
        };
        let has_session = resource.matches('/').count() > 1 && !resource.starts_with("user/");
        let (principal, session) = match text.rsplit_once('/') {
            Some((principal, session)) if has_session => (principal, Some(Pattern::new(session))),
            _ => (text, None),
        };
        Ok(Self {
            principal: Pattern::new(principal),
            session,
        })
    }

    /// Reads a pattern of the ARNs of assumed roles.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub(crate) fn parse_role(text: &str) -> Result<Self, &'static str> {
        let expected = "ARNs of assumed roles such as arn:aws:sts::123456789012:assumed-role/NAME";
        let role = text.splitn(6, ':').nth(5);
        let role = role.and_then(|resource| resource.strip_prefix("assumed-role/"));
        if role.is_none_or(|role| role.split('/').any(str::is_empty)) {
            return Err(expected);
        }
        Self::parse(text).map_err(|_| expected)
    }

    pub(crate) fn matches(&self, arn: &str) -> bool {
        if !arn.contains(":assumed-role/") {
            return self.session.is_none() && self.principal.matches(arn);
        }
        let Some((role, name)) = arn.rsplit_once('/') else {
            return false;
        };
        let is_session = |session: &Pattern| session.matches(name);
        self.principal.matches(role) && self.session.as_ref().is_none_or(is_session)
    }
}

/// The callers who may end everybody's jobs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Admins {
    arns: Vec<ArnPattern>,
    claims: Vec<Pattern>,
}

impl Admins {
    /// Reads a comma-separated list. What begins with `arn:` is a pattern of IAM ARNs, everything else of claims.
    ///
    /// # Errors
    ///
    /// When one that begins with `arn:` is no pattern of IAM ARNs.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut admins = Self::default();
        for entry in entries(text) {
            if entry.starts_with("arn:") {
                admins.arns.push(ArnPattern::parse(entry)?);
            } else {
                admins.claims.push(Pattern::new(entry));
            }
        }
        Ok(admins)
    }

    /// A claim may hold any text, an ARN too: it is compared with patterns of claims only.
    pub(super) fn contain(&self, identity: &Identity) -> bool {
        match identity {
            Identity::Iam(arn) => self.arns.iter().any(|pattern| pattern.matches(arn)),
            Identity::Claim(Some(name)) if !name.trim().is_empty() => {
                self.claims.iter().any(|pattern| pattern.matches(name))
            }
            Identity::Claim(_) => false,
        }
    }
}

/// Reads patterns of assumed roles.
///
/// # Errors
///
/// When one is none.
pub(crate) fn roles(text: &str) -> Result<Vec<ArnPattern>, &'static str> {
    entries(text).map(ArnPattern::parse_role).collect()
}
