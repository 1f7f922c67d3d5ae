//! What all parts of a run share.

use super::clock::Clock;
use super::ether::Ether;
use super::host::Ended;
use super::link::Weather;
use super::node::Node;
use super::rng::Rng;
use super::scenario::Scenario;
use super::trace::{Seen, Trace};
use crate::builtin::keys::Keys;
use crate::builtin::token::{Claims, TokenSigner};
use crate::proto::{ConvId, Json, SessionId, UserId};
use crate::seam::{SessionRow, SessionStore};
use crate::testkit::Pipe;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Devices do as they like and faults come.
    Chaos,
    /// No new fault comes, and everybody has to get well.
    Heal,
    /// Everything is looked at.
    Done,
}

/// A message that any device of its user may send again.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) conv: ConvId,
    pub(super) cid: String,
    pub(super) content: Json,
}

/// The common parts; clones share them.
#[derive(Clone)]
pub(super) struct World {
    pub(super) scenario: Arc<Scenario>,
    pub(super) clock: Clock,
    pub(super) trace: Trace,
    pub(super) keys: Keys,
    pub(super) users: Arc<[UserId]>,
    pub(super) nodes: Arc<Mutex<Vec<Node>>>,
    pub(super) ether: Ether,
    pub(super) links: Arc<Mutex<Vec<Weather>>>,
    pub(super) ended: Arc<Mutex<Vec<Ended>>>,
    /// The sessions that every user's devices got.
    pub(super) logins: Arc<Mutex<Vec<Vec<SessionId>>>>,
    /// What every user's devices wrote lately.
    pub(super) written: Arc<Mutex<Vec<Vec<Written>>>>,
    phase: Arc<(Mutex<Phase>, Notify)>,
    sessions: Arc<dyn SessionStore>,
    rng: Arc<Mutex<Rng>>,
}

impl World {
    pub(super) fn new(scenario: &Scenario, store: impl SessionStore, seed: u64) -> Self {
        let clock = Clock::new();
        let mut rng = Rng::new(seed);
        let ether = Ether::new(rng.fork(), scenario.bus);
        Self {
            scenario: Arc::new(scenario.clone()),
            trace: Trace::new(clock.clone()),
            clock,
            keys: Keys::ephemeral(),
            users: (0..scenario.users)
                .map(|number| UserId(Uuid::from_u128(0x100 + number as u128)))
                .collect(),
            nodes: Arc::new(Mutex::new((0..scenario.nodes).map(|_| Node::default()).collect())),
            ether,
            links: Arc::default(),
            ended: Arc::default(),
            logins: Arc::new(Mutex::new(vec![Vec::new(); scenario.users])),
            written: Arc::new(Mutex::new(vec![Vec::new(); scenario.users])),
            phase: Arc::new((Mutex::new(Phase::Chaos), Notify::new())),
            sessions: Arc::new(store),
            rng: Arc::new(Mutex::new(rng)),
        }
    }

    /// Returns a source of chance for one part of the run.
    pub(super) fn fork(&self) -> Rng {
        self.rng.lock().fork()
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.0.lock()
    }

    /// Begins a phase. Everybody is woken in the order in which they began to wait, which a watch channel does not do.
    pub(super) fn begin(&self, phase: Phase) {
        *self.phase.0.lock() = phase;
        self.phase.1.notify_waiters();
    }

    /// Waits until another phase begins.
    pub(super) async fn next_phase(&self) {
        self.phase.1.notified().await;
    }

    /// Connects a device to a node; `None` if nothing answers there.
    pub(super) fn connect(&self, user: usize, device: usize, node: usize) -> Option<(usize, Pipe)> {
        let weather = Weather::default();
        let link = self.links.lock().len();
        let pipe = self.nodes.lock()[node].accept(link, &weather, self)?;
        self.links.lock().push(weather);
        self.trace.note(Seen::Opened { link, user, device, node });
        Some((link, pipe))
    }

    /// Opens a session, as a host does that knows its users by other means, and returns the token.
    pub(super) async fn session(&self, number: usize, rng: &mut Rng) -> String {
        let (now, user) = (self.clock.wall(), self.users[number]);
        let mut id = || Uuid::from_u64_pair(rng.next(), rng.next());
        let (session, jti) = (SessionId(id()), id());
        self.logins.lock()[number].push(session);
        let expires_at = now + Duration::from_secs(14 * 24 * 60 * 60);
        let row = SessionRow {
            id: session,
            user,
            device: None,
            user_agent: None,
            created_at: now,
            used_at: now,
            expires_at,
            until: None,
            refresh: None,
        };
        self.sessions.open_session(row, 50).await.expect("the store itself never fails");
        let signer = TokenSigner::new(self.keys.tokens(), "mvchat", "mvchat");
        signer.sign(&Claims {
            iss: signer.issuer().to_owned(),
            aud: signer.audience().to_owned(),
            sub: user.0,
            sid: session.0,
            iat: now.as_secs(),
            exp: expires_at.as_secs(),
            jti,
        })
    }
}
