//! Makes arguments of numbers.

use super::world::{NAMES, conv, session, user};
use crate::policy::{ConvKind, ConvSettings, MessageBody, MessageState, Standing};
use crate::proto::{Audience, Json, MsgId, PrivacyPatch, Role, UserId};
use crate::seam::{
    Credential, NewConversation, SealedEmail, SessionRow, UserPatch, UserRow, UserState, fold,
};
use crate::time::Timestamp;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) fn credential(user: UserId, name: &str) -> Credential {
    let (scheme, secret) = ("basic".to_owned(), "secret".to_owned());
    Credential { user, scheme, name: name.to_owned(), folded: fold(name), secret }
}

pub(super) fn row(id: UserId, name: &str, at: Timestamp) -> UserRow {
    let public = Some(Json::from_value(&BTreeMap::from([("fn", name)])));
    UserRow { public, must_change_password: true, ..UserRow::new(id, at) }
}

pub(super) fn session_row(number: u8, user: UserId, at: Timestamp) -> SessionRow {
    SessionRow {
        id: session(number),
        user,
        device: None,
        user_agent: Some(format!("agent {number}")),
        created_at: at,
        used_at: at,
        expires_at: at + Duration::from_secs(100),
        until: None,
        refresh: None,
    }
}

pub(super) fn patch(what: u8, value: u8, at: Timestamp) -> UserPatch {
    let bytes = (!value.is_multiple_of(3)).then(|| Bytes::from(vec![value]));
    let name = NAMES[usize::from(value) % NAMES.len()];
    let states = [UserState::Active, UserState::Suspended, UserState::Deleted];
    match what {
        0 => UserPatch {
            public: Some(Json::from_value(&BTreeMap::from([("fn", name)]))),
            ..UserPatch::default()
        },
        1 => UserPatch { public: Some(Json::null()), lang: Some(name.to_owned()), ..UserPatch::default() },
        2 => UserPatch { private: Some(bytes), ..UserPatch::default() },
        3 => {
            let hash = Some([value % 4; 32]);
            UserPatch {
                email: Some(bytes.map(|sealed| SealedEmail { sealed, hash })),
                ..UserPatch::default()
            }
        }
        4 if value > 127 => {
            let audience = [Audience::Everyone, Audience::Contacts, Audience::Nobody][usize::from(value) % 3];
            let privacy = PrivacyPatch { typing: Some(audience), ..PrivacyPatch::default() };
            UserPatch { privacy, ..UserPatch::default() }
        }
        4 => UserPatch { last_seen: Some(at - Duration::from_secs(value.into())), ..UserPatch::default() },
        _ => UserPatch { state: Some(states[usize::from(value) % 3]), ..UserPatch::default() },
    }
}

pub(super) fn new_conv(
    number: u8,
    kind: u8,
    owner: UserId,
    other: UserId,
    cid: Option<u8>,
    at: Timestamp,
) -> NewConversation {
    let mut members = BTreeMap::from([(owner, Role::Member)]);
    let kind = match kind {
        0 => ConvKind::Me,
        1 if owner != other => ConvKind::Dm,
        _ => ConvKind::Group,
    };
    if kind != ConvKind::Me {
        members.insert(other, Role::Member);
    }
    let group = kind == ConvKind::Group;
    if group {
        members.insert(owner, Role::Owner);
    }
    NewConversation {
        id: conv(number),
        kind,
        members,
        owner: group.then_some(owner),
        cid: cid.filter(|_| group).map(|cid| format!("cid {cid}")),
        settings: ConvSettings::default(),
        max_per_user: Some(4),
        at,
    }
}

pub(super) fn body(state: u8, id: MsgId, at: Timestamp) -> MessageBody {
    match state {
        0 => MessageBody::tombstone(MessageState::Unsent),
        1 => MessageBody::tombstone(MessageState::Deleted),
        2 => MessageBody::tombstone(MessageState::Expired),
        _ => MessageBody {
            edits: 1,
            edited_at: Some(at),
            edit_cid: Some((format!("edit {id}"), [1; 32])),
            reactions: vec![("+".to_owned(), vec![user(state), user(0)])],
            ..MessageBody::new(Bytes::from(format!("edited to {id}")), vec![user(1)])
        },
    }
}

pub(super) fn role_of(number: u8) -> Role {
    [Role::Member, Role::Admin, Role::Owner][usize::from(number) % 3]
}

pub(super) fn standing(number: u8) -> Standing {
    [Standing::Active, Standing::Active, Standing::Left, Standing::Kicked][usize::from(number) % 4]
}
