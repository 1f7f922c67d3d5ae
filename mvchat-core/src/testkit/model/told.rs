//! Writes answers down, without positions and epochs.

use crate::policy::Conversation;
use crate::proto::{Epoch, Rev, UserId};
use crate::seam::{Changed, Changes, Credential, Outcome, StoreResult, View};
use std::fmt::Debug;

/// Writes an answer down, of an error its kind only.
pub(super) fn told<T: Debug>(answer: StoreResult<T>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => format!("{:?}", error.kind()),
    }
}

pub(super) fn sorted<T: Ord>(answer: StoreResult<Vec<T>>) -> StoreResult<Vec<T>> {
    answer.map(|mut rows| {
        rows.sort();
        rows
    })
}

pub(super) fn flat(conv: &Conversation) -> String {
    format!("{:?}", Conversation { epoch: Epoch(0), ..conv.clone() })
}

pub(super) fn flat_views(rows: &[View]) -> Vec<String> {
    let one = |row: &View| if row.gone { format!("{} is gone", row.conv.id) } else { format!("{row:?}") };
    rows.iter().map(one).collect()
}

pub(super) fn flat_outcome(outcome: Outcome) -> String {
    match outcome {
        Outcome::Done(done) => {
            let message = serde_json::to_string(&done.message).ok();
            format!("done {} {} {message:?} {:?}", done.rev, done.at, done.conv.map(|conv| flat(&conv)))
        }
        Outcome::Stale { conv, message } => {
            format!("stale {:?} {:?}", conv.map(|conv| flat(&conv)), serde_json::to_string(&message).ok())
        }
        other => format!("{other:?}"),
    }
}

pub(super) fn flat_changes(changes: Changes) -> String {
    let item = |(rev, item): &(Rev, Changed)| match item {
        Changed::Message(message) => format!("{rev} {:?}", serde_json::to_string(message).ok()),
        other => format!("{rev} {other:?}"),
    };
    let mut items: Vec<_> = changes.items.iter().map(item).collect();
    // Things of one rev come in any order.
    items.sort();
    assert!(changes.items.is_sorted_by_key(|(rev, _)| *rev), "changes are out of order");
    let replied = serde_json::to_string(&changes.replied).ok();
    let (rev, more, reset, own) = (changes.rev, changes.more, changes.reset, changes.own);
    let view = flat_views(&[changes.view]);
    format!("{items:?} {replied:?} {rev} {more} {reset} {own} {:?} {view:?}", changes.hidden)
}

pub(super) fn plain(credential: Credential) -> (UserId, String, String, String) {
    (credential.user, credential.name, credential.folded, credential.secret)
}
