//! The HTTP routes.

use ::http::StatusCode;
use percent_encoding::percent_decode_str;

use crate::problem::Problem;

/// What a method and a path ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `POST /cancellations`
    Cancellations,
    /// `GET /jobs/{jobId}`, with the id as text.
    ShowJob(String),
    /// `DELETE /jobs/{jobId}`, with the id as text.
    DeleteJob(String),
    /// `GET /openapi.json`
    OpenApi,
}

/// Finds the route. A stage or base path before it and a slash behind it are allowed.
pub(super) fn route(method: &str, path: &str) -> Result<Route, Problem> {
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    match (segments.last().map(String::as_str), method) {
        (Some("cancellations"), "POST") => return Ok(Route::Cancellations),
        (Some("cancellations"), _) => return Err(not_allowed(method, "POST")),
        (Some("openapi.json"), "GET") => return Ok(Route::OpenApi),
        (Some("openapi.json"), _) => return Err(not_allowed(method, "GET")),
        _ => {}
    }
    // The last match, since a stage or a base path may have the same name.
    if let Some(at) = segments.iter().rposition(|segment| segment == "jobs") {
        // An ARN contains a slash, and some gateways decode it.
        let id = segments.get(at + 1..).unwrap_or_default().join("/");
        if !id.is_empty() {
            return match method {
                "GET" => Ok(Route::ShowJob(id)),
                "DELETE" => Ok(Route::DeleteJob(id)),
                _ => Err(not_allowed(method, "GET, DELETE")),
            };
        }
    }
    Err(Problem::new(
        StatusCode::NOT_FOUND,
        "no such route; the routes are POST /cancellations, GET and DELETE /jobs/{jobId}, and GET /openapi.json",
    ))
}

fn not_allowed(method: &str, allowed: &str) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not allowed here, expected {allowed}"),
    )
    .with_header("Allow", allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0c9d8f6e-3a1b-4c2d-8e4f-5a6b7c8d9e0f";

    #[test]
    fn routes_may_have_a_stage_before_and_a_slash_behind() {
        for path in [
            "/jobs/cancellations",
            "/cancellations",
            "/cancellations/",
            "/prod/cancellations",
            "/a/b/cancellations",
        ] {
            assert_eq!(route("POST", path), Ok(Route::Cancellations), "{path}");
        }
        assert_eq!(
            route("GET", &format!("/prod/jobs/{ID}/")),
            Ok(Route::ShowJob(ID.to_owned()))
        );
        assert_eq!(route("GET", "/openapi.json"), Ok(Route::OpenApi));
    }

    #[test]
    fn ids_may_be_percent_encoded_or_decoded() {
        for path in [format!("/jobs/{ID}%3A7"), format!("/jobs/{ID}:7")] {
            assert_eq!(
                route("DELETE", &path),
                Ok(Route::DeleteJob(format!("{ID}:7")))
            );
        }
        let arn = format!("arn:aws:batch:eu-west-1:123456789012:job/{ID}");
        for path in [
            format!("/jobs/{arn}"),
            format!("/jobs/{}", arn.replace('/', "%2F")),
        ] {
            assert_eq!(route("GET", &path), Ok(Route::ShowJob(arn.clone())));
        }
    }

    #[test]
    fn unknown_path_is_404_and_wrong_method_405() {
        for path in [
            "",
            "/",
            "/jobs",
            "/jobs/",
            "/cancellation",
            "/cancellations/x",
        ] {
            assert_eq!(
                route("GET", path).unwrap_err().status,
                StatusCode::NOT_FOUND,
                "{path}"
            );
        }
        let problem = route("PUT", &format!("/jobs/{ID}")).unwrap_err();
        assert_eq!(problem.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(problem.headers, [("Allow", "GET, DELETE".to_owned())]);
    }
}
