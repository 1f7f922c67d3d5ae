//! Counting who does what how often.

use crate::proto::{ConvId, Rate, SessionId, UserId};
use crate::time::Instant;
use async_trait::async_trait;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// What goes wrong with a limiter; for logs.
pub type LimiterError = Box<dyn std::error::Error + Send + Sync>;

/// Counts acts, and says which are too many. The rows of [`Limits::rates`](crate::proto::Limits::rates) say how;
/// when a limiter fails, they also say whether the act passes.
///
/// # Contract
/// * As many pass as the row says, also when many ask at once (laws `a_burst_passes_and_then_the_rate_holds`,
///   `an_exact_window_is_exact`, `pauses_double_and_are_forgotten`, `at_once_no_more_than_the_burst_passes`).
/// * What is asked for together passes together or not at all: a refusal takes nothing (law
///   `a_refusal_takes_nothing`).
/// * A refusal names the time after which the same demand would have passed, to the millisecond (law
///   `the_time_to_wait_is_exact`).
/// * Rows and subjects know nothing of one another (law `rows_and_subjects_are_apart`).
/// * What is given back can be taken again; a back-off that is given back is forgotten (law
///   `what_is_given_back_can_be_taken_again`).
/// * Time is what it is given. Where several nodes share a limiter, their clocks may differ by some seconds.
#[async_trait]
pub trait Limiter: fmt::Debug + Send + Sync + 'static {
    /// Counts an act that all of the demands are about, or refuses it.
    ///
    /// # Errors
    /// When it can't say.
    async fn take(&self, demands: &[Demand], now: Instant) -> Result<Taken, LimiterError>;

    /// Takes an act back that was counted.
    ///
    /// # Errors
    /// When it can't.
    async fn give_back(&self, demands: &[Demand], now: Instant) -> Result<(), LimiterError>;
}

/// One row that an act is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The row's place in the table: what names it.
    pub row: u16,
    /// The row.
    pub rate: Rate,
    /// Whose act it is.
    pub subject: Subject,
}

/// What acts are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// All of them.
    All,
    /// Those of a user.
    User(UserId),
    /// Those of a session.
    Session(SessionId),
    /// Those of an address; of IPv6 addresses the first 64 bits.
    Ip(IpAddr),
    /// Those in a conversation.
    Conv(ConvId),
    /// Those about a user or an account, as 128 bits that say nothing else.
    Target(u128),
    /// Those of somebody about something, as 128 bits each; an address that is not known is 0.
    Pair(u128, u128),
}

/// What a limiter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Taken {
    /// The act passes and was counted.
    Granted,
    /// The act is one too many.
    Refused {
        /// The place in the demands of the one that takes longest to pass.
        by: usize,
        /// After which time all of them will, if nobody else comes first.
        after: Duration,
    },
}
