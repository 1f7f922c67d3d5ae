//! The web chat: files that were compiled in, each with a route of its own.
//!
//! Nothing is read from a disk and no path is put together, so there is nothing that a request could climb out of.

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

include!(concat!(env!("OUT_DIR"), "/web_files.rs"));

/// A file of the bundle.
#[derive(Debug, Clone, Copy)]
struct File {
    /// Its path below the bundle's folder.
    name: &'static str,
    /// Tells its versions apart, in quotes.
    etag: &'static str,
    bytes: &'static [u8],
}

/// What a page of this server may do: nothing beyond itself.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";

const SAFE: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Shown at `/` when the server was built without the bundle.
const MISSING: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>mvchat</title>\n\
    <h1>mvchat is running</h1>\n<p>This build has no web chat in it. From the source tree, <code>cargo xtask up</code> \
    builds it and starts the server with it.</p>\n<p>Clients connect to <code>/v0/ws</code>.</p>\n</html>\n";

/// Returns the routes: `GET /` is the page, `GET /assets/…` what it consists of, `GET /sw.js` what keeps it on devices.
pub fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    routes_of(FILES)
}

fn routes_of<S>(files: &'static [File]) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let page = files.iter().find(|file| file.name == "index.html").copied();
    let page = page.unwrap_or(File { name: "index.html", etag: "\"none\"", bytes: MISSING.as_bytes() });
    let assets = files.iter().filter(|file| file.name.starts_with("assets/") || file.name == "sw.js");
    let router = Router::new().route("/", get(async move |headers: HeaderMap| answer(page, &headers)));
    assets.fold(router, |router, &file| {
        let path = format!("/{}", file.name);
        router.route(&path, get(async move |headers: HeaderMap| answer(file, &headers)))
    })
}

/// Answers with the file, or only says that the version that is known is the present one.
fn answer(file: File, request: &HeaderMap) -> Response {
    let known = request.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let known = known.is_some_and(|tags| {
        tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == file.etag)
    });
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => file.bytes.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in SAFE {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // The names of assets change with their contents; the page's does not.
    let caching = match file.name.starts_with("assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::ETAG, HeaderValue::from_static(file.etag));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(file.name)));
    response
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::Request,
    };
    use tower::ServiceExt;

    use super::*;

    const BUNDLE: &[File] = &[
        File { name: "assets/ab/app/main.js", etag: "\"1\"", bytes: b"run()" },
        File { name: "index.html", etag: "\"2\"", bytes: b"<!doctype html>" },
        File { name: "sw.js", etag: "\"3\"", bytes: b"keep()" },
    ];

    async fn ask(files: &'static [File], path: &str, known: &str) -> Response {
        let request = Request::get(path).header(header::IF_NONE_MATCH, known).body(Body::empty()).unwrap();
        routes_of::<()>(files).oneshot(request).await.unwrap()
    }

    fn of(response: &Response, name: HeaderName) -> &str {
        response.headers()[name].to_str().unwrap()
    }

    #[tokio::test]
    async fn files_come_with_their_type_and_their_caching() {
        let page = ask(BUNDLE, "/", "").await;
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(of(&page, header::CONTENT_TYPE), "text/html; charset=utf-8");
        assert_eq!(of(&page, header::CACHE_CONTROL), "no-cache");
        let worker = ask(BUNDLE, "/sw.js", "").await;
        assert_eq!(of(&worker, header::CONTENT_TYPE), "text/javascript; charset=utf-8");
        assert_eq!(of(&worker, header::CACHE_CONTROL), "no-cache");
        let script = ask(BUNDLE, "/assets/ab/app/main.js", "\"0\"").await;
        assert_eq!(of(&script, header::CONTENT_TYPE), "text/javascript; charset=utf-8");
        assert_eq!(of(&script, header::CACHE_CONTROL), "public, max-age=31536000, immutable");
        assert_eq!(to_bytes(script.into_body(), 100).await.unwrap(), "run()");
    }

    #[tokio::test]
    async fn every_answer_is_guarded() {
        for path in ["/", "/assets/ab/app/main.js"] {
            let response = ask(BUNDLE, path, "").await;
            assert!(
                of(&response, header::CONTENT_SECURITY_POLICY).starts_with("default-src 'self'; script-src")
            );
            assert_eq!(of(&response, header::X_CONTENT_TYPE_OPTIONS), "nosniff");
            assert_eq!(of(&response, header::REFERRER_POLICY), "no-referrer");
        }
    }

    #[tokio::test]
    async fn a_known_version_is_not_sent_again() {
        for known in ["\"2\"", "\"1\", \"2\"", "W/\"2\"", "*"] {
            let response = ask(BUNDLE, "/", known).await;
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(of(&response, header::ETAG), "\"2\"");
        }
        assert_eq!(ask(BUNDLE, "/", "\"3\"").await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn there_is_nothing_else() {
        for path in
            ["/index.html", "/assets/", "/assets/ab/", "/assets/ab/app/../app/main.js", "/..%2fCargo.toml"]
        {
            assert_eq!(ask(BUNDLE, path, "").await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[tokio::test]
    async fn without_a_bundle_the_page_says_how_to_get_it() {
        let page = ask(&[], "/", "").await;
        assert_eq!(page.status(), StatusCode::OK);
        let text = to_bytes(page.into_body(), 4_096).await.unwrap();
        assert!(String::from_utf8_lossy(&text).contains("cargo xtask up"));
    }
}
