//! Whether somebody may do something now.

use super::chat::{Chat, Inner};
use super::dispatch::{Caller, Ctx};
use super::hub::Origin;
use super::places::Places;
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{Act, Command, ConvId, DmPeer, Get, OnFailure, OnHit, RateKey, SessionId, UserId};
use crate::seam::{Demand, Limiter, Subject, Taken, fold};
use crate::session::{Ended, Identity};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// When a client should try again after the limiter could not be asked.
const RETRY_UNKNOWN: Duration = Duration::from_secs(1);

/// The limiter, and whether it was said that it can't do all.
#[derive(Debug)]
pub(super) struct Limiting {
    limiter: Arc<dyn Limiter>,
    pub(super) places: Places,
    warned: AtomicBool,
}

impl Limiting {
    pub(super) fn new(limiter: Arc<dyn Limiter>) -> Self {
        Self { limiter, places: Places::default(), warned: AtomicBool::new(false) }
    }
}

/// Who does something.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asker {
    pub(super) user: Option<UserId>,
    pub(super) session: Option<SessionId>,
    pub(super) ip: Option<IpAddr>,
}

/// What an act is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum About {
    Nothing,
    Conv(ConvId),
    User(UserId),
    /// An account, by a hash of its name.
    Account(u128),
}

impl About {
    fn bits(self) -> Option<u128> {
        match self {
            Self::Nothing => None,
            Self::Conv(conv) => Some(conv.0.as_u128()),
            Self::User(user) => Some(user.0.as_u128()),
            Self::Account(account) => Some(account),
        }
    }
}

/// What was counted, in case that it has to be taken back.
#[derive(Debug)]
#[must_use]
pub(super) struct Charge {
    demands: Vec<Demand>,
}

impl Chat {
    /// Counts something that the host does for a user elsewhere, such as a request of its own HTTP interface, by the
    /// same table and together with what the user's connections do.
    ///
    /// # Errors
    /// `RateLimited`, and `Busy` if the limiter can't be asked and the table says so.
    pub async fn admit(&self, act: Act, user: UserId, addr: Option<SocketAddr>) -> Result<()> {
        let asker = Asker { user: Some(user), ..Asker::at(addr.map(|addr| addr.ip())) };
        self.0.charge(&[act], &asker, About::Nothing).await.map(drop).map_err(|refusal| refusal.error)
    }
}

impl Ctx {
    /// Counts a direct conversation that is opened, if it is with a stranger. The host's own users are not counted.
    pub(super) async fn limit_stranger(&self, other: UserId) -> Result<()> {
        if self.identity.is_none() || !self.inner.counts(Act::NewDm) {
            return Ok(());
        }
        let contacts = self.inner.store.contacts(self.user).await?;
        // No group has so few members, so these are the partners in direct conversations.
        let known = contacts.iter().any(|row| row.user == other)
            || self.inner.store.peers(self.user, 0).await?.contains(&other);
        if known {
            return Ok(());
        }
        let (acts, about) = ([Act::NewDm], About::User(other));
        let ip = self.origin.as_ref().and_then(|origin| origin.conn.ip());
        self.inner.limit_from(self.identity, ip, self.origin.as_ref(), &acts, about).await.map(drop)
    }
}

/// Why an act does not pass.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: Error,
    close: bool,
}

impl Inner {
    /// Counts a command, or refuses it before anything is done about it.
    pub(super) async fn limit(&self, caller: &Caller, command: &Command) -> Result<()> {
        let Some((act, about)) = counted(command) else { return Ok(()) };
        self.limit_act(caller, &[act], about).await.map(drop)
    }

    /// Counts a login with a password, before anybody looks whether it is right: see
    /// [`forgive`](Inner::forgive).
    pub(super) async fn limit_login(&self, caller: &Caller, name: &str) -> Result<Charge> {
        let hash = self.keys.mac("limits: account", &[fold(name).as_bytes()]);
        let mut bits = [0; 16];
        bits.copy_from_slice(&hash[..16]);
        let account = About::Account(u128::from_be_bytes(bits));
        self.limit_act(caller, &[Act::Login, Act::Guess], account).await
    }

    /// Takes back what a login was counted as, except for the login itself: it was no guess.
    pub(super) async fn forgive(&self, charge: Charge) {
        let guesses: Vec<_> =
            charge.demands.into_iter().filter(|demand| demand.rate.act == Act::Guess).collect();
        self.take_back(&guesses).await;
    }

    pub(super) async fn take_back(&self, demands: &[Demand]) {
        if demands.is_empty() {
            return;
        }
        if let Err(error) = self.limiting.limiter.give_back(demands, self.env.monotonic()).await {
            tracing::warn!(%error, "the limiter could not take an act back");
        }
    }

    /// Counts an act of a connection.
    pub(super) async fn limit_act(&self, caller: &Caller, acts: &[Act], about: About) -> Result<Charge> {
        self.limit_from(caller.identity, caller.ip(), caller.origin.as_ref(), acts, about).await
    }

    fn counts(&self, act: Act) -> bool {
        self.limits.rates.iter().any(|rate| rate.act == act)
    }

    async fn limit_from(
        &self,
        identity: Option<Identity>,
        ip: Option<IpAddr>,
        origin: Option<&Origin>,
        acts: &[Act],
        about: About,
    ) -> Result<Charge> {
        let asker = Asker {
            user: identity.map(|identity| identity.user),
            session: identity.map(|identity| identity.session),
            ..Asker::at(ip)
        };
        self.charge(acts, &asker, about).await.map_err(|refusal| {
            if let Some(origin) = origin.filter(|_| refusal.close) {
                origin.conn.end(Ended::Abuse);
            }
            refusal.error
        })
    }

    pub(super) async fn charge(&self, acts: &[Act], asker: &Asker, about: About) -> Result<Charge, Refusal> {
        let demands = self.demands(acts, asker, about);
        if demands.is_empty() {
            return Ok(Charge { demands });
        }
        match self.limiting.limiter.take(&demands, self.env.monotonic()).await {
            Ok(Taken::Granted) => Ok(Charge { demands }),
            Ok(Taken::Refused { by, after }) => {
                let rate = demands.get(by).map(|demand| demand.rate);
                tracing::debug!(?rate, ?after, "an act above a limit");
                if let Some(rate) = rate {
                    self.counts.limit_hit(rate.act, rate.key);
                }
                let close = rate.is_some_and(|rate| rate.on_hit == OnHit::Close);
                Err(Refusal { error: Error::from(ErrorKind::RateLimited).retry_after(after), close })
            }
            Err(error) => {
                self.counts.limiter_failures.add(1);
                if demands.iter().all(|demand| demand.rate.on_failure != OnFailure::Closed) {
                    tracing::warn!(%error, "the limiter can't be asked, so an act passed uncounted");
                    return Ok(Charge { demands: Vec::new() });
                }
                let busy = Error::from(ErrorKind::Busy).retry_after(RETRY_UNKNOWN).with_source(error);
                tracing::warn!(error = ?busy, "the limiter can't be asked, so an act was refused");
                Err(Refusal { error: busy, close: false })
            }
        }
    }

    /// Returns by which rows of the table an act is counted.
    pub(super) fn demands(&self, acts: &[Act], asker: &Asker, about: About) -> Vec<Demand> {
        let mut demands = Vec::new();
        for (row, rate) in (0_u16..).zip(self.limits.rates.iter()) {
            if !acts.contains(&rate.act) {
                continue;
            }
            let subject = match rate.key {
                RateKey::All => Some(Subject::All),
                RateKey::User => asker.user.map(Subject::User),
                RateKey::Session => asker.session.map(Subject::Session),
                RateKey::Ip => asker.ip.map(Subject::Ip),
                RateKey::Conv => match about {
                    About::Conv(conv) => Some(Subject::Conv(conv)),
                    _ => None,
                },
                RateKey::Target => about.bits().map(Subject::Target),
                RateKey::Pair => about.bits().map(|about| Subject::Pair(asker.bits(), about)),
            };
            let by_address = rate.key == RateKey::Ip || (rate.key == RateKey::Pair && asker.user.is_none());
            if by_address && asker.ip.is_none() {
                self.warn_of_no_address();
            }
            demands.extend(subject.map(|subject| Demand { row, rate: *rate, subject }));
        }
        demands
    }

    fn warn_of_no_address(&self) {
        if !self.limiting.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "connections come without an address, or from this machine: limits per address are off for them; \
                 behind a proxy, tell the transport whose address it is"
            );
        }
    }
}

impl Asker {
    /// Somebody at an address.
    pub(super) fn at(ip: Option<IpAddr>) -> Self {
        Self { ip: ip.and_then(network), ..Self::default() }
    }

    fn bits(&self) -> u128 {
        match (self.user, self.ip) {
            (Some(user), _) => user.0.as_u128(),
            (None, Some(IpAddr::V4(ip))) => u128::from(u32::from(ip)),
            (None, Some(IpAddr::V6(ip))) => u128::from(ip),
            (None, None) => 0,
        }
    }
}

/// Returns what limits see of an address: of IPv6 the first 64 bits, which are what one customer gets; nothing of this
/// machine's own, which stands for whoever comes through a proxy on it.
fn network(ip: IpAddr) -> Option<IpAddr> {
    let ip = match ip.to_canonical() {
        IpAddr::V6(ip) if !ip.is_loopback() => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        ip => ip,
    };
    Some(ip).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

/// Returns what a command counts as; every command is here, so that a new one is thought about.
fn counted(command: &Command) -> Option<(Act, About)> {
    Some(match command {
        Command::Send(send) => (Act::Send, About::Conv(send.conv)),
        Command::Edit(edit) => (Act::Edit, About::Conv(edit.conv)),
        Command::Unsend { conv, .. } | Command::Delete { conv, .. } => (Act::Unsend, About::Conv(*conv)),
        Command::React(react) => (Act::React, About::Conv(react.conv)),
        Command::Search { .. } => (Act::Search, About::Nothing),
        Command::Get(Get::User(user)) => (Act::Lookup, About::User(*user)),
        Command::CreateInvite { .. } => (Act::Invite, About::Nothing),
        Command::Invite { user, .. } | Command::AddContact(user) => (Act::Add, About::User(*user)),
        Command::Join { .. } | Command::RedeemInvite(_) => (Act::Code, About::Nothing),
        Command::UpdateMe(update) if update.password.is_some() => (Act::Password, About::Nothing),
        // Counted where they are carried out: by address, by account, and by who the partner is.
        Command::SignUp(_)
        | Command::LoginBasic { .. }
        | Command::LoginWith { .. }
        | Command::StartDm(DmPeer::User(_)) => return None,
        Command::Hi(_)
        | Command::LoginToken(_)
        | Command::Logout { .. }
        | Command::ListSessions
        | Command::RevokeSession(_)
        | Command::UpdateMe(_)
        | Command::StartDm(DmPeer::Me)
        | Command::Settings { .. }
        | Command::SetTtl { .. }
        | Command::SetRetention { .. }
        | Command::CreateGroup { .. }
        | Command::Leave { .. }
        | Command::DeleteGroup { .. }
        | Command::Report { .. }
        | Command::Kick { .. }
        | Command::Ban { .. }
        | Command::Unban { .. }
        | Command::Mute { .. }
        | Command::CreateLink { .. }
        | Command::RevokeLink { .. }
        | Command::ListLinks { .. }
        | Command::UpdateGroup { .. }
        | Command::SetRole { .. }
        | Command::Transfer { .. }
        | Command::ListInvites
        | Command::RevokeInvite(_)
        | Command::RemoveContact(_)
        | Command::NameContact { .. }
        | Command::Typing { .. }
        | Command::Mark { .. }
        | Command::Pin { .. }
        | Command::Get(_)
        | Command::Unsupported(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_counted_by_what_one_customer_has() {
        let see = |text: &str| network(text.parse::<SocketAddr>().unwrap().ip()).map(|ip| ip.to_string());
        assert_eq!(see("192.0.2.7:80").as_deref(), Some("192.0.2.7"));
        assert_eq!(see("[::ffff:192.0.2.7]:80").as_deref(), Some("192.0.2.7"));
        assert_eq!(see("[2001:db8:1:2:3:4:5:6]:80").as_deref(), Some("2001:db8:1:2::"));
        for nobody in ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "0.0.0.0:1", "[::]:1"] {
            assert_eq!(see(nobody), None);
        }
    }
}
