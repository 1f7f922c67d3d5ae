//! The table of every key the server understands: one row says all about it.

use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

use super::{
    Config, KeySource, LogFormat, MailTls, NamingKind, Preset, StoreKind, TransportKind,
    duration::{self, PlainUnit},
    rates, read, size,
    value::{Complaint, Value},
};

/// One key.
pub(crate) struct Key {
    /// The dotted path in the file.
    pub path: &'static str,
    /// Another path that means the same, from mvChat2's own file.
    pub alias: Option<&'static str>,
    /// The environment variable, where it is not made from the path.
    variable: Option<&'static str>,
    /// What the key does, for the annotated example; lines are wrapped by hand.
    pub doc: &'static str,
    /// Reads a value into the configuration, or leaves it as it was and says what is wrong.
    pub set: fn(&mut Config, &Value) -> Result<(), Complaint>,
    /// Writes the effective value as YAML that `set` reads back.
    pub show: fn(&Config) -> String,
}

impl Key {
    /// The environment variable that sets this key: `limits.edit_window` is `MVCHAT_LIMITS_EDIT_WINDOW`.
    pub(crate) fn variable(&self) -> String {
        match self.variable {
            Some(name) => name.to_owned(),
            None => format!("MVCHAT_{}", self.path.to_uppercase().replace('.', "_")),
        }
    }
}

/// Finds a key by path or alias.
pub(crate) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path || key.alias == Some(path))
}

/// The path of the key that is applied before all others.
pub(crate) const PRESET: &str = "preset";
/// The path of the listening address, which is checked once everything is known.
pub(crate) const LISTEN: &str = "server.listen";

const PRESETS: [(&str, Preset); 3] =
    [("default", Preset::Standard), ("mvchat2", Preset::MvChat2), ("mrezhen", Preset::Mrezhen)];
const STORES: [(&str, StoreKind); 3] =
    [("memory", StoreKind::Memory), ("sled", StoreKind::Sled), ("postgres", StoreKind::Postgres)];
const TRANSPORTS: [(&str, TransportKind); 2] = [("axum", TransportKind::Axum), ("warp", TransportKind::Warp)];
const SOURCES: [(&str, KeySource); 2] = [("file", KeySource::File), ("env", KeySource::Environment)];
const NAMINGS: [(&str, NamingKind); 2] = [("text", NamingKind::Text), ("uuid", NamingKind::Uuid)];
const MAIL_TLS: [(&str, MailTls); 3] =
    [("starttls", MailTls::StartTls), ("tls", MailTls::Wrapped), ("none", MailTls::None)];
const FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];

const SECOND: Duration = Duration::from_secs(1);
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_mins(10);
/// Longer than any conversation lasts: "always" in practice.
const WINDOW: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(36_500 * 24);

/// Every key, in the order of the example; keys of one section stand together.
pub(crate) static KEYS: [Key; 63] = [
    Key {
        path: PRESET,
        alias: None,
        variable: None,
        doc: "The set of defaults to start from: default, mvchat2 (30 frames a second and no other rates,\n\
              unsend within 5 minutes, passwords of 6 bytes and more), or mrezhen (at most 30 messages\n\
              of a user in every minute). Every other key given wins over it.",
        set: |config, value| value.choice(&PRESETS).map(|found| config.preset = found),
        show: |config| word(&PRESETS, config.preset),
    },
    Key {
        path: "data_dir",
        alias: None,
        variable: None,
        doc: "The folder for keys and the embedded store; made if it is missing.",
        set: |config, value| read::not_empty(value).map(|path| config.data_dir.0 = PathBuf::from(path)),
        show: |config| quoted(&config.data_dir.0.to_string_lossy()),
    },
    Key {
        path: "store",
        alias: None,
        variable: None,
        doc: "sled keeps everything below data_dir; postgres keeps it in a database, for one server or several;\n\
              memory forgets everything at the end.",
        set: |config, value| value.choice(&STORES).map(|found| config.store = found),
        show: |config| word(&STORES, config.store),
    },
    Key {
        path: "database.url",
        alias: None,
        variable: None,
        doc: "Where the database of the store postgres is: postgres://user:password@host/name. Better given as\n\
              MVCHAT_DATABASE_URL than written into a file.",
        set: |config, value| value.text().map(|url| config.database.url = url.to_owned()),
        show: |config| quoted(&config.database.url),
    },
    Key {
        path: "database.accept_loss",
        alias: None,
        variable: None,
        doc: "true serves from a database whose settings may lose what was acknowledged; for trials.",
        set: |config, value| value.switch().map(|on| config.database.accept_loss = on),
        show: |config| config.database.accept_loss.to_string(),
    },
    Key {
        path: "transport",
        alias: None,
        variable: None,
        doc: "The web framework that answers for the chat: axum or warp. Clients notice no difference.",
        set: |config, value| value.choice(&TRANSPORTS).map(|found| config.transport = found),
        show: |config| word(&TRANSPORTS, config.transport),
    },
    Key {
        path: "log.format",
        alias: None,
        variable: None,
        doc: "text for people, json for machines; always on standard error.",
        set: |config, value| value.choice(&FORMATS).map(|found| config.log.format = found),
        show: |config| word(&FORMATS, config.log.format),
    },
    Key {
        path: "log.level",
        alias: None,
        variable: Some("MVCHAT_LOG"),
        doc: "off, error, warn, info, debug or trace; also by part, as in warn,mvchat_core=debug.",
        set: |config, value| read::log_level(value).map(|found| config.log.level = found),
        show: |config| quoted(&config.log.level),
    },
    Key {
        path: "traces.endpoint",
        alias: None,
        variable: None,
        doc: "A collector of OpenTelemetry that takes traces by OTLP over HTTP, such as http://127.0.0.1:4318;\n\
              /v1/traces is asked for there. Empty sends none.",
        set: |config, value| read::collector(value).map(|found| config.traces.endpoint = found),
        show: |config| quoted(&config.traces.endpoint),
    },
    Key {
        path: "traces.service",
        alias: None,
        variable: None,
        doc: "What this server is called in them.",
        set: |config, value| read::not_empty(value).map(|found| config.traces.service = found.to_owned()),
        show: |config| quoted(&config.traces.service),
    },
    Key {
        path: "traces.one_in",
        alias: None,
        variable: None,
        doc: "How many traces one is kept of: 1 keeps all, 100 one in a hundred.",
        set: |config, value| value.whole(1..=1_000_000).map(|found| config.traces.one_in = found),
        show: |config| config.traces.one_in.to_string(),
    },
    Key {
        path: LISTEN,
        alias: None,
        variable: Some("MVCHAT_LISTEN"),
        doc: "The address and port to listen on; port 0 picks a free one, \":6060\" means every IPv4\n\
              address. Addresses other than loopback need tls or behind_proxy.",
        set: |config, value| read::listen(value).map(|found| config.server.listen = found),
        show: |config| quoted(&config.server.listen.to_string()),
    },
    Key {
        path: "server.behind_proxy",
        alias: None,
        variable: Some("MVCHAT_BEHIND_PROXY"),
        doc: "Says that a proxy in front of this server ends TLS.",
        set: |config, value| value.switch().map(|found| config.server.behind_proxy = found),
        show: |config| config.server.behind_proxy.to_string(),
    },
    Key {
        path: "server.use_x_forwarded_for",
        alias: None,
        variable: None,
        doc: "Takes client addresses from X-Forwarded-For, for connections from trusted_proxies. Without\n\
              it, limits per address see the proxy. It implies behind_proxy.",
        set: |config, value| value.switch().map(|found| config.server.use_x_forwarded_for = found),
        show: |config| config.server.use_x_forwarded_for.to_string(),
    },
    Key {
        path: "server.trusted_proxies",
        alias: None,
        variable: None,
        doc: "Networks of the proxies whose X-Forwarded-For is believed.",
        set: |config, value| read::networks(value).map(|found| config.server.trusted_proxies = found),
        show: |config| list(config.server.trusted_proxies.iter().map(ToString::to_string)),
    },
    Key {
        path: "server.allowed_origins",
        alias: None,
        variable: None,
        doc: "Web origins whose pages may connect, such as https://app.example.com. Each is matched exactly.\n\
              Their pages may also read what is answered over HTTP; others only connect, if the list is empty.",
        set: |config, value| read::origins(value).map(|found| config.server.allowed_origins = found),
        show: |config| list(config.server.allowed_origins.iter().cloned()),
    },
    Key {
        path: "server.read_timeout",
        alias: None,
        variable: None,
        doc: "How long the head of a request may take. Durations are written 500ms, 90s, 10m, 1h30m or\n\
              2d; a plain number means seconds unless a key says otherwise.",
        set: |config, value| {
            value.duration(PlainUnit::Seconds, TIMEOUT).map(|found| config.server.read_timeout = found)
        },
        show: |config| duration::show(config.server.read_timeout),
    },
    Key {
        path: "server.idle_timeout",
        alias: None,
        variable: None,
        doc: "How long a connection may stay open between two requests; WebSockets are not concerned.",
        set: |config, value| {
            value.duration(PlainUnit::Seconds, TIMEOUT).map(|found| config.server.idle_timeout = found)
        },
        show: |config| duration::show(config.server.idle_timeout),
    },
    Key {
        path: "server.message_timeout",
        alias: None,
        variable: None,
        doc: "How long a message may take over a WebSocket, from its first byte to its last; whoever takes\n\
              longer is closed with 1002. 20s are enough for 64KiB at 27 kbit/s.",
        set: |config, value| {
            value.duration(PlainUnit::Seconds, TIMEOUT).map(|found| config.server.message_timeout = found)
        },
        show: |config| duration::show(config.server.message_timeout),
    },
    Key {
        path: "server.shutdown_timeout",
        alias: None,
        variable: None,
        doc: "How long stopping may take in all, from the signal to the end of the process.",
        set: |config, value| {
            let bounds = SECOND..=*TIMEOUT.end();
            value.duration(PlainUnit::Seconds, bounds).map(|found| config.server.shutdown_timeout = found)
        },
        show: |config| duration::show(config.server.shutdown_timeout),
    },
    Key {
        path: "server.max_connections",
        alias: None,
        variable: None,
        doc: "How many connections may be open at once; further ones wait in the system's queue.",
        set: |config, value| value.whole(1..=1_000_000).map(|found| config.server.max_connections = found),
        show: |config| config.server.max_connections.to_string(),
    },
    Key {
        path: "server.max_connections_per_ip",
        alias: None,
        variable: None,
        doc: "How many of them may be of one address (of IPv6 the first 64 bits); further ones are closed at\n\
              once. This machine, and trusted_proxies where X-Forwarded-For is used, may have any number.",
        set: |config, value| {
            value.whole(1..=1_000_000).map(|found| config.server.max_connections_per_ip = found)
        },
        show: |config| config.server.max_connections_per_ip.to_string(),
    },
    Key {
        path: "server.tls.cert_file",
        alias: None,
        variable: None,
        doc: "The chain of certificates in PEM, for connections over TLS 1.2 and 1.3 and no plain ones. Read\n\
              again when it has changed, and at SIGHUP.",
        set: |config, value| value.text().map(|found| config.server.tls.cert_file = PathBuf::from(found)),
        show: |config| quoted(&config.server.tls.cert_file.to_string_lossy()),
    },
    Key {
        path: "server.tls.key_file",
        alias: None,
        variable: None,
        doc: "Its key in PEM, which others on this machine must not be able to read.",
        set: |config, value| value.text().map(|found| config.server.tls.key_file = PathBuf::from(found)),
        show: |config| quoted(&config.server.tls.key_file.to_string_lossy()),
    },
    Key {
        path: "server.tls.hsts",
        alias: None,
        variable: None,
        doc: "For how long browsers are told to come back with nothing but TLS; 0 tells them nothing.",
        set: |config, value| {
            value.duration(PlainUnit::Seconds, WINDOW).map(|found| config.server.tls.hsts = found)
        },
        show: |config| duration::show(config.server.tls.hsts),
    },
    Key {
        path: "admin.listen",
        alias: None,
        variable: None,
        doc: "Where /metrics is served, such as 9464 for that port of loopback. Other addresses are written out\n\
              like server.listen: whoever reaches them can read the metrics. Empty serves none.",
        set: |config, value| read::admin(value).map(|found| config.admin.listen = found),
        show: |config| quoted(&config.admin.listen.map_or_else(String::new, |found| found.to_string())),
    },
    Key {
        path: "auth.token.expire_in",
        alias: None,
        variable: None,
        doc: "How long a session lives that is not used, and a token that renews itself.",
        set: |config, value| {
            // Within its last minute a token is announced to end.
            let bounds = Duration::from_mins(2)..=Duration::from_hours(90 * 24);
            value.duration(PlainUnit::Seconds, bounds).map(|found| config.auth.token_lifetime = found)
        },
        show: |config| duration::show(config.auth.token_lifetime),
    },
    Key {
        path: "auth.access_token.expire_in",
        alias: None,
        variable: None,
        doc: "How long an access token is good for, such as 15m, and 2m at least: then every login also gives a\n\
              refresh token, which is used once to get the next pair while the session lasts. 0 gives out tokens\n\
              that renew themselves.",
        set: |config, value| {
            value.duration(PlainUnit::Seconds, WINDOW).map(|found| config.auth.access_lifetime = found)
        },
        show: |config| duration::show(config.auth.access_lifetime),
    },
    Key {
        path: "auth.query_token",
        alias: None,
        variable: None,
        doc: "true takes access tokens from the address of a WebSocket, as ?token=…, too. Addresses end up in the logs\n\
              of proxies and in histories; better ask POST /v0/ticket for a ticket, which is good for one use.",
        set: |config, value| value.switch().map(|on| config.auth.query_token = on),
        show: |config| config.auth.query_token.to_string(),
    },
    Key {
        path: "auth.basic.min_login_length",
        alias: None,
        variable: None,
        doc: "The shortest user name, in characters.",
        set: |config, value| value.whole(1..=64).map(|found| config.auth.min_login_length = found),
        show: |config| config.auth.min_login_length.to_string(),
    },
    Key {
        path: "auth.basic.min_password_length",
        alias: None,
        variable: None,
        doc: "The shortest password, in characters.",
        set: |config, value| value.whole(1..=1_024).map(|found| config.auth.min_password_length = found),
        show: |config| config.auth.min_password_length.to_string(),
    },
    Key {
        path: "auth.passwords",
        alias: None,
        variable: None,
        doc: "false closes sign-up and logging in with passwords: everybody comes in another way.",
        set: |config, value| value.switch().map(|found| config.auth.passwords = found),
        show: |config| config.auth.passwords.to_string(),
    },
    Key {
        path: "auth.guests",
        alias: None,
        variable: None,
        doc: "How long the account of a guest lasts, such as 1d; 0 lets in no guests. Guests log in by the scheme\n\
              anonymous and take part in conversations to which a link leads.",
        set: |config, value| {
            value.duration(PlainUnit::Seconds, WINDOW).map(|found| config.auth.guests = found)
        },
        show: |config| duration::show(config.auth.guests),
    },
    Key {
        path: "auth.naming",
        alias: None,
        variable: None,
        doc: "What the issuer of tokens or the proxy calls users: text, from which the id of the account is\n\
              made, or uuid, which is that id. Whoever names users by uuid can speak for any account.",
        set: |config, value| value.choice(&NAMINGS).map(|found| config.auth.naming = found),
        show: |config| word(&NAMINGS, config.auth.naming),
    },
    Key {
        path: "auth.jwt.issuer",
        alias: None,
        variable: None,
        doc: "Lets in, by the scheme jwt, whoever has a token of this issuer: its claim iss, exactly.",
        set: |config, value| value.text().map(|found| config.auth.jwt.issuer = found.to_owned()),
        show: |config| quoted(&config.auth.jwt.issuer),
    },
    Key {
        path: "auth.jwt.audience",
        alias: None,
        variable: None,
        doc: "What the claim aud of such a token must name: this server, and no other service of the issuer.",
        set: |config, value| value.text().map(|found| config.auth.jwt.audience = found.to_owned()),
        show: |config| quoted(&config.auth.jwt.audience),
    },
    Key {
        path: "auth.jwt.keys_file",
        alias: None,
        variable: None,
        doc: "The issuer's keys: a JWK set (RFC 7517) with keys for HS256, RS256, ES256 or EdDSA, or a secret of\n\
              32 bytes and more. Read again when it has changed.",
        set: |config, value| value.text().map(|found| config.auth.jwt.keys_file = PathBuf::from(found)),
        show: |config| quoted(&config.auth.jwt.keys_file.to_string_lossy()),
    },
    Key {
        path: "auth.header.name",
        alias: None,
        variable: None,
        doc: "Lets in, by the scheme header, whomever a proxy names in this header, such as X-User. The proxy\n\
              must take the header away from what clients send.",
        set: |config, value| read::header(value).map(|found| config.auth.header.name = found),
        show: |config| quoted(&config.auth.header.name),
    },
    Key {
        path: "auth.header.trusted",
        alias: None,
        variable: None,
        doc: "Networks of the proxies whose header is believed; from elsewhere it is ignored.",
        set: |config, value| read::networks(value).map(|found| config.auth.header.trusted = found),
        show: |config| list(config.auth.header.trusted.iter().map(ToString::to_string)),
    },
    Key {
        path: "keys.source",
        alias: None,
        variable: None,
        doc: "file keeps the key ring in keys/ring.json below data_dir; env takes it from the variable\n\
              MVCHAT_KEY_RING, where a secrets manager puts what `mvchat keys generate` prints.",
        set: |config, value| value.choice(&SOURCES).map(|found| config.keys.source = found),
        show: |config| word(&SOURCES, config.keys.source),
    },
    Key {
        path: "keys.rotate_every",
        alias: None,
        variable: None,
        doc: "After which time the key-encryption key is replaced, such as 90d; 0 leaves that to\n\
              `mvchat keys rotate`. Back up the keys after each rotation: an older ring does not fit any more.",
        set: |config, value| {
            value.duration(PlainUnit::Seconds, WINDOW).map(|found| config.keys.rotate_every = found)
        },
        show: |config| duration::show(config.keys.rotate_every),
    },
    Key {
        path: "keys.rotate_signing_every",
        alias: None,
        variable: None,
        doc: "After which time the key that signs tokens is replaced; 0 leaves that to the command. Old\n\
              tokens stay valid until they expire.",
        set: |config, value| {
            value.duration(PlainUnit::Seconds, WINDOW).map(|found| config.keys.rotate_signing_every = found)
        },
        show: |config| duration::show(config.keys.rotate_signing_every),
    },
    Key {
        path: "keys.destroy_after",
        alias: None,
        variable: None,
        doc: "After which time a key that nothing needs any more is destroyed; 0 never. Longer than any\n\
              backup of the vault is kept.",
        set: |config, value| {
            value.duration(PlainUnit::Seconds, WINDOW).map(|found| config.keys.destroy_after = found)
        },
        show: |config| duration::show(config.keys.destroy_after),
    },
    Key {
        path: "audit.enabled",
        alias: None,
        variable: None,
        doc: "Keeps an audit log in audit/ below data_dir, unless the store forgets everything.",
        set: |config, value| value.switch().map(|found| config.audit.enabled = found),
        show: |config| config.audit.enabled.to_string(),
    },
    Key {
        path: "limits.edit_window",
        alias: Some("limits.edit_window_minutes"),
        variable: None,
        doc: "How long after sending a message may be edited; a plain number means minutes, 0 never.",
        set: |config, value| {
            value.duration(PlainUnit::Minutes, WINDOW).map(|found| config.limits.edit_window = found)
        },
        show: |config| duration::show(config.limits.edit_window),
    },
    Key {
        path: "limits.unsend_window",
        alias: Some("limits.unsend_window_minutes"),
        variable: None,
        doc: "How long after sending a message may be unsent; a plain number means minutes, 0 never.",
        set: |config, value| {
            value.duration(PlainUnit::Minutes, WINDOW).map(|found| config.limits.unsend_window = found)
        },
        show: |config| duration::show(config.limits.unsend_window),
    },
    Key {
        path: "limits.max_edit_count",
        alias: None,
        variable: None,
        doc: "How often a message may be edited.",
        set: |config, value| value.whole(0..=1_000).map(|found| config.limits.max_edit_count = found),
        show: |config| config.limits.max_edit_count.to_string(),
    },
    Key {
        path: "limits.max_message_size",
        alias: None,
        variable: None,
        doc: "The largest WebSocket message; sizes are plain bytes, or 64KiB, 8MiB.",
        set: |config, value| {
            value.size(1 << 10..=16 << 20).map(|found| config.limits.max_message_size = found)
        },
        show: |config| size::show(config.limits.max_message_size as u64),
    },
    Key {
        path: "limits.max_subscriber_count",
        alias: None,
        variable: None,
        doc: "The largest number of members of a group.",
        set: |config, value| value.whole(2..=10_000).map(|found| config.limits.max_subscriber_count = found),
        show: |config| config.limits.max_subscriber_count.to_string(),
    },
    Key {
        path: "limits.rate_limit_messages",
        alias: None,
        variable: None,
        doc: "Frames per second that one connection may send.",
        set: |config, value| value.whole(1..=100_000).map(|found| config.limits.rate_limit_messages = found),
        show: |config| config.limits.rate_limit_messages.to_string(),
    },
    Key {
        path: "limits.rate_limit_bytes",
        alias: None,
        variable: None,
        doc: "Bytes per second that one connection may send; four times as many at once.",
        set: |config, value| {
            let most = u32::MAX as usize;
            let found = value.size(1 << 10..=most)?;
            config.limits.rate_limit_bytes = u32::try_from(found).unwrap_or(u32::MAX);
            Ok(())
        },
        show: |config| size::show(u64::from(config.limits.rate_limit_bytes)),
    },
    Key {
        path: "limits.max_malformed",
        alias: None,
        variable: None,
        doc: "How many frames at once may be no requests before their connection is closed; every ten\n\
              seconds makes up for one, 0 closes none.",
        set: |config, value| value.whole(0..=100_000).map(|found| config.limits.max_malformed = found),
        show: |config| config.limits.max_malformed.to_string(),
    },
    Key {
        path: "limits.max_refused",
        alias: None,
        variable: None,
        doc: "How many frames of a minute may be above the rates before their connection is closed; 0\n\
              closes none.",
        set: |config, value| value.whole(0..=1_000_000).map(|found| config.limits.max_refused = found),
        show: |config| config.limits.max_refused.to_string(),
    },
    Key {
        path: "limits.rates",
        alias: None,
        variable: None,
        doc: "How often something may be done: the whole table, a row each; none switches all off. A row\n\
              is an act, what is counted together (user, session, ip, conv, target, pair), and how\n\
              often: burst 20 every 100ms (20 at once, and one more every 100 ms), max 30 per 60s\n\
              (exactly), or free 5 first 10s longest 1h forget 5m (5, then pauses that double).\n\
              closed refuses when nobody can count, closing closes the connection with 4029.",
        set: |config, value| rates::parse(value).map(|found| config.limits.rates = found.into()),
        show: |config| rows(config.limits.rates.iter().map(rates::show)),
    },
    Key {
        path: "mail.host",
        alias: Some("email.host"),
        variable: None,
        doc: "The server that takes mail for delivery. Without one no mail is sent, and invites are passed on\n\
              by those who make them.",
        set: |config, value| value.text().map(|found| config.mail.host = found.to_owned()),
        show: |config| quoted(&config.mail.host),
    },
    Key {
        path: "mail.port",
        alias: Some("email.port"),
        variable: None,
        doc: "Its port; 0 is 587 for starttls, 465 for tls, 25 for none.",
        set: |config, value| value.whole(0..=65_535).map(|found| config.mail.port = found),
        show: |config| config.mail.port.to_string(),
    },
    Key {
        path: "mail.tls",
        alias: None,
        variable: None,
        doc: "starttls, tls from the first byte, or none. Certificates are checked with those of the system.",
        set: |config, value| value.choice(&MAIL_TLS).map(|found| config.mail.tls = found),
        show: |config| word(&MAIL_TLS, config.mail.tls),
    },
    Key {
        path: "mail.user",
        alias: Some("email.username"),
        variable: None,
        doc: "The user to log in as; empty for none.",
        set: |config, value| value.text().map(|found| config.mail.user = found.to_owned()),
        show: |config| quoted(&config.mail.user),
    },
    Key {
        path: "mail.password",
        alias: Some("email.password"),
        variable: None,
        doc: "That user's password. Better given as MVCHAT_MAIL_PASSWORD than written into a file.",
        set: |config, value| value.text().map(|found| config.mail.password = found.to_owned()),
        show: |config| quoted(&config.mail.password),
    },
    Key {
        path: "mail.password_file",
        alias: None,
        variable: None,
        doc: "A file that holds the password and nothing else, instead.",
        set: |config, value| value.text().map(|found| config.mail.password_file = PathBuf::from(found)),
        show: |config| quoted(&config.mail.password_file.to_string_lossy()),
    },
    Key {
        path: "mail.from",
        alias: Some("email.from"),
        variable: None,
        doc: "Whom mail is from: chat@example.org, or Example Chat <chat@example.org>.",
        set: |config, value| value.text().map(|found| config.mail.from = found.to_owned()),
        show: |config| quoted(&config.mail.from),
    },
    Key {
        path: "mail.timeout",
        alias: None,
        variable: None,
        doc: "How long one attempt may take.",
        set: |config, value| {
            value.duration(PlainUnit::Seconds, TIMEOUT).map(|found| config.mail.timeout = found)
        },
        show: |config| duration::show(config.mail.timeout),
    },
    Key {
        path: "mail.retry_for",
        alias: None,
        variable: None,
        doc: "How long a mail that could not be sent is tried again; not beyond the end of the server, which\n\
              remembers no mail.",
        set: |config, value| {
            value.duration(PlainUnit::Seconds, WINDOW).map(|found| config.mail.retry_for = found)
        },
        show: |config| duration::show(config.mail.retry_for),
    },
];

fn word<T: PartialEq>(words: &[(&str, T)], wanted: T) -> String {
    words.iter().find(|(_, value)| *value == wanted).map_or_else(String::new, |(word, _)| (*word).to_owned())
}

/// Writes text in double quotes; every JSON string is a YAML one.
fn quoted(text: &str) -> String {
    serde_json::Value::from(literal(text)).to_string()
}

fn list(items: impl Iterator<Item = String>) -> String {
    serde_json::Value::from(items.map(|item| literal(&item)).collect::<Vec<_>>()).to_string()
}

/// Writes a text so that nothing in it stands for an environment variable.
fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

/// As [`list`], but each item has a line of its own.
fn rows(items: impl Iterator<Item = String>) -> String {
    let lines: Vec<_> = items.map(|item| format!("\n    {}", quoted(&item))).collect();
    if lines.is_empty() { "[]".to_owned() } else { format!("[{}\n  ]", lines.join(",")) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_documented() {
        let mut names = BTreeSet::new();
        for key in &KEYS {
            assert!(!key.doc.is_empty());
            for path in [Some(key.path), key.alias].into_iter().flatten() {
                assert!(names.insert(path.to_owned()), "{path}");
            }
            assert!(names.insert(key.variable()), "{}", key.variable());
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for preset in [Preset::Standard, Preset::MvChat2, Preset::Mrezhen] {
            let wanted = Config::of_preset(preset);
            let mut read = Config::default();
            for key in &KEYS {
                let text = (key.show)(&wanted);
                let text: String = serde_json::from_str::<String>(&text).unwrap_or(text);
                let text = text.trim_matches(['[', ']']).replace('"', "");
                (key.set)(&mut read, &Value::raw(&text))
                    .unwrap_or_else(|error| panic!("{}: {error}", key.path));
            }
            assert_eq!(read, wanted);
        }
    }
}
