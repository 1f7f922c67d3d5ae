//! What answers need of an app's own: the rest is the matter of the laws of transports.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use mvchat_core::Chat;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::auth::TrustedHeader;
use mvchat_core::seam::{Naming, Peer};
use mvchat_ws::{Endpoint, Options, answer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

async fn log_in(chat: &Chat, headers: &[(&str, &str)]) -> Response<String> {
    let mut request = Request::post("/anywhere").header("Content-Type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let parts =
        [&br#"{"scheme""#[..], br#":"header"}"#].map(|part| Ok::<_, Infallible>(Bytes::from_static(part)));
    let peer = Peer::from(SocketAddr::from(([127, 0, 0, 1], 1)));
    let request = request.body(stream::iter(parts)).unwrap();
    answer(Endpoint::Login, request, chat, &Options::default(), peer).await
}

#[tokio::test]
async fn a_login_without_a_connection_knows_the_headers_of_the_apps_own_schemes() {
    let scheme =
        TrustedHeader::new("X-User", Naming::External("proxy".to_owned())).from_peers(|ip| ip.is_loopback());
    let chat = Chat::builder(MemoryStore::default()).authenticator(scheme).build().await.unwrap();
    let good = log_in(&chat, &[("x-user", "ana")]).await;
    assert_eq!(good.status(), 200, "{}", good.body());
    assert!(good.body().contains("\"token\""));
    for headers in [&[][..], &[("x-user", "ana"), ("x-user", "eve")]] {
        assert_eq!(log_in(&chat, headers).await.status(), 401, "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_is_given_up() {
    let chat = Chat::builder(MemoryStore::default()).build().await.unwrap();
    let body = stream::pending::<Result<Bytes, Infallible>>();
    let request = Request::post("/").header("Content-Type", "application/json").body(body).unwrap();
    let before = tokio::time::Instant::now();
    let late = answer(Endpoint::Login, request, &chat, &Options::default(), Peer::default()).await;
    assert_eq!((late.status().as_u16(), before.elapsed()), (408, Duration::from_secs(10)));
}
