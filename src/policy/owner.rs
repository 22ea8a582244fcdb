//! Whose jobs a caller may end over HTTP: those whose owner tag is the caller's name.

use std::collections::HashMap;

use super::{Admins, ArnPattern};

/// The longest key of a tag
/// ([AWS documentation](https://docs.aws.amazon.com/batch/latest/userguide/using-tags.html)).
const MAX_TAG_KEY: usize = 128;

/// How callers are named, and who is exempt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OwnerRule {
    /// The tag whose value is the owner's name. None: the rule is off.
    pub(crate) tag: Option<String>,
    /// The claim that is a caller's name.
    pub(crate) claim: String,
    /// The assumed roles whose session name is a caller's name.
    pub(crate) roles: Vec<ArnPattern>,
    /// The callers who are exempt.
    pub(crate) admins: Admins,
}

/// How a gateway has authenticated a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// By IAM, as the principal with this ARN.
    Iam(String),
    /// By a token or an authorizer, with this value of the claim that is the name.
    Claim(Option<String>),
}

/// Whose jobs may be ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Owner {
    /// Everybody's: the rule is off, the caller is exempt, or the request did not come over HTTP.
    #[default]
    Anyone,
    /// Those whose tag is this name.
    Named {
        /// The key of the tag.
        tag: String,
        /// The name, which is not empty.
        name: String,
    },
    /// Nobody's: the caller has no name.
    Nobody,
}

/// Whether a job is the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// It is, or that does not matter.
    Own,
    /// Its tag has another value, or it has no such tag.
    Foreign,
    /// The caller has no name, and owns nothing.
    NamelessCaller,
}

impl Owner {
    /// Whether a job with these tags is the caller's. Keys and values are compared letter by letter.
    pub(crate) fn ownership(&self, tags: &HashMap<String, String>) -> Ownership {
        match self {
            Self::Anyone => Ownership::Own,
            Self::Named { tag, name } if tags.get(tag) == Some(name) => Ownership::Own,
            Self::Named { .. } => Ownership::Foreign,
            Self::Nobody => Ownership::NamelessCaller,
        }
    }

    /// Whether some jobs may not be ended.
    pub(crate) fn is_restricted(&self) -> bool {
        *self != Self::Anyone
    }
}

impl OwnerRule {
    /// Whose jobs this caller may end. `own_account` is that of the function, if it is known.
    pub(crate) fn owner(&self, identity: Option<&Identity>, own_account: Option<&str>) -> Owner {
        let Some(tag) = &self.tag else {
            return Owner::Anyone;
        };
        let name = match identity {
            Some(identity) if self.admins.contain(identity) => return Owner::Anyone,
            Some(Identity::Iam(arn)) => self.name_in_arn(arn, own_account),
            Some(Identity::Claim(name)) => name.as_deref(),
            None => None,
        };
        match name.filter(|name| !name.trim().is_empty()) {
            Some(name) => Owner::Named {
                tag: tag.clone(),
                name: name.to_owned(),
            },
            None => Owner::Nobody,
        }
    }

    /// The name of an IAM user of this account, or of the session of a role whose session names can be trusted.
    fn name_in_arn<'a>(&self, arn: &'a str, own_account: Option<&str>) -> Option<&'a str> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let &["arn", _, service, "", account, resource] = parts.as_slice() else {
            return None;
        };
        if own_account != Some(account) {
            return None;
        }
        let segments: Vec<&str> = resource.split('/').collect();
        match (service, segments.as_slice()) {
            ("iam", ["user", .., name]) => Some(name),
            ("sts", ["assumed-role", _, session]) => {
                let is_trusted = self.roles.iter().any(|role| role.matches(arn));
                is_trusted.then_some(*session)
            }
            _ => None,
        }
    }
}

/// Reads the key of a tag.
///
/// # Errors
///
/// When it is none.
pub(crate) fn tag_key(text: &str) -> Result<String, &'static str> {
    let allowed = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
    let length = text.chars().count();
    let is_key = (1..=MAX_TAG_KEY).contains(&length) && text.chars().all(allowed);
    let key = is_key.then(|| text.to_owned());
    key.ok_or("the key of a tag: at most 128 letters, digits, spaces and _.:/=+-@")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{IDENTITY_CENTER_ROLES, roles};

    const ACCOUNT: &str = "123456789012";

    fn rule(roles_: &str, admins: &str) -> OwnerRule {
        OwnerRule {
            tag: Some("owner".to_owned()),
            claim: "sub".to_owned(),
            roles: roles(roles_).unwrap(),
            admins: Admins::parse(admins).unwrap(),
        }
    }

    fn name(rule: &OwnerRule, identity: &Identity) -> Option<String> {
        match rule.owner(Some(identity), Some(ACCOUNT)) {
            Owner::Named { name, .. } => Some(name),
            Owner::Nobody => None,
            Owner::Anyone => Some("(anyone)".to_owned()),
        }
    }

    fn iam(resource: &str) -> Identity {
        Identity::Iam(format!("arn:aws:iam::{ACCOUNT}:{resource}"))
    }

    fn sts(resource: &str) -> Identity {
        Identity::Iam(format!("arn:aws:sts::{ACCOUNT}:{resource}"))
    }

    #[test]
    fn names_of_iam_principals() {
        let rule = rule(IDENTITY_CENTER_ROLES, "");
        for (identity, expected) in [
            (iam("user/ann"), Some("ann")),
            (iam("user/division/film/ann"), Some("ann")),
            (
                sts("assumed-role/AWSReservedSSO_Ops_0a1b/ann@example.com"),
                Some("ann@example.com"),
            ),
            (sts("assumed-role/ops/ann"), None),
            (sts("assumed-role/ops/AWSReservedSSO_Ops_0a1b"), None),
            (sts("assumed-role/x-AWSReservedSSO_/ann"), None),
            (sts("assumed-role/AWSReservedSSO_Ops"), None),
            (sts("assumed-role/AWSReservedSSO_Ops/"), None),
            (sts("assumed-role/AWSReservedSSO_Ops/a/b"), None),
            (sts("federated-user/ann"), None),
            (iam("root"), None),
            (iam("user/"), None),
            (iam("role/ann"), None),
            (sts("user/ann"), None),
            (iam("assumed-role/AWSReservedSSO_Ops/ann"), None),
            (
                Identity::Iam("arn:aws:iam::210987654321:user/ann".to_owned()),
                None,
            ),
            (
                Identity::Iam("arn:aws:iam:eu-west-1:123456789012:user/ann".to_owned()),
                None,
            ),
            (Identity::Iam("AIDACKCEVSQ6C2EXAMPLE".to_owned()), None),
            (Identity::Iam(String::new()), None),
            (Identity::Iam("ann".to_owned()), None),
        ] {
            assert_eq!(name(&rule, &identity).as_deref(), expected, "{identity:?}");
        }
        // Of whose account nobody knows nobody has a name.
        assert_eq!(rule.owner(Some(&iam("user/ann")), None), Owner::Nobody);
        assert_eq!(rule.owner(None, Some(ACCOUNT)), Owner::Nobody);
    }

    #[test]
    fn the_session_of_an_assumed_role_never_stands_in_for_the_role() {
        for pattern in [
            "arn:aws:sts::*:assumed-role/*trusted",
            "arn:aws:sts::123456789012:assumed-role/a*trusted",
            "arn:*:assumed-role/a*trusted:x:y:assumed-role/*trusted",
        ] {
            let Ok(roles) = roles(pattern) else { continue };
            let mut rule = rule("", "");
            rule.roles = roles;
            let caller = sts("assumed-role/any/trusted");
            assert_eq!(name(&rule, &caller), None, "{pattern}");
        }
        let trusted = rule("arn:aws:sts::*:assumed-role/trusted/*", "");
        assert_eq!(
            name(&trusted, &sts("assumed-role/trusted/ann")).as_deref(),
            Some("ann")
        );
        assert_eq!(name(&trusted, &sts("assumed-role/trusted2/ann")), None);
        let one = rule("arn:aws:sts::*:assumed-role/trusted/a*", "");
        assert_eq!(
            name(&one, &sts("assumed-role/trusted/ann")).as_deref(),
            Some("ann")
        );
        assert_eq!(name(&one, &sts("assumed-role/trusted/bob")), None);
        for admins in [
            "arn:aws:sts::*:assumed-role/*/admin",
            "arn:aws:sts::*:*admin",
        ] {
            let rule = rule("", admins);
            let is_admin = name(&rule, &sts("assumed-role/any/admin")).is_some();
            // Only where the pattern itself says that any role will do.
            assert_eq!(is_admin, admins.ends_with("/*/admin"), "{admins}");
        }
    }

    #[test]
    fn claims_are_names_unless_they_are_blank() {
        let rule = rule("", "");
        for (claim, expected) in [
            (Some("ann"), Some("ann")),
            (Some(" ann "), Some(" ann ")),
            (Some("Ann B. Clark"), Some("Ann B. Clark")),
            (Some(""), None),
            (Some(" \t"), None),
            (None, None),
        ] {
            let identity = Identity::Claim(claim.map(str::to_owned));
            assert_eq!(name(&rule, &identity).as_deref(), expected, "{claim:?}");
        }
    }

    #[test]
    fn admins_are_arns_or_claims_and_never_the_one_for_the_other() {
        let claim = |text: &str| Identity::Claim(Some(text.to_owned()));
        let rule = rule(
            IDENTITY_CENTER_ROLES,
            "arn:aws:iam::123456789012:user/root-*, arn:aws:iam::123456789012:user/ops/*,\
             arn:aws:sts::123456789012:assumed-role/oncall, admin-*, ops?1",
        );
        for admin in [
            iam("user/root-1"),
            iam("user/ops/ann"),
            sts("assumed-role/oncall/whoever"),
            claim("admin-7"),
        ] {
            assert_eq!(
                name(&rule, &admin).as_deref(),
                Some("(anyone)"),
                "{admin:?}"
            );
        }
        for other in [
            iam("user/ann"),
            iam("user/admin-7"),
            sts("assumed-role/oncall2/x"),
            sts("assumed-role/AWSReservedSSO_X/admin-7"),
            claim("arn:aws:iam::123456789012:user/root-1"),
            claim("my-admin-7"),
            claim("ops-1"),
            claim(""),
        ] {
            assert_ne!(
                name(&rule, &other).as_deref(),
                Some("(anyone)"),
                "{other:?}"
            );
        }
        let all_claims = Admins::parse("*").unwrap();
        assert!(all_claims.contain(&claim("x")) && !all_claims.contain(&claim(" ")));
        assert!(
            !all_claims.contain(&iam("user/ann")) && !all_claims.contain(&Identity::Claim(None))
        );
    }

    #[test]
    fn tags_are_compared_letter_by_letter() {
        let owner = |name: &str| Owner::Named {
            tag: "owner".to_owned(),
            name: name.to_owned(),
        };
        let tags = |key: &str, value: &str| HashMap::from([(key.to_owned(), value.to_owned())]);
        assert_eq!(
            owner("ann").ownership(&tags("owner", "ann")),
            Ownership::Own
        );
        for (key, value) in [
            ("owner", "Ann"),
            ("Owner", "ann"),
            ("owner", " ann"),
            ("owner", ""),
            ("user", "ann"),
        ] {
            assert_eq!(
                owner("ann").ownership(&tags(key, value)),
                Ownership::Foreign,
                "{key}={value}"
            );
        }
        assert_eq!(owner("ann").ownership(&HashMap::new()), Ownership::Foreign);
        assert_eq!(
            Owner::Nobody.ownership(&tags("owner", "")),
            Ownership::NamelessCaller
        );
        assert_eq!(Owner::Anyone.ownership(&HashMap::new()), Ownership::Own);
    }
}
