//! Everything in memory, as items.

use super::chat::{Chat, Mine, Thing};
use super::conversations::Found;
use super::expiry::{ALL, Due, SOME};
use super::{MemoryStore, State, already_exists};
use crate::policy::ConvKind;
use crate::proto::{ConvId, Position, Rev, Seq, UserId};
use crate::seam::{
    DueItem, DueWhat, Dump, DumpPage, Item, KeptConversation, KeptMember, KeptMessage, LoadNote, Loading,
    LogEntry, Part, Portable, Sent, StoreResult,
};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;

#[async_trait]
impl Portable for MemoryStore {
    async fn identity(&self) -> StoreResult<String> {
        Ok(format!("memory:{:p}", Arc::as_ptr(&self.state)))
    }

    async fn dump(&self) -> StoreResult<Box<dyn Dump>> {
        let state = self.state.lock();
        let items = Part::ALL.into_iter().map(|part| (part, state.items(part))).collect();
        Ok(Box::new(Copy { position: state.position, items }))
    }

    async fn loading(&self) -> StoreResult<Loading> {
        let state = self.state.lock();
        Ok(match &state.loading {
            Some(note) => Loading::Begun(note.clone()),
            None if state.is_empty() => Loading::Empty,
            None => Loading::Taken,
        })
    }

    async fn load(&self, items: Vec<Item>, note: &LoadNote) -> StoreResult<()> {
        let mut state = self.state.lock();
        if state.loading.is_none() && !state.is_empty() {
            return Err(already_exists("the store holds something"));
        }
        state.loading = Some(note.clone());
        state.position = state.position.max(note.position);
        items.into_iter().for_each(|item| state.load(item));
        Ok(())
    }

    async fn settle(&self, note: &LoadNote) -> StoreResult<()> {
        self.state.lock().loading = Some(note.clone());
        Ok(())
    }

    async fn release(&self) -> StoreResult<()> {
        self.state.lock().loading = None;
        Ok(())
    }
}

/// Everything as it was.
struct Copy {
    position: Position,
    items: BTreeMap<Part, Vec<Item>>,
}

#[async_trait]
impl Dump for Copy {
    fn position(&self) -> Position {
        self.position
    }

    async fn count(&mut self, part: Part) -> StoreResult<u64> {
        Ok(self.items.get(&part).map_or(0, Vec::len) as u64)
    }

    async fn page(&mut self, part: Part, after: Option<String>, limit: usize) -> StoreResult<DumpPage> {
        let items = self.items.get(&part).map(Vec::as_slice).unwrap_or_default();
        let start = after.and_then(|after| after.parse().ok()).unwrap_or(0).min(items.len());
        let place = |item: &Item| match item {
            Item::Log(entry) => Some(entry.position),
            _ => None,
        };
        let mut end = start.saturating_add(limit.max(1)).min(items.len());
        while end < items.len() && part == Part::Log && place(&items[end - 1]) == place(&items[end]) {
            end += 1;
        }
        let next = (end < items.len()).then(|| end.to_string());
        Ok(DumpPage { items: items[start..end].to_vec(), next })
    }
}

impl State {
    fn is_empty(&self) -> bool {
        self.users.is_empty()
            && self.chats.is_empty()
            && self.invites.is_empty()
            && self.files.is_empty()
            && self.log.is_empty()
    }

    fn items(&self, part: Part) -> Vec<Item> {
        match part {
            Part::Users => self.users.values().cloned().map(Item::User).collect(),
            Part::Credentials => self.credentials.values().cloned().map(Item::Credential).collect(),
            Part::Sessions => self.sessions.all().cloned().map(Item::Session).collect(),
            Part::Contacts => {
                let contacts = self.contacts.iter();
                contacts.map(|((owner, _), row)| Item::Contact(*owner, row.clone())).collect()
            }
            Part::Invites => self.invites.values().cloned().map(Item::Invite).collect(),
            Part::Files => self.files.values().cloned().map(Item::File).collect(),
            Part::Conversations => {
                let mut made = BTreeMap::new();
                for (found, conv) in &self.found {
                    if let Found::Group(Some(owner), cid) = found {
                        made.insert(*conv, (*owner, cid.clone()));
                    }
                }
                let chats = self.chats.iter();
                chats.map(|(id, chat)| Item::Conversation(chat.kept(made.get(id).cloned()))).collect()
            }
            Part::Links => self.links.values().cloned().map(Item::Link).collect(),
            Part::Log => self.log.iter().cloned().map(Item::Log).collect(),
            Part::Messages => self.chats.values().flat_map(Chat::kept_messages).collect(),
            Part::Hidden => {
                let hidden = |(conv, chat): (&ConvId, &Chat)| {
                    let (conv, mut all) = (*conv, Vec::new());
                    for (user, mine) in &chat.mine {
                        all.extend(
                            mine.hidden.iter().map(|(seq, own)| Item::Hidden(conv, *user, *seq, *own)),
                        );
                    }
                    all
                };
                self.chats.iter().flat_map(hidden).collect()
            }
            Part::Due => {
                let due = self.due.iter().map(|((at, conv, user, seq), due)| {
                    let what = match due {
                        Due::Read(to) => DueWhat::Read(*user, *seq, *to),
                        Due::Message => DueWhat::Message(*seq),
                        Due::Keep => DueWhat::Keep,
                        Due::Look(after) => DueWhat::Look(*after),
                    };
                    Item::Due(DueItem { at: *at, conv: *conv, what })
                });
                due.collect()
            }
            Part::Partly => {
                let partly = |(conv, chat): (&ConvId, &Chat)| {
                    let conv = *conv;
                    chat.partly.iter().map(move |seq| Item::Partly(conv, *seq)).collect::<Vec<_>>()
                };
                self.chats.iter().flat_map(partly).collect()
            }
        }
    }

    fn load(&mut self, item: Item) {
        match item {
            Item::User(row) => drop(self.users.insert(row.id, row)),
            Item::Credential(row) => {
                drop(self.credentials.insert((row.scheme.clone(), row.folded.clone()), row));
            }
            Item::Session(row) => self.sessions.insert(row),
            Item::Contact(owner, row) => drop(self.contacts.insert((owner, row.user), row)),
            Item::Invite(row) => drop(self.invites.insert(row.id, row)),
            Item::File(row) => drop(self.files.insert(row.id, row)),
            Item::Conversation(kept) => self.load_conversation(kept),
            Item::Link(row) => drop(self.links.insert(row.code.clone(), row)),
            Item::Log(entry) => {
                // Those of a call that is repeated are there.
                let known = |other: &LogEntry| (other.conv, other.rev) == (entry.conv, entry.rev);
                let mut equals = self.log.iter().rev().take_while(|other| other.position >= entry.position);
                if !equals.any(known) {
                    self.log.push(entry);
                }
            }
            Item::Message(kept) => {
                if let Some(chat) = self.chats.get_mut(&kept.conv) {
                    chat.load_message(kept);
                }
            }
            Item::Hidden(conv, user, seq, own) => {
                if let Some(chat) = self.chats.get_mut(&conv) {
                    chat.mine.entry(user).or_default().hidden.insert(seq, own);
                }
            }
            Item::Due(DueItem { at, conv, what }) => {
                let (place, due) = match what {
                    DueWhat::Read(user, from, to) => ((at, conv, user, from), Due::Read(to)),
                    DueWhat::Message(seq) => ((at, conv, ALL, seq), Due::Message),
                    DueWhat::Keep => ((at, conv, ALL, Seq(0)), Due::Keep),
                    DueWhat::Look(after) => ((at, conv, SOME, Seq(0)), Due::Look(after)),
                };
                self.due.insert(place, due);
            }
            Item::Partly(conv, seq) => {
                if let Some(chat) = self.chats.get_mut(&conv) {
                    chat.partly.insert(seq);
                }
            }
        }
    }

    fn load_conversation(&mut self, kept: KeptConversation) {
        let members = || kept.members.iter().map(|kept| kept.user).collect();
        let found = match kept.kind {
            ConvKind::Dm => Some(Found::Dm(members())),
            ConvKind::Me => Some(Found::Me(members())),
            ConvKind::Group => kept.made_by.clone().map(|(owner, cid)| Found::Group(Some(owner), cid)),
        };
        self.found.extend(found.map(|found| (found, kept.id)));
        let mut chat = Chat::new(kept.conversation(), kept.touched);
        chat.rev = kept.rev;
        chat.last_seq = kept.last_seq;
        chat.last_at = kept.last_at;
        chat.keep = kept.keep;
        chat.swept = kept.swept;
        if !kept.has_ended() {
            let mut changed: BTreeMap<Rev, Vec<Thing>> = BTreeMap::new();
            for member in kept.members.iter().filter(|kept| kept.member.rev.0 > 0) {
                changed.entry(member.member.rev).or_default().push(Thing::Member(member.user));
            }
            if kept.settings_rev.0 > 0 {
                changed.entry(kept.settings_rev).or_default().push(Thing::Conversation);
            }
            changed.iter().for_each(|(rev, things)| chat.note(*rev, things));
        }
        chat.mine = kept.members.into_iter().map(|kept| (kept.user, mine(kept))).collect();
        self.chats.insert(kept.id, chat);
    }
}

fn mine(kept: KeptMember) -> Mine {
    Mine {
        own: kept.own,
        read: kept.read,
        recv: kept.recv,
        clear: kept.clear,
        favorite: kept.favorite,
        muted: kept.muted,
        archived: kept.archived,
        private: kept.private,
        hidden: BTreeMap::new(),
        touched: kept.touched,
        removed: kept.removed,
        paced: kept.paced,
    }
}

impl Chat {
    fn kept(&self, made_by: Option<(UserId, String)>) -> KeptConversation {
        let members = self.conv.members.iter().map(|(user, member)| {
            let mine = self.mine.get(user).cloned().unwrap_or_default();
            KeptMember {
                user: *user,
                member: *member,
                own: mine.own,
                touched: mine.touched,
                read: mine.read,
                recv: mine.recv,
                clear: mine.clear,
                favorite: mine.favorite,
                muted: mine.muted,
                archived: mine.archived,
                private: mine.private,
                removed: mine.removed,
                paced: mine.paced,
            }
        });
        KeptConversation {
            id: self.conv.id,
            kind: self.conv.kind,
            epoch: self.conv.epoch,
            owner: self.conv.owner,
            created_at: self.conv.created_at,
            settings: self.conv.settings.clone(),
            settings_rev: self.noted(Thing::Conversation),
            made_by,
            rev: self.rev,
            touched: self.touched,
            last_seq: self.last_seq,
            last_at: self.last_at,
            keep: self.keep,
            swept: self.swept,
            members: members.collect(),
        }
    }

    fn kept_messages(&self) -> Vec<Item> {
        let sent: BTreeMap<Seq, (UserId, &Sent)> =
            self.cids.iter().map(|((user, _), sent)| (sent.seq, (*user, sent))).collect();
        let kept = self.messages.values().map(|message| {
            let sent = sent.get(&message.seq).map(|(user, sent)| (*user, sent.rev, sent.print));
            Item::Message(KeptMessage { conv: self.conv.id, message: message.clone(), sent })
        });
        kept.collect()
    }

    fn load_message(&mut self, kept: KeptMessage) {
        let KeptMessage { message, sent, .. } = kept;
        if let (Some((user, rev, print)), Some(cid)) = (sent, &message.cid) {
            let sent = Sent { seq: message.seq, rev, at: message.ts, print };
            self.cids.insert((user, cid.clone()), sent);
        }
        self.note(message.rev, &[Thing::Message(message.seq)]);
        self.messages.insert(message.seq, message);
    }
}
