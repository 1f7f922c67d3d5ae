//! Mail over SMTP (RFC 5321).

mod letter;
mod pace;
#[cfg(test)]
mod tests;

use std::{fmt, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::Mailbox,
    transport::smtp::{
        Error as SmtpError,
        authentication::Credentials,
        client::{Tls, TlsParameters},
        extension::ClientId,
    },
};
use mvchat_core::seam::{Mail, MailError, Mailer};
use tokio::{sync::Semaphore, time::Instant};
use zeroize::Zeroizing;

use crate::config::{MailConfig, MailTls};
use letter::letter;
use pace::Pace;

/// The most mails that wait. Each is some two kilobytes.
const MAX_WAITING: u32 = 1_000;
/// How many connections to the mail server there may be at once.
const MAX_CONNECTIONS: usize = 2;

/// Hands mail to a server that delivers it, apart from whatever wanted it to be sent.
///
/// What could not be sent is tried again, less and less often, until it is given up; what the server refuses for good
/// is not. Mails wait in memory: those that wait when the process ends are lost, and counted in the log. The log
/// names neither addresses nor codes, and so not what the server says either.
#[derive(Clone)]
pub(crate) struct SmtpMailer(Arc<Office>);

struct Office {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    timeout: Duration,
    pace: Pace,
    /// A place for each mail that may wait.
    places: Arc<Semaphore>,
    connections: Semaphore,
}

/// What came of an attempt to send.
enum Outcome {
    Sent,
    /// Trying again is of no use.
    Refused(Option<u16>),
    /// It may work later.
    Failed(&'static str, Option<u16>),
}

impl SmtpMailer {
    /// Makes the mailer that the configuration wants, if it wants one; connects to nobody yet.
    ///
    /// # Errors
    /// If the password's file can't be read, or the host's name can be none in a certificate.
    pub(crate) fn of(config: &MailConfig) -> io::Result<Option<Self>> {
        if config.host.is_empty() {
            return Ok(None);
        }
        let pace = Pace { give_up: config.retry_for, ..Pace::default() };
        Self::with_pace(config, pace).map(Some)
    }

    fn with_pace(config: &MailConfig, pace: Pace) -> io::Result<Self> {
        let from: Mailbox =
            config.from.parse().map_err(|_| io::Error::other("`mail.from` is not an address"))?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .tls(tls(config)?)
            .timeout(Some(config.timeout))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()));
        let usual = match config.tls {
            MailTls::StartTls => 587,
            MailTls::Wrapped => 465,
            MailTls::None => 25,
        };
        builder = builder.port(if config.port == 0 { usual } else { config.port });
        if !config.user.is_empty() {
            builder = builder.credentials(Credentials::new(config.user.clone(), password(config)?));
        }
        Ok(Self(Arc::new(Office {
            transport: builder.build(),
            from,
            timeout: config.timeout,
            pace,
            places: Arc::new(Semaphore::new(MAX_WAITING as usize)),
            connections: Semaphore::new(MAX_CONNECTIONS),
        })))
    }

    /// Waits until no mail waits any more, or for `within`; returns how many still do.
    pub(crate) async fn finish(&self, within: Duration) -> usize {
        let all = self.0.places.acquire_many(MAX_WAITING);
        match tokio::time::timeout(within, all).await {
            Ok(_) => 0,
            Err(_) => (MAX_WAITING as usize).saturating_sub(self.0.places.available_permits()),
        }
    }
}

fn tls(config: &MailConfig) -> io::Result<Tls> {
    let parameters = || TlsParameters::new_rustls(config.host.clone()).map_err(io::Error::other);
    Ok(match config.tls {
        MailTls::StartTls => Tls::Required(parameters()?),
        MailTls::Wrapped => Tls::Wrapper(parameters()?),
        MailTls::None => Tls::None,
    })
}

fn password(config: &MailConfig) -> io::Result<String> {
    let path = &config.password_file;
    if path.as_os_str().is_empty() {
        return Ok(config.password.clone());
    }
    let text = std::fs::read_to_string(path).map_err(|error| {
        io::Error::other(format!("cannot read the mail server's password from {}: {error}", path.display()))
    })?;
    Ok(Zeroizing::new(text).trim_end_matches(['\r', '\n']).to_owned())
}

#[async_trait]
impl Mailer for SmtpMailer {
    /// Puts the mail among those that wait; fails if it can be no mail, or if too many wait.
    async fn send(&self, mail: Mail) -> Result<(), MailError> {
        let letter = letter(&self.0.from, &mail)?;
        let place = self.0.places.clone().try_acquire_owned().map_err(|_| "too many mails wait")?;
        let office = self.0.clone();
        tokio::spawn(async move {
            office.deliver(&letter).await;
            drop(place);
        });
        Ok(())
    }
}

impl Office {
    async fn deliver(&self, letter: &Message) {
        let (bytes, began) = (letter.formatted(), Instant::now());
        let mut pauses = self.pace.pauses();
        loop {
            let (why, status) = match self.attempt(letter, &bytes).await {
                Outcome::Sent => return tracing::debug!("a mail was sent"),
                Outcome::Refused(status) => return tracing::warn!(status, "a mail was refused"),
                Outcome::Failed(why, status) => (why, status),
            };
            let pause = pauses.next().unwrap_or_default();
            if began.elapsed() + pause > self.pace.give_up {
                return tracing::warn!(why, status, "a mail was given up");
            }
            tracing::info!(why, status, again_in = ?pause, "a mail was not sent yet");
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(&self, letter: &Message, bytes: &[u8]) -> Outcome {
        // The semaphore is never closed; if it were, there would be no limit.
        let _connection = self.connections.acquire().await;
        let sent = tokio::time::timeout(self.timeout, self.transport.send_raw(letter.envelope(), bytes));
        match sent.await {
            Ok(Ok(_)) => Outcome::Sent,
            Ok(Err(error)) => Outcome::of(&error),
            Err(_) => Outcome::Failed("no answer in time", None),
        }
    }
}

impl Outcome {
    fn of(error: &SmtpError) -> Self {
        let status = error.status().map(u16::from);
        if error.is_permanent() || error.is_client() {
            return Self::Refused(status);
        }
        Self::Failed(
            match () {
                () if error.is_timeout() => "no answer in time",
                () if error.is_tls() => "no trust in the server's certificate",
                () if error.is_transient() => "the server asks for patience",
                () => "no connection",
            },
            status,
        )
    }
}

impl fmt::Debug for SmtpMailer {
    /// Shows nothing of the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer").finish_non_exhaustive()
    }
}
