//! Carries the steps of a history out, and writes down what a store answers.

use super::step::{Edit, Step};
use super::world::{NAMES, TEXTS, all_convs, all_users, conv, message, session, user};
use crate::policy::{ConvKind, ConvSettings, Conversation, MessageBody, MessageState, Standing};
use crate::proto::{ConvId, Epoch, Json, MsgId, Own, Position, Rev, Role, Seq, UserId};
use crate::seam::{
    Amend, Append, Change, Changed, Changes, ChangesQuery, Credential, EndSessions, LogEvent, Marks,
    MemberPatch, NewConversation, NewUser, Op, Outcome, PageQuery, Revise, SecretChange, SessionRow, Store,
    StoreResult, UserPatch, UserRow, UserState, View, ViewQuery, fold,
};
use crate::time::Timestamp;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

/// A store with what a caller remembers of its answers.
pub(super) struct Player<'a> {
    store: &'a dyn Store,
    /// The places that the store gave out.
    cursors: Vec<Position>,
    /// The last known numbers of the messages.
    revs: BTreeMap<(ConvId, Seq), Rev>,
    secrets: BTreeMap<UserId, String>,
}

impl<'a> Player<'a> {
    pub(super) fn new(store: &'a dyn Store) -> Self {
        Self { store, cursors: vec![Position(0)], revs: BTreeMap::new(), secrets: BTreeMap::new() }
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
                let marks = Marks { read: seq(read), recv: seq(recv), clear: seq(clear) };
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
        }
    }

    /// Reads everything that there is.
    pub(super) async fn everything(&mut self) -> String {
        let mut all = String::new();
        for who in all_users() {
            for number in all_convs() {
                let query = ChangesQuery { since: Rev(0), own: Some(Own(0)), limit: 9, max_span: 1_000 };
                all += &self.look(user(who), conv(number), Seq(3), 100, query).await;
            }
            all += &self.list(user(who), 100, 0).await;
            let rows = self.store.sessions_of(user(who)).await;
            all += &format!("{} {}\n", told(rows), told(self.store.users(&[user(who)]).await));
        }
        all
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
                    settings: ttl
                        .map(|ttl| ConvSettings { ttl: Some(ttl.into()), ..ConvSettings::default() }),
                    owner: owner.filter(|_| group).map(user),
                    members: members
                        .into_iter()
                        .map(|(id, (role, to))| (id, role_of(role), standing(to)))
                        .collect(),
                    event: LogEvent::ProfileSet,
                };
                (actor, fresh, 0, Op::Amend(amend))
            }
        };
        let epoch = if fresh { epoch } else { Epoch(epoch.0 + 1_000) };
        Change { conv: edit.conv(), actor: user(actor), epoch, at: at - Duration::from_secs(late.into()), op }
    }

    async fn look(
        &self,
        viewer: UserId,
        conv: ConvId,
        seq: Seq,
        limit: usize,
        query: ChangesQuery,
    ) -> String {
        let mut seen = String::new();
        for query in
            [PageQuery::Newest, PageQuery::Before(seq), PageQuery::After(seq), PageQuery::Around(seq)]
        {
            let page = self.store.page(viewer, conv, query, limit).await;
            let page = page.map(|page| {
                page.map(|page| {
                    let Ok(texts) = serde_json::to_string(&(&page.messages, &page.replied)) else {
                        return format!("{page:?}");
                    };
                    format!("{texts} {} {} {}", page.more, page.rev, page.own)
                })
            });
            seen += &format!("{query:?}: {}\n", told(page));
        }
        let changes = self.store.changes(viewer, conv, query).await;
        seen += &format!("changes: {}\n", told(changes.map(|changes| changes.map(flat_changes))));
        let message = self.store.message(viewer, conv, seq).await;
        seen += &format!("message: {}\n", told(message.map(|message| serde_json::to_string(&message).ok())));
        let receipts = self.store.receipts(viewer, conv, Some(user(1)), limit).await;
        seen += &format!(
            "receipts: {} {}\n",
            told(receipts),
            told(self.store.receipts(viewer, conv, None, limit).await)
        );
        let one = self.store.views(viewer, ViewQuery::One(conv)).await;
        seen += &format!("view: {}\n", told(one.map(|views| flat_views(&views.rows))));
        for cid in ["cid 0", "cid 1", "cid 2"] {
            seen += &format!("sent: {}\n", told(self.store.sent(conv, viewer, cid).await));
        }
        seen + &told(self.store.conversation(conv).await.map(|conv| conv.map(|conv| flat(&conv))))
    }

    async fn list(&mut self, viewer: UserId, limit: usize, cursor: u8) -> String {
        let position = self.cursors[usize::from(cursor) % self.cursors.len()];
        let mut seen = String::new();
        let mut before = None;
        loop {
            let Ok(views) = self.store.views(viewer, ViewQuery::Page { before, limit }).await else { break };
            seen += &format!("page: {:?} {}\n", flat_views(&views.rows), views.more);
            before = views.rows.last().map(|row| (row.conv.activity(), row.conv.id));
            if !views.more {
                self.cursors.push(views.position);
                break;
            }
        }
        if let Ok(views) = self.store.views(viewer, ViewQuery::Since { position, limit }).await {
            seen += &format!("since: {:?} {}\n", flat_views(&views.rows), views.more);
            self.cursors.push(views.position);
        }
        if let Ok(page) = self.store.log(position, limit).await {
            for entry in page.entries {
                let actor = Some(entry.actor).filter(|_| entry.event != LogEvent::Created);
                seen += &format!(
                    "log: {} {} {actor:?} {} {:?} {:?}\n",
                    entry.conv, entry.rev, entry.at, entry.seq, entry.event
                );
            }
            self.cursors.push(page.position);
        }
        let peers = sorted(self.store.peers(viewer, 3).await);
        seen + &format!("{} {}", told(peers), told(sorted(self.store.blocked_with(viewer).await)))
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

/// Writes an answer down, of an error its kind only.
fn told<T: Debug>(answer: StoreResult<T>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => format!("{:?}", error.kind()),
    }
}

fn sorted<T: Ord>(answer: StoreResult<Vec<T>>) -> StoreResult<Vec<T>> {
    answer.map(|mut rows| {
        rows.sort();
        rows
    })
}

fn flat(conv: &Conversation) -> String {
    format!("{:?}", Conversation { epoch: Epoch(0), ..conv.clone() })
}

fn flat_views(rows: &[View]) -> Vec<String> {
    let one = |row: &View| if row.gone { format!("{} is gone", row.conv.id) } else { format!("{row:?}") };
    rows.iter().map(one).collect()
}

fn flat_outcome(outcome: Outcome) -> String {
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

fn flat_changes(changes: Changes) -> String {
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

fn plain(credential: Credential) -> (UserId, String, String, String) {
    (credential.user, credential.name, credential.folded, credential.secret)
}

fn credential(user: UserId, name: &str) -> Credential {
    let (scheme, secret) = ("basic".to_owned(), "secret".to_owned());
    Credential { user, scheme, name: name.to_owned(), folded: fold(name), secret }
}

fn row(id: UserId, name: &str, at: Timestamp) -> UserRow {
    UserRow {
        id,
        state: UserState::Active,
        created_at: at,
        public: Some(Json::from_value(&BTreeMap::from([("fn", name)]))),
        private: None,
        email: None,
        lang: None,
        last_seen: None,
        must_change_password: true,
    }
}

fn session_row(number: u8, user: UserId, at: Timestamp) -> SessionRow {
    SessionRow {
        id: session(number),
        user,
        device: None,
        user_agent: Some(format!("agent {number}")),
        created_at: at,
        used_at: at,
        expires_at: at + Duration::from_secs(100),
    }
}

fn patch(what: u8, value: u8, at: Timestamp) -> UserPatch {
    let bytes = (value % 3 != 0).then(|| Bytes::from(vec![value]));
    let name = NAMES[usize::from(value) % NAMES.len()];
    let states = [UserState::Active, UserState::Suspended, UserState::Deleted];
    match what {
        0 => UserPatch {
            public: Some(Json::from_value(&BTreeMap::from([("fn", name)]))),
            ..UserPatch::default()
        },
        1 => UserPatch { public: Some(Json::null()), lang: Some(name.to_owned()), ..UserPatch::default() },
        2 => UserPatch { private: Some(bytes), ..UserPatch::default() },
        3 => UserPatch { email: Some(bytes), ..UserPatch::default() },
        4 => UserPatch { last_seen: Some(at - Duration::from_secs(value.into())), ..UserPatch::default() },
        _ => UserPatch { state: Some(states[usize::from(value) % 3]), ..UserPatch::default() },
    }
}

fn new_conv(
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
        at,
    }
}

fn body(state: u8, id: MsgId, at: Timestamp) -> MessageBody {
    match state {
        0 => MessageBody::tombstone(MessageState::Unsent),
        1 => MessageBody::tombstone(MessageState::Deleted),
        _ => MessageBody {
            edits: 1,
            edited_at: Some(at),
            edit_cid: Some((format!("edit {id}"), [1; 32])),
            reactions: vec![("+".to_owned(), vec![user(state), user(0)])],
            ..MessageBody::new(Bytes::from(format!("edited to {id}")), vec![user(1)])
        },
    }
}

fn role_of(number: u8) -> Role {
    [Role::Member, Role::Admin, Role::Owner][usize::from(number) % 3]
}

fn standing(number: u8) -> Standing {
    [Standing::Active, Standing::Active, Standing::Left, Standing::Kicked][usize::from(number) % 4]
}
