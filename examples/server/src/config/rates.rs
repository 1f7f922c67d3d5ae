//! The rows of the table of rates as people write them: `send user burst 20 every 100ms`.

use std::time::Duration;

use mvchat_core::proto::{Act, Algorithm, OnFailure, OnHit, Rate, RateKey};
use serde_json::Value as Json;

use super::{
    duration::{self, PlainUnit},
    value::{Complaint, Value},
};

const HOW: &str = "expected an act, what is counted together, and how often, such as send user burst 20 every 100ms, \
                   send user max 30 per 60s, open user at-once 100, or guess pair free 5 first 10s longest 1h forget 5m";

/// The word for a table without rows.
const NONE: &str = "none";

/// Reads the whole table.
pub(crate) fn parse(value: &Value) -> Result<Vec<Rate>, Complaint> {
    let items = value.list();
    if items == [NONE] {
        return Ok(Vec::new());
    }
    items.into_iter().map(row).collect()
}

/// Writes a row so that [`parse`] reads it back.
pub(crate) fn show(rate: &Rate) -> String {
    let time = |millis: u32| duration::show(Duration::from_millis(u64::from(millis)));
    let how = match rate.algorithm {
        Algorithm::Bucket { burst, every } => format!("burst {burst} every {}", time(every)),
        Algorithm::Window { max, per } => format!("max {max} per {}", time(per)),
        Algorithm::AtOnce { max } => format!("at-once {max}"),
        Algorithm::Backoff { free, first, longest, forget } => {
            let (first, longest, forget) = (time(first), time(longest), time(forget));
            format!("free {free} first {first} longest {longest} forget {forget}")
        }
        _ => String::new(),
    };
    let mut text = format!("{} {} {how}", word(&rate.act), word(&rate.key));
    if rate.cost != 1 {
        text.push_str(&format!(" cost {}", rate.cost));
    }
    if rate.on_failure == OnFailure::Closed {
        text.push_str(" closed");
    }
    if rate.on_hit == OnHit::Close {
        text.push_str(" closing");
    }
    text
}

fn row(text: &str) -> Result<Rate, Complaint> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [act, key, how @ ..] = words.as_slice() else { return Err(HOW.to_owned()) };
    let act: Act = named(act).ok_or_else(|| format!("there is no act {act}; {HOW}"))?;
    let key: RateKey = named(key).ok_or_else(|| {
        format!("nothing is counted by {key}, only by all, user, session, ip, conv, target, pair")
    })?;
    let (algorithm, rest) = match how {
        ["burst", burst, "every", every, rest @ ..] => {
            (Algorithm::Bucket { burst: number(burst)?, every: time(every)? }, rest)
        }
        ["max", max, "per", per, rest @ ..] => {
            (Algorithm::Window { max: number(max)?, per: time(per)? }, rest)
        }
        ["at-once", max, rest @ ..] => (Algorithm::AtOnce { max: number(max)? }, rest),
        ["free", free, "first", first, "longest", longest, "forget", forget, rest @ ..] => {
            let (first, longest, forget) = (time(first)?, time(longest)?, time(forget)?);
            (Algorithm::Backoff { free: number(free)?, first, longest, forget }, rest)
        }
        _ => return Err(HOW.to_owned()),
    };
    let mut rate = Rate::new(act, key, algorithm);
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        match (*word, rate) {
            ("closed", row) => rate = row.closed(),
            ("closing", row) => rate = row.closing(),
            ("cost", _) => rate.cost = number(rest.next().ok_or(HOW)?)?,
            _ => return Err(HOW.to_owned()),
        }
    }
    rate.problem().map_or(Ok(rate), |problem| Err(format!("{text}: {problem}")))
}

fn number(text: &str) -> Result<u32, Complaint> {
    text.parse().map_err(|_| format!("expected a whole number, found {text}; {HOW}"))
}

fn time(text: &str) -> Result<u32, Complaint> {
    let found = duration::parse(text, PlainUnit::Seconds)?;
    u32::try_from(found.as_millis()).map_err(|_| "the duration is too long".to_owned())
}

/// Finds what has this name on the wire.
fn named<T: serde::de::DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(Json::from(name)).ok()
}

fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use mvchat_core::proto::Limits;

    use super::*;

    #[test]
    fn every_row_reads_back() {
        let mut rates = Limits::mrezhen().rates.to_vec();
        rates.push(rates[1].costing(3).closing().closed());
        let text: Vec<_> = rates.iter().map(show).collect();
        assert_eq!(parse(&Value::raw(&text.join(","))), Ok(rates));
        assert_eq!(text[1], "send user burst 20 every 100ms");
        assert_eq!(parse(&Value::raw("none")), Ok(Vec::new()));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (text, expected) in [
            ("send", "expected an act"),
            ("sing user burst 1 every 1s", "no act sing"),
            ("send mood burst 1 every 1s", "nothing is counted by mood"),
            ("send user burst many every 1s", "found many"),
            ("send user burst 1 every blue", "expected a duration"),
            ("send user burst 1", "expected an act"),
            ("send user burst 1 every 1s loudly", "expected an act"),
            ("send user burst 0 every 1s", "at most what passes at once"),
            ("send user max 5 per 99d", "too long"),
            ("send user at-once 5", "nothing else is"),
            ("waiting user at-once 5", "by all, ip"),
        ] {
            let complaint = parse(&Value::raw(text)).unwrap_err();
            assert!(complaint.contains(expected), "{text}: {complaint}");
        }
    }
}
