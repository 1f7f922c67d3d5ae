use super::{AuditKind, AuditResult};
use crate::proto::{ConvId, Seq, UserId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One thing that happened: who, what, on what, how it came out.
///
/// Holds no content, token, password, name or address of a person: there is no field for them, and
/// [`reason`](AuditEvent::reason) is a word of the program, except in a [`Report`](AuditKind::Report), where it is what
/// the reporter chose to tell the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AuditEvent {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub event: AuditKind,
    /// How it came out.
    pub result: AuditResult,
    /// Who did it. Absent for strangers and for the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<UserId>,
    /// Whether the operator did it: somebody at the server's command line, or the program that embeds the engine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub operator: bool,
    /// A keyed hash of the session's id, in hex: the same for the same session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The network from which it was done: an IPv4 address without its last byte, an IPv6 one without its last ten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// To whom it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// In which conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conv: Option<ConvId>,
    /// To which message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// To what else: the name of a key, say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Why, or in which way; at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many it stands for, if not one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// The longest text of an event, in characters.
const MAX_TEXT: usize = 200;

impl AuditEvent {
    /// Makes an event that says no more than what happened and when.
    pub fn new(event: AuditKind, at: Timestamp) -> Self {
        Self {
            at,
            event,
            result: event.result(),
            actor: None,
            operator: false,
            session: None,
            ip: None,
            user: None,
            conv: None,
            seq: None,
            object: None,
            reason: None,
            count: None,
        }
    }

    /// Says who did it.
    #[must_use]
    pub fn actor(self, actor: UserId) -> Self {
        Self { actor: Some(actor), ..self }
    }

    /// Says that the operator did it.
    #[must_use]
    pub fn by_operator(self) -> Self {
        Self { operator: true, ..self }
    }

    /// Says from where; keeps the network only.
    #[must_use]
    pub fn from_address(self, ip: IpAddr) -> Self {
        Self { ip: Some(network(ip)), ..self }
    }

    /// Says to whom.
    #[must_use]
    pub fn user(self, user: UserId) -> Self {
        Self { user: Some(user), ..self }
    }

    /// Says in which conversation.
    #[must_use]
    pub fn conv(self, conv: ConvId) -> Self {
        Self { conv: Some(conv), ..self }
    }

    /// Says to which message.
    #[must_use]
    pub fn seq(self, seq: Seq) -> Self {
        Self { seq: Some(seq), ..self }
    }

    /// Says to what else; cut after 200 characters.
    #[must_use]
    pub fn object(self, object: &str) -> Self {
        Self { object: Some(cut(object)), ..self }
    }

    /// Says why; cut after 200 characters.
    #[must_use]
    pub fn reason(self, reason: &str) -> Self {
        Self { reason: Some(cut(reason)), ..self }
    }

    /// Says for how many it stands.
    #[must_use]
    pub fn count(self, count: u64) -> Self {
        Self { count: Some(count), ..self }
    }

    /// Says that it came out another way than such events usually do.
    #[must_use]
    pub fn result(self, result: AuditResult) -> Self {
        Self { result, ..self }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

/// Cuts an address down to what says from which network it is, but not who.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_reads_back_and_says_only_what_it_holds() {
        let event = AuditEvent::new(AuditKind::AuthzFail, Timestamp::from_micros(1));
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(text, r#"{"at":"1970-01-01T00:00:00.000001Z","event":"authz_fail","result":"failure"}"#);
        let full = event
            .by_operator()
            .actor(UserId(uuid::Uuid::from_u128(1)))
            .seq(Seq(3))
            .object("kek-1")
            .reason("x")
            .count(2);
        let text = serde_json::to_string(&full).unwrap();
        assert_eq!(serde_json::from_str::<AuditEvent>(&text).unwrap(), full);
    }

    #[test]
    fn addresses_lose_what_names_a_person() {
        for (ip, kept) in [
            ("203.0.113.77", "203.0.113.0"),
            ("::ffff:203.0.113.77", "203.0.113.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ] {
            let event =
                AuditEvent::new(AuditKind::Report, Timestamp::default()).from_address(ip.parse().unwrap());
            assert_eq!(event.ip, Some(kept.parse().unwrap()));
        }
    }

    #[test]
    fn texts_are_cut() {
        let event = AuditEvent::new(AuditKind::Report, Timestamp::default()).reason(&"ü".repeat(1_000));
        assert_eq!(event.reason.unwrap().chars().count(), 200);
    }
}
