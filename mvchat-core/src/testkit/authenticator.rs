//! The laws of authenticators: every bullet of the contract of [`Authenticator`], by the name that it gives.

use super::Law;
use super::runner::{self, law};
use crate::seam::{Attempt, AuthError, Authenticator, Peer};
use crate::time::Timestamp;
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// A login as a client makes it.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// What it sends.
    pub secret: String,
    /// From where.
    pub peer: Peer,
}

/// Makes an authenticator, and proofs for it.
pub trait AuthenticatorFixture: Send + Sync + 'static {
    /// Makes the authenticator.
    fn authenticator(&self) -> Box<dyn Authenticator>;

    /// Makes a proof that is good at a time.
    fn good(&self, now: Timestamp) -> Proof;

    /// Makes proofs that must be refused at that time, each for a reason of its own.
    fn bad(&self, now: Timestamp) -> Vec<Proof>;

    /// Makes a proof that is good at a time and has expired a day later, if there are such.
    fn expiring(&self, now: Timestamp) -> Option<Proof>;
}

/// What a law is checked on.
pub struct Bed {
    fixture: Arc<dyn AuthenticatorFixture>,
    authenticator: Box<dyn Authenticator>,
    now: Timestamp,
}

impl Bed {
    /// Prepares a fixture.
    pub fn new(fixture: impl AuthenticatorFixture) -> Self {
        Self::of(Arc::new(fixture))
    }

    fn of(fixture: Arc<dyn AuthenticatorFixture>) -> Self {
        let authenticator = fixture.authenticator();
        Self { fixture, authenticator, now: Timestamp::from_micros(1_800_000_000_000_000) }
    }

    async fn judge(&self, proof: &Proof, now: Timestamp) -> Result<crate::seam::Principal, AuthError> {
        self.authenticator.authenticate(&Attempt::new(&proof.secret, &proof.peer, now)).await
    }

    async fn refused(&self, proof: &Proof, why: &str) {
        let judged = self.judge(proof, self.now).await;
        assert!(matches!(judged, Err(AuthError::Refused | AuthError::Expired)), "{why}: {judged:?}");
    }
}

impl fmt::Debug for Bed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bed({:?})", self.authenticator)
    }
}

/// Runs all laws as a test program.
pub fn main<F: AuthenticatorFixture>(fixture: impl Fn() -> F + Send + Sync + 'static) -> ExitCode {
    let fixture = Arc::new(fixture);
    let tests = laws().into_iter().map(|law| -> runner::Test {
        let fixture = fixture.clone();
        (law.name, Arc::new(move || law.check(|| std::future::ready(Bed::new(fixture())))))
    });
    runner::main(tests.collect())
}

/// Returns all laws.
pub fn laws() -> Vec<Law<Bed>> {
    vec![
        law!(a_scheme_is_a_plain_name),
        law!(a_proof_names_one_user),
        law!(a_bad_proof_is_refused),
        law!(garbage_is_refused),
        law!(a_proof_is_judged_at_its_time),
    ]
}

async fn a_scheme_is_a_plain_name(bed: Bed) {
    let scheme = bed.authenticator.scheme().to_owned();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    assert!((1..=32).contains(&scheme.len()) && scheme.bytes().all(plain), "{scheme:?}");
    bed.judge(&bed.fixture.good(bed.now), bed.now).await.unwrap();
    assert_eq!(bed.authenticator.scheme(), scheme);
}

async fn a_proof_names_one_user(bed: Bed) {
    let first = bed.judge(&bed.fixture.good(bed.now), bed.now).await.unwrap();
    for _ in 0..3 {
        assert_eq!(bed.judge(&bed.fixture.good(bed.now), bed.now).await.unwrap().user, first.user);
    }
    assert!(first.until.is_none_or(|until| until > bed.now), "a session that is over");
}

async fn a_bad_proof_is_refused(bed: Bed) {
    for (at, proof) in bed.fixture.bad(bed.now).iter().enumerate() {
        bed.refused(proof, &format!("bad proof {at}")).await;
    }
}

async fn garbage_is_refused(bed: Bed) {
    let good = bed.fixture.good(bed.now);
    let long = "a".repeat(1 << 16);
    let odd = ["\0", "..", "...", "a.b.c", "{}", "[]", "null", "\u{feff}", "é.ü.ö", "=.=.=", long.as_str()];
    for secret in odd {
        bed.refused(&Proof { secret: secret.to_owned(), peer: Peer::default() }, "garbage").await;
        // Of two proofs in one login, the one that is asked for counts, or none.
        bed.refused(
            &Proof { secret: secret.to_owned(), peer: good.peer.clone() },
            "garbage beside a good one",
        )
        .await;
    }
    bed.refused(&Proof::default(), "nothing at all").await;
}

async fn a_proof_is_judged_at_its_time(bed: Bed) {
    let Some(proof) = bed.fixture.expiring(bed.now) else { return };
    bed.judge(&proof, bed.now).await.unwrap();
    let later = bed.judge(&proof, bed.now + Duration::from_secs(86_400)).await;
    assert!(matches!(later, Err(AuthError::Expired)), "{later:?}");
}
