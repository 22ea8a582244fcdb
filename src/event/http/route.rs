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
    /// `GET /queues/{queue}`, with the name as text.
    ShowQueue(String),
    /// `GET /queues/{queue}/jobs`, with the queue's name as text.
    ListJobs(String),
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
    if let Some(route) = queue_route(&segments, method) {
        return route;
    }
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
        "no such route; the routes are POST /cancellations, GET and DELETE /jobs/{jobId}, GET /queues/{queue}, GET \
         /queues/{queue}/jobs, and GET /openapi.json",
    ))
}

/// A route below `queues`, by the last segments of the path. A queue may have the name of another route, and so may a stage or
/// base path: a method that only the other route has decides.
fn queue_route(segments: &[String], method: &str) -> Option<Result<Route, Problem>> {
    let route = match segments {
        [.., queues, queue, jobs] if queues == "queues" && jobs == "jobs" => {
            Route::ListJobs(queue.clone())
        }
        [.., queues, queue] if queues == "queues" => Route::ShowQueue(queue.clone()),
        _ => return None,
    };
    let is_other = matches!(&route, Route::ShowQueue(queue) if queue == "cancellations" && method == "POST")
        || matches!(&route, Route::ShowQueue(queue) if queue == "openapi.json");
    if is_other {
        return None;
    }
    Some(match method {
        "GET" => Ok(route),
        _ => Err(not_allowed(method, "GET")),
    })
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
    fn queues_are_told_from_stages_and_other_routes() {
        let queue = |name: &str| Ok(Route::ShowQueue(name.to_owned()));
        let jobs = |name: &str| Ok(Route::ListJobs(name.to_owned()));
        let job = || Ok(Route::ShowJob(ID.to_owned()));
        for (path, expected) in [
            ("/queues/high", queue("high")),
            ("/prod/queues/high/", queue("high")),
            ("/jobs/queues/high", queue("high")),
            ("/queues/hi%67h", queue("high")),
            ("/queues/high/jobs", jobs("high")),
            ("/queues/queues/jobs", jobs("queues")),
            ("/queues/jobs/jobs", jobs("jobs")),
            ("/queues/jobs", queue("jobs")),
            ("/queues/cancellations", queue("cancellations")),
            ("/queues/cancellations/jobs", jobs("cancellations")),
            ("/queues/openapi.json", Ok(Route::OpenApi)),
            (&format!("/queues/jobs/{ID}"), job()),
            (&format!("/queues/high/jobs/{ID}"), job()),
        ] {
            assert_eq!(route("GET", path), expected, "{path}");
        }
        assert_eq!(
            route("POST", "/queues/cancellations"),
            Ok(Route::Cancellations)
        );
        for path in ["/queues/high", "/queues/high/jobs", "/queues/jobs"] {
            let problem = route("DELETE", path).unwrap_err();
            assert_eq!(problem.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
            assert_eq!(problem.headers, [("Allow", "GET".to_owned())]);
        }
    }

    #[test]
    fn unknown_path_is_404_and_wrong_method_405() {
        for path in [
            "",
            "/",
            "/jobs",
            "/jobs/",
            "/queues",
            "/queues/",
            "/queues/high/job",
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
