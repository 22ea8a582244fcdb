//! Callers in every form in which a gateway shows one.

use serde_json::{Value, json};
use support::events::{Form, HttpEvent};

/// A caller as a gateway shows one.
pub(crate) struct Caller {
    /// The name, if there is one.
    pub(crate) name: Option<String>,
    pub(crate) form: Form,
    /// What the gateway adds to `requestContext`.
    pub(crate) context: Value,
    /// The settings, beside `OWNER_TAG`, for which this caller has a name.
    pub(crate) settings: &'static [(&'static str, &'static str)],
}

const BY_EMAIL: &[(&str, &str)] = &[("OWNER_CLAIM", "email")];
const BY_ROLE: &[(&str, &str)] = &[(
    "OWNER_ROLES",
    "arn:aws:sts::123456789012:assumed-role/fixed-*",
)];
const BY_PRINCIPAL: &[(&str, &str)] = &[("OWNER_CLAIM", "principalId")];
const BY_USERNAME: &[(&str, &str)] = &[("OWNER_CLAIM", "cognito:username")];

impl Caller {
    /// The request from this caller.
    pub(crate) fn sends(&self, mut request: HttpEvent) -> HttpEvent {
        for (name, value) in self.context.as_object().unwrap() {
            request.event["requestContext"][name] = value.clone();
        }
        request
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> HttpEvent {
        self.sends(self.form.request(method, path))
    }

    pub(crate) fn post(&self, body: &Value) -> HttpEvent {
        self.sends(self.form.post(&body.to_string()))
    }
}

fn by_arn(form: Form, arn: &str) -> Value {
    match form {
        Form::V1 => json!({"identity": {"userArn": arn}}),
        _ => json!({"authorizer": {"iam": {"userArn": arn}}}),
    }
}

/// Callers whose name is this.
pub(crate) fn named(name: &str) -> Vec<Caller> {
    let mut callers = Vec::new();
    let mut add = |form, context, settings| {
        callers.push(Caller {
            name: Some(name.to_owned()),
            form,
            context,
            settings,
        });
    };
    for form in [Form::V1, Form::V2, Form::FunctionUrl] {
        for (resource, settings) in [
            (format!("iam::123456789012:user/{name}"), &[][..]),
            (format!("iam::123456789012:user/film/{name}"), &[][..]),
            (
                format!("sts::123456789012:assumed-role/AWSReservedSSO_Ops_0a1b2c/{name}"),
                &[][..],
            ),
            (
                format!("sts::123456789012:assumed-role/fixed-name/{name}"),
                BY_ROLE,
            ),
        ] {
            add(form, by_arn(form, &format!("arn:aws:{resource}")), settings);
        }
    }
    let email = |verified: Value| json!({"sub": "0f8f", "email": name, "email_verified": verified});
    let claims = |claims: Value| json!({"authorizer": {"jwt": {"claims": claims, "scopes": null}}});
    add(Form::V2, claims(json!({"sub": name})), &[][..]);
    add(Form::V2, claims(email(json!("true"))), BY_EMAIL);
    add(Form::V2, claims(email(json!(true))), BY_EMAIL);
    let cognito = |claims: Value| json!({"authorizer": {"claims": claims}});
    add(Form::V1, cognito(json!({"sub": name})), &[][..]);
    add(Form::V1, cognito(email(json!("true"))), BY_EMAIL);
    let username = json!({"sub": "0f8f", "cognito:username": name});
    add(Form::V1, cognito(username), BY_USERNAME);
    let lambda = json!({"authorizer": {"lambda": {"sub": name, "tenant": "a"}}});
    add(Form::V2, lambda, &[][..]);
    let v1 = json!({"authorizer": {"principalId": "user|7", "sub": name}});
    add(Form::V1, v1, &[][..]);
    let principal = json!({"authorizer": {"principalId": name}});
    add(Form::V1, principal, BY_PRINCIPAL);
    callers
}

/// Callers whom a gateway has authenticated, or not, and who have no name. Something in each says `name`.
pub(crate) fn nameless(name: &str) -> Vec<Caller> {
    let mut callers = Vec::new();
    let mut add = |form, context, settings| {
        callers.push(Caller {
            name: None,
            form,
            context,
            settings,
        });
    };
    for form in [Form::V1, Form::V2, Form::FunctionUrl] {
        for resource in [
            format!("sts::123456789012:assumed-role/ops/{name}"),
            format!("sts::123456789012:assumed-role/{name}/AWSReservedSSO_Ops_0a1b2c"),
            format!("sts::123456789012:federated-user/{name}"),
            "iam::123456789012:root".to_owned(),
            format!("iam::210987654321:user/{name}"),
            format!("sts::210987654321:assumed-role/AWSReservedSSO_Ops_0a1b2c/{name}"),
            format!("iam::123456789012:role/{name}"),
        ] {
            add(form, by_arn(form, &format!("arn:aws:{resource}")), &[][..]);
        }
        add(form, by_arn(form, name), &[][..]);
    }
    for form in [
        Form::V1,
        Form::V2,
        Form::FunctionUrl,
        Form::Alb,
        Form::AlbMultiValue,
    ] {
        add(form, json!({}), &[("REQUIRE_CALLER", "false")][..]);
    }
    let claims = |claims: Value| json!({"authorizer": {"jwt": {"claims": claims, "scopes": null}}});
    for (more, settings) in [
        (
            json!({"Sub": name, "SUB": name, "username": name}),
            BY_USERNAME,
        ),
        (json!({"email": name}), BY_EMAIL),
        (json!({"email": name, "email_verified": "false"}), BY_EMAIL),
        (json!({"email": name, "email_verified": false}), BY_EMAIL),
        (json!({"email": name, "email_verified": null}), BY_EMAIL),
        (json!({"email": name, "email_verified": "1"}), BY_EMAIL),
        (json!({"email": name, "email_verified": [true]}), BY_EMAIL),
        (json!({"email": name, "EMAIL_VERIFIED": "true"}), BY_EMAIL),
        (json!({"email": [name], "email_verified": "true"}), BY_EMAIL),
        (json!({"cognito:username": [name, "bob"]}), BY_USERNAME),
        (json!({"cognito:username": {"name": name}}), BY_USERNAME),
        (json!({"cognito:username": ""}), BY_USERNAME),
        (json!({"cognito:username": " "}), BY_USERNAME),
    ] {
        let mut all = json!({"sub": "0f8f"});
        all.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let v1 = json!({"authorizer": {"claims": &all}});
        add(Form::V2, claims(all), settings);
        add(Form::V1, v1, settings);
    }
    for lambda in [
        json!({}),
        json!("context"),
        json!({"Sub": name}),
        json!({"sub": [name]}),
    ] {
        add(Form::V2, json!({"authorizer": {"lambda": lambda}}), &[][..]);
    }
    let principal = json!({"authorizer": {"principalId": name}});
    add(Form::V1, principal, &[][..]);
    callers
}

/// Callers whose name looks like this one, and is another. HTTP APIs write a list of one as a text in brackets.
pub(crate) fn lookalikes(name: &str) -> Vec<Caller> {
    let names = [
        format!("{name} "),
        format!(" {name}"),
        format!("[{name}]"),
        name.to_uppercase(),
        format!("{name}*"),
        "*".to_owned(),
        format!("arn:aws:iam::123456789012:user/{name}"),
        "http".to_owned(),
    ];
    let caller = |name: String| {
        let claims = json!({"sub": "0f8f", "cognito:username": name});
        Caller {
            name: Some(name),
            form: Form::V2,
            context: json!({"authorizer": {"jwt": {"claims": claims}}}),
            settings: BY_USERNAME,
        }
    };
    names.into_iter().map(caller).collect()
}
