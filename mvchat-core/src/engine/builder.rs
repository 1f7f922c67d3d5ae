//! Puts a [`Chat`] together and checks everything before it runs.

use super::announce::Moves;
use super::audit::Audit;
use super::cache::ConvCache;
use super::chat::{Chat, Inner};
use super::committer::Committer;
use super::expiry::{self, Expiry};
use super::hub::Hub;
use super::jobs::{JobOptions, Jobs};
use super::limits::Limiting;
use super::marks::Marks;
use super::metered::Metered;
use super::metrics::Counts;
use super::nodes::Nodes;
use super::ready::LastReady;
use super::sessions::Sessions;
use super::shutdown::Closing;
use super::throttle::Throttle;
use super::tickets::Tickets;
use super::underway::Underway;
use super::unsure::Unsure;
use super::vouch::Vouch;
use crate::builtin::keys::Keys;
use crate::builtin::password::{PasswordParams, Passwords};
use crate::builtin::token::TokenSigner;
use crate::builtin::{LogMailer, MemoryLimiter, SystemEnv};
use crate::irido::Rules;
use crate::proto::Limits;
use crate::seam::audit::AuditSink;
use crate::seam::{Authenticator, Bus, Directory, Durability, Env, Limiter, Mailer, Store};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The shortest time for which access tokens are good: clients are told a minute before that they should log in again.
const MIN_ACCESS: Duration = Duration::from_secs(120);

/// Builds a [`Chat`].
///
/// # Defaults
/// The limits of the protocol, counted in this process, the system's clock and entropy, Argon2id for passwords, no
/// mail, no audit log, no refresh tokens. Keys have no default: a durable store without keys is an error. Only a volatile store gets keys that die with the process.
#[must_use]
pub struct ChatBuilder {
    store: Arc<dyn Store>,
    keys: Option<Keys>,
    env: Arc<dyn Env>,
    mailer: Arc<dyn Mailer>,
    limiter: Arc<dyn Limiter>,
    bus: Option<Arc<dyn Bus>>,
    authenticators: Vec<Box<dyn Authenticator>>,
    directory: Option<Arc<dyn Directory>>,
    by_password: bool,
    guests: Option<Duration>,
    access_lifetime: Option<Duration>,
    audit: Option<Arc<dyn AuditSink>>,
    limits: Limits,
    passwords: PasswordParams,
    name: String,
    build: String,
    shards: usize,
    jobs: JobOptions,
}

/// Everything that is wrong with a [`ChatBuilder`], all at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    problems: Vec<String>,
}

impl BuildError {
    /// Returns the problems, each with its fix.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("; "))
    }
}

impl std::error::Error for BuildError {}

impl ChatBuilder {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            keys: None,
            env: Arc::new(SystemEnv::default()),
            mailer: Arc::new(LogMailer),
            limiter: Arc::new(MemoryLimiter::default()),
            bus: None,
            authenticators: Vec::new(),
            directory: None,
            by_password: true,
            guests: None,
            access_lifetime: None,
            audit: None,
            limits: Limits::default(),
            passwords: PasswordParams::default(),
            name: "mvchat".to_owned(),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            shards: 4,
            jobs: JobOptions::default(),
        }
    }

    /// Sets the keys with which content is sealed and tokens are signed.
    pub fn keys(mut self, keys: Keys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Sets the limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets where time and entropy come from.
    pub fn env(mut self, env: impl Env) -> Self {
        self.env = Arc::new(env);
        self
    }

    /// Sets what sends mail.
    pub fn mailer(mut self, mailer: impl Mailer) -> Self {
        self.mailer = Arc::new(mailer);
        self
    }

    /// Sets what counts how often something is done; the table of what may be done how often is in the limits.
    pub fn limiter(mut self, limiter: impl Limiter) -> Self {
        self.limiter = Arc::new(limiter);
        self
    }

    /// Sets how this node tells others on the same store what is not kept: who is here, who is writing, which sessions
    /// are over. Without it, a store that nodes can share brings its own.
    pub fn bus(mut self, bus: impl Bus) -> Self {
        self.bus = Some(Arc::new(bus));
        self
    }

    /// Adds a scheme by which clients log in, besides `basic` and `token`.
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.authenticators.push(Box::new(authenticator));
        self
    }

    /// Takes names, avatars and search from the host's own table of users.
    pub fn directory(mut self, directory: impl Directory) -> Self {
        self.directory = Some(Arc::new(directory));
        self
    }

    /// Lets in guests, who log in by the scheme `anonymous`, with a display name as secret or without any. A guest takes
    /// part in conversations to which a link leads, and can neither find nor write to strangers; after `lifetime` the
    /// account counts as deleted.
    pub fn guests(mut self, lifetime: Duration) -> Self {
        self.guests = Some(lifetime);
        self
    }

    /// Gives out access tokens that are good for `access` only, with refresh tokens that renew them: a reasonable time is
    /// 15 minutes. A refresh token is used once, by logging in with it, and replaced by its use; it is good as long as its
    /// session, which slides when it is used. Who uses one that is spent has it from somebody else, or somebody else has
    /// it: then the session ends.
    ///
    /// Without this, access tokens are good as long as their session and renew themselves. Sessions from before get their
    /// first refresh token with the next login; to turn it off again logs out whoever has one.
    pub fn refresh_tokens(mut self, access: Duration) -> Self {
        self.access_lifetime = Some(access);
        self
    }

    /// Closes the scheme `basic` and with it sign-up: everybody comes by another scheme, and goes on by `token`.
    pub fn without_passwords(mut self) -> Self {
        self.by_password = false;
        self
    }

    /// Sets what keeps the audit log.
    pub fn audit(mut self, sink: impl AuditSink) -> Self {
        self.audit = Some(Arc::new(sink));
        self
    }

    /// Sets the cost of password hashes.
    pub fn passwords(mut self, params: PasswordParams) -> Self {
        self.passwords = params;
        self
    }

    /// Sets the name that tokens carry as their issuer and audience; tokens of another name are refused.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the build that the `hi` reply names.
    pub fn build_name(mut self, build: impl Into<String>) -> Self {
        self.build = build.into();
        self
    }

    /// Sets how many conversations can be committed to at once; those of one shard share a commit.
    pub fn commit_shards(mut self, shards: usize) -> Self {
        self.shards = shards;
        self
    }

    /// Sets how much is done in the background at once, and how much may wait for that.
    pub fn jobs(mut self, options: JobOptions) -> Self {
        self.jobs = options;
        self
    }

    /// Checks everything and starts the engine on the current tokio runtime.
    ///
    /// # Errors
    /// With every problem that there is.
    pub async fn build(self) -> Result<Chat, BuildError> {
        let mut problems = Vec::new();
        let keys =
            self.keys.or_else(|| (self.store.durability() == Durability::Volatile).then(Keys::ephemeral));
        if keys.is_none() {
            problems.push(
                "a durable store needs keys that outlive the process: add \
                 `.keys(Keys::load_or_create(\"chat-data/keys\")?)`"
                    .to_owned(),
            );
        }
        if self.name.is_empty() {
            problems.push("the name is empty: give `.name(…)` a text".to_owned());
        }
        if self.shards == 0 {
            problems.push("there are no commit shards: give `.commit_shards(…)` at least 1".to_owned());
        }
        check_limits(&self.limits, &mut problems);
        check_schemes(&self.authenticators, self.by_password || self.guests.is_some(), &mut problems);
        if self.guests.is_some_and(|lifetime| lifetime <= Duration::from_secs(60)) {
            problems.push("guests stay for a minute at most: give `.guests(…)` more".to_owned());
        }
        if self.access_lifetime.is_some_and(|lifetime| lifetime < MIN_ACCESS) {
            problems.push(
                "access tokens must be good for 2 minutes at least: give `.refresh_tokens(…)` more"
                    .to_owned(),
            );
        }
        let passwords = match Passwords::new(self.passwords) {
            Ok(passwords) => Some(passwords),
            Err(error) => {
                problems.push(format!("the password parameters can't be used: {error}"));
                None
            }
        };
        let (Some(keys), Some(passwords), true) = (keys, passwords, problems.is_empty()) else {
            return Err(BuildError { problems });
        };
        let rules = Rules {
            max_graphemes: self.limits.max_text,
            max_media: self.limits.max_media,
            max_mentions: self.limits.max_mentions,
            ..Rules::default()
        };
        let (committer, shards) = Committer::new(self.shards);
        let bus = self.bus.or_else(|| self.store.bus()).filter(|_| self.store.is_shared());
        let schemes = ["basic", "token", "anonymous"];
        let counts = Arc::new(Counts::new(
            schemes.into_iter().chain(self.authenticators.iter().map(|known| known.scheme())),
        ));
        let inner = Arc::new(Inner {
            nodes: Arc::new(Nodes::new(self.env.uuid(), bus)),
            tokens: TokenSigner::new(keys.clone(), &self.name, &self.name),
            store: Arc::new(Metered::new(self.store, counts.clone())),
            counts,
            jobs: Jobs::new(self.jobs),
            env: self.env,
            mailer: self.mailer,
            limiting: Limiting::new(self.limiter),
            auth_headers: self.authenticators.iter().flat_map(|known| known.headers()).collect(),
            authenticators: self.authenticators,
            directory: self.directory,
            by_password: self.by_password,
            guests: self.guests,
            access_lifetime: self.access_lifetime,
            audit: self.audit.map(Audit::new).unwrap_or_default(),
            keys,
            passwords,
            limits: Arc::new(self.limits),
            rules,
            build: self.build.into(),
            caps: ["cid", "changes", "receipts"]
                .into_iter()
                .chain(self.access_lifetime.map(|_| "refresh"))
                .map(str::to_owned)
                .collect(),
            convs: ConvCache::default(),
            sessions: Sessions::default(),
            underway: Underway::default(),
            vouch: Vouch::default(),
            hub: Hub::default(),
            committer,
            store_lost: AtomicBool::new(false),
            typing: Throttle::default(),
            tickets: Tickets::default(),
            ready: LastReady::default(),
            expiry: Expiry::default(),
            marks: Marks::default(),
            moves: Moves::default(),
            unsure: Unsure::default(),
            closing: Closing::default(),
        });
        for shard in shards {
            shard.spawn(&inner);
        }
        inner.follow_others().await;
        let stop = inner.expiry.stop.clone();
        inner.closing.commands.spawn(expiry::run(Arc::downgrade(&inner), stop));
        Ok(Chat(inner))
    }
}

fn check_schemes(authenticators: &[Box<dyn Authenticator>], others: bool, problems: &mut Vec<String>) {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    for (at, authenticator) in authenticators.iter().enumerate() {
        let scheme = authenticator.scheme();
        if !(1..=32).contains(&scheme.len()) || !scheme.bytes().all(plain) {
            problems.push(format!("the scheme {scheme:?} must be 1 to 32 of a-z 0-9 _ -"));
        }
        let taken = ["basic", "token", "anonymous"].contains(&scheme);
        if taken || authenticators[..at].iter().any(|other| other.scheme() == scheme) {
            problems.push(format!("there are two authenticators of the scheme {scheme:?}: rename one"));
        }
    }
    if authenticators.is_empty() && !others {
        problems.push(
            "nobody can log in: add `.authenticator(…)` or leave `.without_passwords()` out".to_owned(),
        );
    }
}

fn check_limits(limits: &Limits, problems: &mut Vec<String>) {
    let mut check = |fine: bool, problem: &str| {
        if !fine {
            problems.push(format!("limits: {problem}"));
        }
    };
    check(limits.max_message_size >= 1_024, "max_message_size must be at least 1024 bytes");
    check(limits.max_in_flight >= 1, "max_in_flight must be at least 1");
    check(limits.rate_limit_messages >= 1, "rate_limit_messages must be at least 1");
    check(limits.rate_limit_burst >= 1, "rate_limit_burst must be at least 1");
    check(limits.min_login_length >= 1, "min_login_length must be at least 1");
    check(limits.min_login_length <= limits.max_login_length, "max_login_length is below min_login_length");
    check(limits.max_sessions >= 1, "max_sessions must be at least 1");
    check(limits.token_lifetime > 60, "token_lifetime must be above 60 seconds");
    check(limits.ping_interval < limits.idle_timeout, "ping_interval must be below idle_timeout");
    check(limits.login_deadline >= 1, "login_deadline must be at least 1 second");
    check(limits.rates.len() <= usize::from(u16::MAX), "there are too many rates");
    for rate in limits.rates.iter() {
        if let Some(problem) = rate.problem() {
            problems.push(format!("limits: the rate of {:?} by {:?}: {problem}", rate.act, rate.key));
        }
    }
}
