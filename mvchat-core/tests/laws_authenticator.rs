//! The verifier of foreign tokens keeps the laws of authenticators.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use mvchat_core::builtin::auth::{ForeignJwt, ForeignKeys};
use mvchat_core::seam::Authenticator;
use mvchat_core::testkit::authenticator::{self, AuthenticatorFixture, Proof};
use mvchat_core::time::Timestamp;
use serde_json::json;
use sha2::Sha256;
use std::process::ExitCode;

const SECRET: [u8; 32] = [9; 32];

struct Foreign;

fn token(sub: &str, audience: &str, exp: i64) -> Proof {
    let part = |part: serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let claims = json!({"iss": "issuer", "aud": audience, "sub": sub, "exp": exp});
    let message = format!("{}.{}", part(json!({"alg": "HS256"})), part(claims));
    let mac = Hmac::<Sha256>::new_from_slice(&SECRET).unwrap().chain_update(&message).finalize();
    let secret = format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.into_bytes()));
    Proof { secret, ..Proof::default() }
}

impl AuthenticatorFixture for Foreign {
    fn authenticator(&self) -> Box<dyn Authenticator> {
        Box::new(ForeignJwt::new("issuer", "chat", ForeignKeys::shared(&SECRET).unwrap()))
    }

    fn good(&self, now: Timestamp) -> Proof {
        token("ana", "chat", now.as_secs() + 60)
    }

    fn bad(&self, now: Timestamp) -> Vec<Proof> {
        let cut = |mut proof: Proof| {
            proof.secret.pop();
            proof
        };
        vec![
            token("ana", "another chat", now.as_secs() + 60),
            token("", "chat", now.as_secs() + 60),
            token("ana", "chat", now.as_secs()),
            cut(self.good(now)),
        ]
    }

    fn expiring(&self, now: Timestamp) -> Option<Proof> {
        Some(self.good(now))
    }
}

fn main() -> ExitCode {
    authenticator::main(|| Foreign)
}
