//! What nodes say to each other.

use crate::proto::{ConvId, Own, Position, Privacy, Seq, SessionId, UserId};
use crate::seam::MAX_BUS_MESSAGE;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// How many users are named in one hint: some 4 KB.
pub(super) const NAMED: usize = 100;
/// What a message has besides its hints.
const ENVELOPE: usize = 200;

/// One thing that a node says. All of it is ids, numbers and settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::engine) enum Hint {
    /// A user is here now.
    On(UserId),
    /// A user is not here any more.
    Off(UserId),
    /// A node shall say who is there.
    Ask(Uuid),
    /// Who is here: a part of the answer.
    Here { first: bool, last: bool, users: Vec<UserId> },
    /// The node stops, and has said all.
    Bye,
    /// A user is writing.
    Typing { user: UserId, conv: ConvId },
    /// Somebody's mark has moved.
    Mark { user: UserId, conv: ConvId, kind: Kind, seq: Seq },
    /// Something changed that only this user sees.
    Own { user: UserId, conv: ConvId, own: Own },
    /// Something private may have changed, nobody knows what.
    Resync(UserId),
    /// Sessions are over.
    Ended { user: UserId, sessions: Vec<SessionId> },
    /// An account, or some of its sessions, are not what they were.
    Account(UserId),
    /// Who may do what in a conversation has changed, without a `rev`.
    Conv(ConvId),
    /// A user shows others more or less than before.
    Privacy { user: UserId, before: Privacy },
    /// One has taken another one among the contacts, or out of them; before, the two may have heard of each other.
    Contact { user: UserId, other: UserId, heard: bool },
}

/// A kind of mark that others hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::engine) enum Kind {
    Read,
    Recv,
}

/// What a node says in one go.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    /// Who says it: another one after each start.
    pub(super) node: Uuid,
    /// Counts the node's messages from 1.
    pub(super) number: u64,
    /// Where the store was when the node began.
    pub(super) began: Position,
    pub(super) hints: Vec<Hint>,
}

/// As it is on the bus. Hints that a newer node knows are passed over.
#[derive(Serialize, Deserialize)]
struct Wire {
    n: Uuid,
    k: u64,
    b: Position,
    h: Vec<Value>,
}

impl Message {
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let Wire { n, k, b, h } = serde_json::from_slice(bytes).ok()?;
        let hints = h.into_iter().filter_map(|hint| serde_json::from_value(hint).ok()).collect();
        Some(Self { node: n, number: k, began: b, hints })
    }
}

/// Puts hints into as few messages as hold them; one message if there are none. Numbers them from `number` on.
pub(super) fn encode(node: Uuid, number: &mut u64, began: Position, hints: &[Hint]) -> Vec<Bytes> {
    let (mut messages, mut h, mut size) = (Vec::new(), Vec::new(), ENVELOPE);
    let mut pack = |h: Vec<Value>| {
        *number += 1;
        let wire = Wire { n: node, k: *number, b: began, h };
        // Ids and numbers: nothing of it can't be written.
        messages.extend(serde_json::to_vec(&wire).ok().map(Bytes::from));
    };
    for hint in hints {
        let Ok(value) = serde_json::to_value(hint) else { continue };
        let length = value.to_string().len() + 1;
        if size + length > MAX_BUS_MESSAGE {
            pack(std::mem::take(&mut h));
            size = ENVELOPE;
        }
        size += length;
        h.push(value);
    }
    if !h.is_empty() || hints.is_empty() {
        pack(h);
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    #[test]
    fn hints_arrive_as_they_were_said() {
        let conv = ConvId(Uuid::from_u128(7));
        let hints = vec![
            Hint::On(user(1)),
            Hint::Off(user(1)),
            Hint::Ask(Uuid::from_u128(9)),
            Hint::Here { first: true, last: false, users: vec![user(2)] },
            Hint::Bye,
            Hint::Typing { user: user(1), conv },
            Hint::Mark { user: user(1), conv, kind: Kind::Recv, seq: Seq(4) },
            Hint::Own { user: user(1), conv, own: Own(3) },
            Hint::Resync(user(1)),
            Hint::Ended { user: user(1), sessions: vec![SessionId(Uuid::from_u128(8))] },
            Hint::Account(user(1)),
            Hint::Conv(conv),
            Hint::Privacy { user: user(1), before: Privacy::default() },
            Hint::Contact { user: user(1), other: user(2), heard: true },
        ];
        let (node, mut number) = (Uuid::from_u128(5), 3);
        let said = encode(node, &mut number, Position(2), &hints);
        assert_eq!((said.len(), number), (1, 4));
        let message = Message { node, number: 4, began: Position(2), hints };
        assert_eq!(Message::decode(&said[0]), Some(message));
    }

    #[test]
    fn messages_are_as_long_as_they_may_be_and_empty_ones_are_signs_of_life() {
        let users: Vec<_> = (0..NAMED as u128).map(user).collect();
        let hints = vec![Hint::Here { first: true, last: true, users }; 20];
        let mut number = 0;
        let said = encode(Uuid::nil(), &mut number, Position(0), &hints);
        assert!(said.len() > 5 && said.iter().all(|message| message.len() <= MAX_BUS_MESSAGE));
        assert_eq!(number, said.len() as u64);
        let heard: Vec<_> = said.iter().filter_map(|said| Message::decode(said)).collect();
        assert_eq!(heard.into_iter().flat_map(|message| message.hints).collect::<Vec<_>>(), hints);
        assert_eq!(encode(Uuid::nil(), &mut number, Position(0), &[]).len(), 1);
    }

    #[test]
    fn what_a_newer_node_says_is_passed_over() {
        let text = br#"{"n":"00000000-0000-0000-0000-000000000005","k":1,"b":0,"h":[{"news":1},"bye"]}"#;
        assert_eq!(Message::decode(text).map(|message| message.hints), Some(vec![Hint::Bye]));
        assert_eq!(Message::decode(b"nonsense"), None);
    }
}
