//! Carries the steps of a history out, and writes down what a store answers.

use super::make::{body, credential, new_conv, patch, role_of, row, session_row, standing};
use super::step::{Edit, Step};
use super::told::{flat, flat_outcome, plain, sorted, told};
use super::world::{NAMES, TEXTS, conv, message, session, user};
use crate::policy::{ConvKind, ConvSettings, Refresh};
use crate::proto::{ConvId, Epoch, MsgId, Own, Position, Rev, Seq, UserId};
use crate::seam::{
    Amend, Append, Change, ChangesQuery, EndSessions, LogEvent, Marks, MemberPatch, NewUser, Op, Outcome,
    RefreshChange, Revise, SecretChange, Store, UserState, Warrant, fold,
};
use crate::time::Timestamp;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;

/// A store with what a caller remembers of its answers.
pub(super) struct Player<'a> {
    pub(super) store: &'a dyn Store,
    /// The places that the store gave out.
    pub(super) cursors: Vec<Position>,
    /// The last known numbers of the messages.
    revs: BTreeMap<(ConvId, Seq), Rev>,
    secrets: BTreeMap<UserId, String>,
}

impl<'a> Player<'a> {
    pub(super) fn new(store: &'a dyn Store) -> Self {
        Self { store, cursors: vec![Position(0)], revs: BTreeMap::new(), secrets: BTreeMap::new() }
    }

    /// Goes on with a copy of the store, and with what this one remembers.
    pub(super) fn moved<'b>(&self, store: &'b dyn Store) -> Player<'b> {
        let Self { cursors, revs, secrets, .. } = self;
        Player { store, cursors: cursors.clone(), revs: revs.clone(), secrets: secrets.clone() }
    }

    /// Carries a step out; the number gives it a time of its own.
    pub(super) async fn play(&mut self, step: &Step, number: usize) -> String {
        let at = Timestamp::from_micros(1_700_000_000_000_000) + Duration::from_secs(number as u64);
        match step.clone() {
            Step::SignUp { user: who, name, session: with } => {
                let id = user(who);
                let name = NAMES[usize::from(name) % NAMES.len()];
                let new = NewUser {
                    user: row(id, name, at),
                    credential: Some(credential(id, name)),
                    session: with.map(|number| session_row(number, id, at)),
                };
                let made = self.store.create_user(new).await;
                if made.is_ok() {
                    self.secrets.insert(id, "secret".to_owned());
                }
                let found = self.store.credential("basic", &fold(name)).await.map(|c| c.map(plain));
                format!("{} {}", told(made), told(found))
            }
            Step::Update { user: who, what, value } => {
                told(self.store.update_user(user(who), patch(what, value, at)).await)
            }
            Step::Secret { user: who, right, end, keep } => {
                let id = user(who);
                let known = self.secrets.get(&id).cloned().unwrap_or_default();
                let change = SecretChange {
                    user: id,
                    scheme: "basic".to_owned(),
                    expect: if right { known } else { "wrong".to_owned() },
                    secret: format!("secret {number}"),
                    end_sessions: end,
                    keep: Some(session(keep)),
                };
                let ended = sorted(self.store.set_secret(change).await);
                if ended.is_ok() {
                    self.secrets.insert(id, format!("secret {number}"));
                }
                format!(
                    "{} {}",
                    told(ended),
                    told(self.store.credential_of(id, "basic").await.map(|c| c.map(plain)))
                )
            }
            Step::Search { text, except, limit } => {
                let text = TEXTS[usize::from(text) % TEXTS.len()];
                told(self.store.search_users(text, &[user(except)], limit.into()).await)
            }
            Step::LogIn { user: who, session: number, max } => {
                let row = session_row(number, user(who), at);
                told(sorted(self.store.open_session(row, usize::from(max) + 1).await))
            }
            Step::Touch { session: number } => {
                told(self.store.touch_session(session(number), at, at + Duration::from_secs(9)).await)
            }
            Step::Refresh { session: number, right, token } => {
                let id = session(number);
                let known = self.store.session(id).await.ok().flatten().and_then(|row| row.refresh);
                let change = RefreshChange {
                    session: id,
                    expect: if right { known } else { Some(Refresh::first([9; 32])) },
                    refresh: Refresh { used: (token > 0).then_some([0; 32]), live: vec![[token; 32]] },
                    used_at: at,
                    expires_at: at + Duration::from_secs(9),
                };
                let refreshed = told(self.store.refresh_session(change).await);
                let row = self.store.session(id).await;
                format!(
                    "{refreshed} {}",
                    told(row.map(|row| row.map(|row| serde_json::to_string(&row).ok())))
                )
            }
            Step::Forget { user: who } => {
                let id = user(who);
                let forgotten = told(self.store.forget_credentials(id).await);
                let known = self.store.credential_of(id, "basic").await;
                format!("{forgotten} {}", told(known.map(|known| known.map(plain))))
            }
            Step::LogOut { user: who, which, session: number } => {
                let which = match which {
                    0 => EndSessions::All,
                    1 => EndSessions::AllBut(session(number)),
                    _ => EndSessions::One(session(number)),
                };
                told(sorted(self.store.end_sessions(user(who), which).await))
            }
            Step::Create { conv: number, kind, owner, other, cid } => {
                let new = new_conv(number, kind, user(owner), user(other), cid, at);
                told(self.store.create_conversation(new).await.map(|(conv, fresh)| (flat(&conv), fresh)))
            }
            Step::Commit(edits) => self.commit(&edits, number, at).await,
            Step::Mark { user: who, conv: number, read, recv, clear } => {
                let seq = |mark: Option<u8>| mark.map(|seq| Seq(seq.into()));
                let marks = Marks { read: seq(read), recv: seq(recv), clear: seq(clear), at };
                told(self.store.mark(user(who), conv(number), marks).await)
            }
            Step::Configure { user: who, conv: number, which, on, private } => {
                let flag = |bit: u8| (which & bit != 0).then_some(on);
                let patch = MemberPatch {
                    favorite: flag(1),
                    muted: flag(2),
                    archived: flag(4),
                    blocked: flag(8),
                    private: private.map(|private| private.map(|byte| Bytes::from(vec![byte]))),
                };
                let answer = self.store.configure(user(who), conv(number), patch).await;
                told(answer.map(|answer| answer.map(|(own, conv)| (own, conv.map(|conv| flat(&conv))))))
            }
            Step::Hide { user: who, conv: number, seq } => {
                told(self.store.hide(user(who), conv(number), Seq(seq.into())).await)
            }
            Step::Look { user: who, conv: number, seq, limit, since, own, span } => {
                let (viewer, conv, seq, limit) = (user(who), conv(number), Seq(seq.into()), limit.into());
                let query = ChangesQuery {
                    since: Rev(since.into()),
                    own: own.map(|own| Own(own.into())),
                    limit,
                    max_span: span.into(),
                };
                self.look(viewer, conv, seq, limit, query).await
            }
            Step::List { user: who, limit, cursor } => self.list(user(who), limit.into(), cursor).await,
            Step::Expire { limit, ahead } => {
                let expired = self.store.expire(at + Duration::from_secs(ahead.into()), limit.into()).await;
                told(expired.map(|it| {
                    let spent: Vec<_> = it.spent.iter().map(|(conv, message)| (*conv, message.seq)).collect();
                    // What ends a round is known only when nothing is left to do.
                    (it.hidden, spent, it.more, it.next.filter(|_| !it.more))
                }))
            }
        }
    }

    async fn commit(&mut self, edits: &[Edit], number: usize, at: Timestamp) -> String {
        let mut changes = Vec::new();
        for (place, edit) in edits.iter().enumerate() {
            changes.push(self.change(edit, MsgId(message(number, place)), at).await);
        }
        let outcomes = match self.store.commit(changes).await {
            Ok(outcomes) => outcomes,
            Err(error) => return format!("{:?}", error.kind()),
        };
        let mut answer = String::new();
        for (edit, outcome) in edits.iter().zip(outcomes) {
            if let Outcome::Done(committed) = &outcome
                && let Some(message) = &committed.message
            {
                self.revs.insert((edit.conv(), message.seq), message.rev);
            }
            answer += &flat_outcome(outcome);
            answer += "; ";
        }
        answer
    }

    async fn change(&self, edit: &Edit, id: MsgId, at: Timestamp) -> Change {
        let now = self.store.conversation(edit.conv()).await.ok().flatten();
        let epoch = now.as_ref().map_or(Epoch(0), |conv| conv.epoch);
        let (actor, fresh, late, op) = match edit.clone() {
            Edit::Send { from, system, cid, reply_to, late, fresh, .. } => {
                let append = Append {
                    id,
                    from: (!system).then(|| user(from)),
                    cid: cid.filter(|_| !system).map(|(cid, print)| (format!("cid {cid}"), [print; 32])),
                    content: Bytes::from(format!("content of {id}")),
                    reply_to: reply_to.map(|seq| Seq(seq.into())),
                    view_once: (late == 3).then_some(Some(5)),
                    expires_in: (late == 4).then_some(7),
                    event: None,
                    pace: (late == 5).then_some(9),
                    mentions: vec![user(late)],
                };
                (from, fresh, late, Op::Append(append))
            }
            Edit::Revise { actor, seq, state, right, fresh, .. } => {
                let seq = Seq(seq.into());
                let known = self.revs.get(&(edit.conv(), seq)).copied().unwrap_or_default();
                let expect = if right { known } else { known.next() };
                (
                    actor,
                    fresh,
                    0,
                    Op::Revise(Revise { seq, expect, body: body(state, id, at), event: LogEvent::Edited }),
                )
            }
            Edit::Amend { actor, ttl, owner, members, fresh, .. } => {
                let group = now.as_ref().is_none_or(|conv| conv.kind == ConvKind::Group);
                // Only groups have members who come and go; nobody is named twice.
                let members: BTreeMap<UserId, (u8, u8)> = members
                    .into_iter()
                    .filter(|_| group)
                    .map(|(who, role, to)| (user(who), (role, to)))
                    .collect();
                let amend = Amend {
                    settings: ttl.map(|ttl| ConvSettings {
                        ttl: (ttl % 3 > 0).then_some(u32::from(ttl) / 8),
                        retention: (ttl % 4 == 0).then_some(u32::from(ttl) / 4),
                        ..ConvSettings::default()
                    }),
                    max_conversations: (members.len() > 1).then_some(4),
                    owner: owner.filter(|_| group).map(user),
                    members: members
                        .into_iter()
                        .map(|(id, (role, to))| (id, role_of(role), standing(to)))
                        .collect(),
                    ..Amend::new(LogEvent::ProfileSet)
                };
                (actor, fresh, 0, Op::Amend(amend))
            }
        };
        let epoch = if fresh { epoch } else { Epoch(epoch.0 + 1_000) };
        // Numbers that mean nothing else: some messages are sent by sessions, which may be over, some by the host.
        let session = (late != 8).then(|| session(actor));
        let active = Warrant { session, state: UserState::Active, must_change_password: false };
        let warrant = (late > 5).then_some(active);
        let at = at - Duration::from_secs(late.into());
        Change { conv: edit.conv(), actor: user(actor), epoch, warrant, at, op }
    }
}

impl Edit {
    fn conv(&self) -> ConvId {
        match self {
            Self::Send { conv: number, .. }
            | Self::Revise { conv: number, .. }
            | Self::Amend { conv: number, .. } => conv(*number),
        }
    }
}
