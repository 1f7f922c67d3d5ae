//! A party with the native client machine, and the habit that makes it do something.

use crate::Tried;
use crate::driver::{Act, Happened, Party, Phase};
use mvchat_core::client::{Client, ClientConfig, Event, Input, Output};
use mvchat_core::time::Instant as Time;
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// What somebody does with a client.
pub(crate) trait Habit: Send + 'static {
    /// All are told something; connecting and coming back is the client's own business.
    fn phase(&mut self, phase: Phase, now: Instant);
    /// When it wants to act next.
    fn due(&self) -> Option<Instant>;
    /// Does what is due.
    fn act(&mut self, client: &mut Client, time: Time, now: Instant);
    /// Hears of something, and may answer.
    fn event(&mut self, event: Event, client: &mut Client, time: Time, now: Instant);
    /// Whether it comes back at this instant rather than at once when all are told to.
    fn back_at(&self, from: Instant) -> Instant {
        from
    }
}

/// The machine, and who uses it.
pub(crate) struct Member<H> {
    client: Client,
    pub(crate) habit: H,
    start: Instant,
    /// When the machine wants to be told the time.
    wait: Option<Instant>,
    /// When to open the client again.
    reopen: Option<Instant>,
}

impl<H: Habit> Member<H> {
    /// Makes a client that connects as soon as it is driven.
    ///
    /// # Errors
    /// If the system has no entropy.
    pub(crate) fn new(config: ClientConfig, habit: H) -> Tried<Self> {
        let client = Client::new(config, getrandom::u64()?, Time(0));
        Ok(Self { client, habit, start: Instant::now(), wait: None, reopen: None })
    }

    fn time(&self, now: Instant) -> Time {
        let millis = now.saturating_duration_since(self.start).as_millis();
        Time(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

impl<H: Habit> Party for Member<H> {
    fn step(&mut self, happened: Happened<'_>, now: Instant) {
        let time = self.time(now);
        match happened {
            Happened::Opened => self.client.handle(Input::Opened, time),
            Happened::Text(text) => self.client.handle(Input::Text(text), time),
            Happened::Closed(close) => self.client.handle(Input::Closed(close), time),
            Happened::Time => {}
            Happened::Phase(phase) => {
                match phase {
                    Phase::Away => self.client.close(time),
                    Phase::Back(from) => self.reopen = Some(self.habit.back_at(from)),
                    _ => {}
                }
                self.habit.phase(phase, now);
            }
        }
        if self.reopen.is_some_and(|at| at <= now) {
            self.reopen = None;
            self.client.reopen(None, time);
        }
        if self.wait.is_some_and(|at| at <= now) {
            self.client.handle(Input::Timeout, time);
        }
        if self.habit.due().is_some_and(|at| at <= now) {
            self.habit.act(&mut self.client, time, now);
        }
    }

    fn poll(&mut self, now: Instant) -> Act {
        let time = self.time(now);
        loop {
            match self.client.poll() {
                Output::Connect => return Act::Connect,
                Output::Send(text) => {
                    // The machine writes JSON, which is UTF-8.
                    if let Ok(text) = Utf8Bytes::try_from(text) {
                        return Act::Send(text);
                    }
                }
                Output::Disconnect(close) => return Act::Disconnect(close),
                Output::Event(event) => self.habit.event(*event, &mut self.client, time, now),
                Output::Wait(until) => {
                    self.wait = until.map(|until| self.start + Duration::from_millis(until.0));
                    let all = [self.wait, self.habit.due(), self.reopen];
                    return Act::Wait(all.into_iter().flatten().min());
                }
                _ => {}
            }
        }
    }
}
