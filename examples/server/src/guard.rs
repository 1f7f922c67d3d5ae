//! What every answer carries, and which pages of other origins may read it.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header},
};

/// What an answer carries unless its route has said something else. A page may neither be made of it nor frame it.
const SAFE: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// What a page of an origin in the list may ask for beyond what every page may.
const MAY: [(HeaderName, &str); 3] = [
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE"),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
    (header::ACCESS_CONTROL_MAX_AGE, "600"),
];

/// The headers of all answers, and the list of origins (CORS, Fetch Standard §3.3).
///
/// # Defaults
/// No origins: then no page of another origin can read an answer, because no answer says that it may. WebSockets are
/// not concerned; their list is the transport's.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Guard {
    origins: Vec<HeaderValue>,
    hsts: Option<HeaderValue>,
}

impl Guard {
    /// Makes a guard for pages of these origins; with TLS, browsers are told to come with nothing else for `hsts`.
    pub fn new(origins: &[String], hsts: Option<Duration>) -> Self {
        let hsts = hsts.filter(|time| !time.is_zero()).map(|time| format!("max-age={}", time.as_secs()));
        Self {
            origins: origins.iter().filter_map(|origin| origin.parse().ok()).collect(),
            hsts: hsts.and_then(|text| text.parse().ok()),
        }
    }

    /// Answers a browser that asks whether a page may ask.
    pub(crate) fn preflight<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let headers = request.headers();
        let asks = request.method() == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !asks {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = match self.origin(headers) {
            Some(_) => StatusCode::NO_CONTENT,
            None => StatusCode::FORBIDDEN,
        };
        if response.status() == StatusCode::NO_CONTENT {
            for (name, value) in MAY {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
        }
        Some(response)
    }

    /// Returns the origin of a request, if its pages may read the answer.
    pub(crate) fn origin(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let origin = request.get(header::ORIGIN)?;
        self.origins.contains(origin).then(|| origin.clone())
    }

    /// Adds what an answer must carry, for a request from this origin.
    pub(crate) fn dress<B>(&self, origin: Option<HeaderValue>, response: &mut Response<B>) {
        let headers = response.headers_mut();
        for (name, value) in SAFE {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
        if let Some(hsts) = &self.hsts {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
        if self.origins.is_empty() {
            return;
        }
        // Caches must not give what one origin got to another.
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    fn answer(guard: &Guard, origin: &str) -> Response<Body> {
        let request = request(Method::GET, &[("origin", origin)]);
        let mut response = Response::new(Body::empty());
        guard.dress(guard.origin(request.headers()), &mut response);
        response
    }

    #[test]
    fn only_pages_of_the_list_may_read() {
        let guard = Guard::new(&["https://a.example".to_owned()], None);
        let allowed = answer(&guard, "https://a.example");
        assert_eq!(allowed.headers()["access-control-allow-origin"], "https://a.example");
        for origin in ["https://b.example", "https://a.example:444", "http://a.example", "null", "*"] {
            let refused = answer(&guard, origin);
            assert!(!refused.headers().contains_key("access-control-allow-origin"), "{origin}");
            assert_eq!(refused.headers()["vary"], "origin");
        }
        let closed = answer(&Guard::default(), "https://a.example");
        assert!(!closed.headers().contains_key("access-control-allow-origin"));
    }

    #[test]
    fn a_preflight_is_answered_by_the_same_list() {
        let guard = Guard::new(&["https://a.example".to_owned()], None);
        let asks = |origin| {
            request(Method::OPTIONS, &[("origin", origin), ("access-control-request-method", "POST")])
        };
        let allowed = guard.preflight(&asks("https://a.example")).unwrap();
        assert_eq!(allowed.status(), StatusCode::NO_CONTENT);
        assert!(allowed.headers()["access-control-allow-methods"].to_str().unwrap().contains("POST"));
        assert!(!allowed.headers().contains_key("access-control-allow-credentials"), "there are no cookies");
        let refused = guard.preflight(&asks("https://b.example")).unwrap();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert!(!refused.headers().contains_key("access-control-allow-methods"));
        assert!(guard.preflight(&request(Method::OPTIONS, &[("origin", "https://a.example")])).is_none());
        assert!(
            guard.preflight(&request(Method::GET, &[("access-control-request-method", "GET")])).is_none()
        );
    }

    #[test]
    fn a_route_may_say_something_else() {
        let mut response = Response::new(Body::empty());
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public"));
        Guard::new(&[], Some(Duration::from_secs(90))).dress(None, &mut response);
        assert_eq!(response.headers()["cache-control"], "public");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.headers()["strict-transport-security"], "max-age=90");
        let mut plain = Response::new(Body::empty());
        Guard::new(&[], Some(Duration::ZERO)).dress(None, &mut plain);
        assert!(!plain.headers().contains_key("strict-transport-security"));
    }
}
