//! Everything that the engine counts.

use super::cells::{Counter, Histogram};
use super::commands::{Kind, NAMES};
use super::{Family, Info, Sample, Value, catalogue};
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{Act, Close, RateKey};
use crate::seam::{Method, Outcome, StoreErrorKind};
use parking_lot::Mutex;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

const ERRORS: usize = ErrorKind::TABLE.len();
/// `ok`, and the slugs of errors.
const OUTCOMES: usize = ERRORS + 1;
const REASONS: [&str; 12] = [
    "normal",
    "going_away",
    "protocol",
    "bad_text",
    "too_big",
    "internal",
    "log_in",
    "session_ended",
    "resync",
    "abuse",
    "other",
    "lost",
];
const CHANGES: [&str; 5] = ["done", "replay", "stale", "locked", "refused"];
/// The outcome that is no error.
const OK: &str = "ok";
const STORE_ERRORS: [&str; 6] =
    ["not_found", "conflict", "already_exists", "full", "unavailable", "internal"];
/// The scheme of a login by one that the server does not know.
const OTHER: &str = "other";

/// The counters of one engine. All of it is numbers: no names, no ids, no content.
#[derive(Debug)]
pub(in crate::engine) struct Counts {
    pub(in crate::engine) opened: Counter,
    closed: [Counter; REASONS.len()],
    pub(in crate::engine) frames_in: Counter,
    pub(in crate::engine) bytes_in: Counter,
    pub(in crate::engine) frames_out: Counter,
    pub(in crate::engine) bytes_out: Counter,
    pub(in crate::engine) frames_limited: Counter,
    pub(in crate::engine) frames_malformed: Counter,
    commands: Vec<[Counter; OUTCOMES]>,
    command_times: Vec<Histogram>,
    logins: Vec<(String, [Counter; OUTCOMES])>,
    changes: [Counter; CHANGES.len()],
    batches: Histogram,
    commits: Histogram,
    pub(in crate::engine) deliveries: Counter,
    pub(in crate::engine) overflows: Counter,
    calls: Vec<Histogram>,
    call_errors: Vec<[Counter; STORE_ERRORS.len()]>,
    /// Seldom: a lock does.
    limit_hits: Mutex<BTreeMap<(String, String), u64>>,
    pub(in crate::engine) limiter_failures: Counter,
    pub(in crate::engine) hidden: Counter,
    pub(in crate::engine) erased: Counter,
}

fn counters<const N: usize>() -> [Counter; N] {
    std::array::from_fn(|_| Counter::default())
}

impl Counts {
    /// Makes counters for an engine with these schemes of logging in.
    pub(in crate::engine) fn new<'a>(schemes: impl IntoIterator<Item = &'a str>) -> Self {
        let schemes = schemes.into_iter().chain([OTHER]);
        Self {
            opened: Counter::default(),
            closed: counters(),
            frames_in: Counter::default(),
            bytes_in: Counter::default(),
            frames_out: Counter::default(),
            bytes_out: Counter::default(),
            frames_limited: Counter::default(),
            frames_malformed: Counter::default(),
            commands: NAMES.iter().map(|_| counters()).collect(),
            command_times: NAMES.iter().map(|_| Histogram::seconds()).collect(),
            logins: schemes.map(|scheme| (scheme.to_owned(), counters())).collect(),
            changes: counters(),
            batches: Histogram::sizes(),
            commits: Histogram::seconds(),
            deliveries: Counter::default(),
            overflows: Counter::default(),
            calls: Method::NAMES.iter().map(|_| Histogram::seconds()).collect(),
            call_errors: Method::NAMES.iter().map(|_| counters()).collect(),
            limit_hits: Mutex::default(),
            limiter_failures: Counter::default(),
            hidden: Counter::default(),
            erased: Counter::default(),
        }
    }

    /// Counts a connection that has ended; `None` without a close code.
    pub(in crate::engine) fn closed(&self, close: Option<Close>) {
        let at = match close {
            Some(Close::Normal) => 0,
            Some(Close::GoingAway) => 1,
            Some(Close::Protocol) => 2,
            Some(Close::BadText) => 3,
            Some(Close::TooBig) => 4,
            Some(Close::Internal) => 5,
            Some(Close::LogIn) => 6,
            Some(Close::SessionEnded) => 7,
            Some(Close::Resync) => 8,
            Some(Close::Abuse) => 9,
            Some(_) => 10,
            None => 11,
        };
        self.closed[at].add(1);
    }

    /// Counts a command that was answered.
    pub(in crate::engine) fn command<T>(&self, kind: Kind, result: &Result<T>, took: Duration) {
        if let (Some(outcomes), Some(times)) = (self.commands.get(kind.0), self.command_times.get(kind.0)) {
            outcomes[outcome(result)].add(1);
            times.took(took);
        }
    }

    /// Counts a login.
    pub(in crate::engine) fn login<T>(&self, scheme: &str, result: &Result<T>) {
        let known = self.logins.iter().find(|(known, _)| known == scheme).or(self.logins.last());
        if let Some((_, outcomes)) = known {
            outcomes[outcome(result)].add(1);
        }
    }

    /// Counts what became of changes that shared a commit.
    pub(in crate::engine) fn commit(&self, changes: usize, outcomes: Option<&[Outcome]>, took: Duration) {
        self.batches.many(changes);
        self.commits.took(took);
        for outcome in outcomes.into_iter().flatten() {
            let at = match outcome {
                Outcome::Done(_) => 0,
                Outcome::Replay(_) => 1,
                Outcome::Stale { .. } | Outcome::Unwarranted => 2,
                Outcome::Locked => 3,
                Outcome::CidReused | Outcome::TooSoon(_) | Outcome::Rejected(_) => 4,
            };
            self.changes[at].add(1);
        }
    }

    /// Counts a call of the store.
    pub(in crate::engine) fn store(&self, method: Method, error: Option<StoreErrorKind>, took: Duration) {
        let (Some(times), Some(errors)) =
            (self.calls.get(method as usize), self.call_errors.get(method as usize))
        else {
            return;
        };
        times.took(took);
        if let Some(kind) = error {
            errors[store_error(kind)].add(1);
        }
    }

    /// Counts an act above a limit.
    pub(in crate::engine) fn limit_hit(&self, act: Act, key: RateKey) {
        *self.limit_hits.lock().entry((word(&act), word(&key))).or_default() += 1;
    }

    /// Reads all of it out, in the order of the catalogue.
    pub(super) fn families(&self) -> Vec<Family> {
        let one = |info: Info, counter: &Counter| Family::of(info, counter.value());
        let refused = Family::new(catalogue::FRAMES_REFUSED)
            .with(["rate_limited"], self.frames_limited.value())
            .with(["malformed"], self.frames_malformed.value());
        let expired = Family::new(catalogue::EXPIRED)
            .with(["hidden"], self.hidden.value())
            .with(["erased"], self.erased.value());
        vec![
            one(catalogue::OPENED, &self.opened),
            row(catalogue::CLOSED, &REASONS, &self.closed),
            one(catalogue::FRAMES_IN, &self.frames_in),
            one(catalogue::BYTES_IN, &self.bytes_in),
            one(catalogue::FRAMES_OUT, &self.frames_out),
            one(catalogue::BYTES_OUT, &self.bytes_out),
            refused,
            self.commands(),
            times(catalogue::COMMAND_TIME, NAMES, &self.command_times),
            self.logins(),
            row(catalogue::CHANGES, &CHANGES, &self.changes),
            Family::of(catalogue::BATCH_SIZE, self.batches.value()),
            Family::of(catalogue::COMMIT_TIME, self.commits.value()),
            one(catalogue::DELIVERIES, &self.deliveries),
            one(catalogue::OVERFLOWS, &self.overflows),
            times(catalogue::STORE_TIME, Method::NAMES, &self.calls),
            self.store_errors(),
            self.limit_hits(),
            one(catalogue::LIMITER_FAILURES, &self.limiter_failures),
            expired,
        ]
    }

    fn commands(&self) -> Family {
        let rows = NAMES.iter().zip(&self.commands);
        let seen = rows.flat_map(|(name, outcomes)| seen(Cow::Borrowed(*name), outcomes));
        Family { info: catalogue::COMMANDS, samples: seen.collect() }
    }

    fn logins(&self) -> Family {
        let rows = self.logins.iter();
        let seen = rows.flat_map(|(scheme, outcomes)| seen(Cow::Owned(scheme.clone()), outcomes));
        Family { info: catalogue::LOGINS, samples: seen.collect() }
    }

    fn store_errors(&self) -> Family {
        let mut samples = Vec::new();
        for (method, errors) in Method::NAMES.iter().zip(&self.call_errors) {
            for (kind, errors) in STORE_ERRORS.iter().zip(errors).filter(|(_, errors)| errors.count() > 0) {
                let labels = vec![Cow::Borrowed(*method), Cow::Borrowed(*kind)];
                samples.push(Sample { labels, value: errors.value() });
            }
        }
        Family { info: catalogue::STORE_ERRORS, samples }
    }

    fn limit_hits(&self) -> Family {
        let hits = self.limit_hits.lock();
        let samples = hits.iter().map(|((act, key), hits)| Sample {
            labels: vec![Cow::Owned(act.clone()), Cow::Owned(key.clone())],
            value: Value::Counter(*hits),
        });
        Family { info: catalogue::LIMIT_HITS, samples: samples.collect() }
    }
}

/// Returns the name of an outcome: `ok`, or the slug of the error.
pub(in crate::engine) fn outcome_name<T>(result: &Result<T>) -> &'static str {
    result.as_ref().err().map_or(OK, |error| error.kind().row().slug)
}

/// Returns the name of what a call of the store failed with.
pub(in crate::engine) fn store_error_name(kind: StoreErrorKind) -> &'static str {
    STORE_ERRORS[store_error(kind)]
}

fn store_error(kind: StoreErrorKind) -> usize {
    match kind {
        StoreErrorKind::NotFound => 0,
        StoreErrorKind::Conflict => 1,
        StoreErrorKind::AlreadyExists => 2,
        StoreErrorKind::Full => 3,
        StoreErrorKind::Unavailable => 4,
        StoreErrorKind::Internal => 5,
    }
}

/// Returns the place of an outcome: 0, or the place of the error's row behind it.
fn outcome<T>(result: &Result<T>) -> usize {
    let row = |error: &Error| ErrorKind::TABLE.iter().position(|row| row.kind == error.kind());
    result.as_ref().err().map_or(0, |error| row(error).unwrap_or(ERRORS - 1) + 1)
}

/// Returns the counted outcomes of something that has a name.
fn seen<'a>(
    name: Cow<'static, str>,
    outcomes: &'a [Counter; OUTCOMES],
) -> impl Iterator<Item = Sample> + use<'a> {
    let slugs = std::iter::once(OK).chain(ErrorKind::TABLE.iter().map(|row| row.slug));
    let counted = slugs.zip(outcomes).filter(|(_, counter)| counter.count() > 0);
    counted.map(move |(slug, counter)| Sample {
        labels: vec![name.clone(), Cow::Borrowed(slug)],
        value: counter.value(),
    })
}

fn row(info: Info, names: &'static [&'static str], counters: &[Counter]) -> Family {
    let rows = names.iter().zip(counters);
    rows.fold(Family::new(info), |family, (name, counter)| family.with([*name], counter.value()))
}

fn times(info: Info, names: &'static [&'static str], histograms: &[Histogram]) -> Family {
    let seen = names.iter().zip(histograms).filter_map(|(name, times)| Some((name, times.seen()?)));
    seen.fold(Family::new(info), |family, (name, value)| family.with([*name], value))
}

/// Returns the name that something has on the wire.
fn word(value: &impl Serialize) -> String {
    let word = serde_json::to_value(value).ok();
    word.as_ref().and_then(|word| word.as_str()).unwrap_or(OTHER).to_owned()
}
