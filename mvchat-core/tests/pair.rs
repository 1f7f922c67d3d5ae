//! The client machine and the session machine against each other: a stepped clock, a link that breaks with
//! everything on it, no socket and no runtime. The engine between them is a stub of one user and one conversation.
#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use mvchat_core::client::{Client, ClientConfig, Credentials, Draft, Event, Input, Output, SendState};
use mvchat_core::error::ErrorKind;
use mvchat_core::policy::{Refresh, RefreshHash, refreshed};
use mvchat_core::proto::{
    AccountParams, ChangeItem, ChangesParams, Close, Command, ConnId, ConvEntry, ConvId, ConvItem,
    ConversationParams, ConversationsParams, Desc, Frame, Get, Json, MessageItem, MessageParams, Own, Reply,
    Rev, Role, Seq, SessionId, UserId,
};
use mvchat_core::session::{self, Finished, Identity, Now, Outbox, Session, SessionConfig};
use mvchat_core::time::{Instant, Timestamp};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use uuid::Uuid;

const ME: UserId = UserId(Uuid::from_u128(1));
/// After which time a connection has to log in again.
const ACCESS: Duration = Duration::from_secs(200);
const CONV: ConvId = ConvId(Uuid::from_u128(2));

fn at(millis: u64) -> Now {
    Now { mono: Instant(millis), wall: Timestamp::from_micros(0) + Duration::from_millis(millis) }
}

/// What survives connections: the messages, each with a `rev` like its `seq`, and the session.
#[derive(Default)]
struct Engine {
    messages: Vec<MessageItem>,
    /// The session's refresh tokens, and how many there were.
    refresh: Option<Refresh>,
    given: u32,
}

/// The hash of a token that is good once.
fn hash(number: u32) -> RefreshHash {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&number.to_be_bytes());
    hash
}

impl Engine {
    fn rev(&self) -> Rev {
        Rev(self.messages.len() as u64)
    }

    fn view(&self) -> ConvItem {
        let last = Seq(self.rev().0);
        ConvItem {
            id: CONV,
            kind: "self".to_owned(),
            rev: self.rev(),
            own: Own(0),
            last_seq: last,
            read_seq: last,
            recv_seq: last,
            clear_seq: Seq(0),
            unread: 0,
            role: Role::Member,
            favorite: false,
            muted: false,
            archived: false,
            blocked: false,
            private: None,
            last_msg_at: None,
            user: None,
            public: None,
            disappearing_ttl: None,
            pinned_seq: None,
            pinned_at: None,
            pinned_by: None,
            no_screenshots: None,
            slow_mode: None,
            joinable: None,
            retention: None,
            system_messages: None,
        }
    }

    fn run(&mut self, command: Command, now: Now) -> Result<Finished, ErrorKind> {
        Ok(match command {
            Command::LoginBasic { .. } | Command::LoginToken(_) => {
                let expires = now.wall + ACCESS;
                let refresh = self.refresh(&command)?;
                let session = SessionId(Uuid::from_u128(3));
                let account = AccountParams {
                    user: ME,
                    token: Some("token".to_owned()),
                    expires: Some(expires),
                    refresh: Some(refresh),
                    session: Some(session),
                    email_verified: false,
                    desc: Desc { public: None, private: None },
                    must_change_password: None,
                    lang: None,
                    privacy: None,
                    status: None,
                    guest: None,
                    inviters: None,
                };
                Finished {
                    reply: Reply::ok(account),
                    identity: Some(Identity { user: ME, session, expires }),
                    ended: false,
                }
            }
            Command::Send(send) => {
                let known = self.messages.iter().find(|message| message.cid == send.cid);
                let known = known.map(|message| message.seq);
                let seq = known.unwrap_or_else(|| self.append(send.content, send.cid, now.wall));
                let replay = known.is_some().then_some(true);
                let params = MessageParams::new(CONV, seq);
                let params = MessageParams { rev: Some(Rev(seq.0)), replay, ts: Some(now.wall), ..params };
                Reply::accepted(params).into()
            }
            Command::Get(Get::Conversations(_)) => Reply::ok(ConversationsParams {
                conversations: vec![ConvEntry::Here(Box::new(self.view()))],
                next: None,
                since: Some(format!("s{}", self.rev())),
                more: None,
            })
            .into(),
            Command::Get(Get::Conversation(_)) => {
                Reply::ok(ConversationParams { conversation: self.view() }).into()
            }
            Command::Get(Get::Changes { since, .. }) => {
                let all = self.messages.iter().filter(|message| message.rev > since);
                // Small pages, so that there are several.
                let items: Vec<_> = all.take(3).cloned().map(changed).collect();
                let rev = items.last().map_or(self.rev(), |last| last.rev);
                let more = rev < self.rev();
                Reply::ok(ChangesParams { rev, own: Own(0), more, items, hidden: None, reset: None }).into()
            }
            _ => return Err(ErrorKind::Unsupported),
        })
    }

    /// Replaces the refresh token that a login uses; the first one comes with the password.
    fn refresh(&mut self, command: &Command) -> Result<String, ErrorKind> {
        self.given += 1;
        let next = self.given;
        let refresh = match command {
            Command::LoginToken(token) => {
                let used = token.0.strip_prefix("good once ").and_then(|number| number.parse().ok());
                let (used, known) = used.zip(self.refresh.as_ref()).ok_or(ErrorKind::BadCredentials)?;
                refreshed(known, &hash(used), hash(next)).ok_or(ErrorKind::BadCredentials)?
            }
            _ => Refresh::first(hash(next)),
        };
        self.refresh = Some(refresh);
        Ok(format!("good once {next}"))
    }

    fn append(&mut self, content: Json, cid: Option<String>, ts: Timestamp) -> Seq {
        let seq = Seq(self.rev().0 + 1);
        self.messages.push(MessageItem {
            seq,
            rev: Rev(seq.0),
            from: Some(ME),
            ts,
            content: Some(content),
            deleted: None,
            unavailable: None,
            head: None,
            view_once: None,
            cid,
        });
        seq
    }
}

fn changed(message: MessageItem) -> ChangeItem {
    ChangeItem { rev: message.rev, message: Some(message), member: None, conversation: None }
}

/// One connection: the server's machine and what is on its way in both directions.
struct Link {
    session: Session,
    outbox: Outbox,
    up: VecDeque<bytes::Bytes>,
    down: VecDeque<bytes::Bytes>,
    asked: VecDeque<String>,
}

struct World {
    now: u64,
    client: Client,
    opening: bool,
    link: Option<Link>,
    engine: Engine,
    rng: u64,
    written: Vec<String>,
    sent: BTreeSet<String>,
    links: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let config = ClientConfig::new(Credentials::basic("alice", "correct horse"));
        let mut world = Self {
            now: 0,
            client: Client::new(config, seed, Instant(0)),
            opening: false,
            link: None,
            engine: Engine::default(),
            rng: seed,
            written: Vec::new(),
            sent: BTreeSet::new(),
            links: 0,
        };
        world.drain();
        world
    }

    /// A small congruential generator (Knuth, MMIX); its high bits are good enough for a script.
    fn pick(&mut self, below: u64) -> u64 {
        self.rng = self.rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.rng >> 33) % below
    }

    fn tell(&mut self, input: Input<'_>) {
        self.client.handle(input, Instant(self.now));
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.client.poll() {
                Output::Connect => self.opening = true,
                Output::Send(text) => {
                    let frame: serde_json::Value = serde_json::from_slice(&text).unwrap();
                    let link = self.link.as_mut().expect("frames are sent over an open connection only");
                    link.asked.extend(frame["id"].as_str().map(str::to_owned));
                    link.up.push_back(text);
                }
                Output::Disconnect(_) => (self.link, self.opening) = (None, false),
                Output::Event(event) => match *event {
                    Event::SendState { cid, state: SendState::Sent { .. }, .. } => {
                        assert!(self.sent.insert(cid), "a message is sent once");
                    }
                    Event::SendState { state: SendState::Failed(error), .. } => panic!("{error:?}"),
                    _ => {}
                },
                Output::Wait(_) => return,
                other => panic!("{other:?}"),
            }
        }
    }

    fn open(&mut self) {
        if std::mem::take(&mut self.opening) {
            self.links += 1;
            self.link = Some(Link {
                session: Session::new(SessionConfig::new(ConnId(Uuid::from_u128(9))), at(self.now)),
                outbox: Outbox::new(100, 1 << 20),
                up: VecDeque::new(),
                down: VecDeque::new(),
                asked: VecDeque::new(),
            });
            self.tell(Input::Opened);
        }
    }

    fn cut(&mut self, close: Option<Close>) {
        if self.link.take().is_some() {
            self.tell(Input::Closed(close));
        }
    }

    /// One frame arrives at the server, which does what it asks for.
    fn up(&mut self) {
        let now = at(self.now);
        let Some(link) = &mut self.link else { return };
        let Some(text) = link.up.pop_front() else { return };
        link.session.handle(session::Input::Frame(Frame::Text(text)), now);
        let mut close = None;
        loop {
            match link.session.poll() {
                session::Output::Reply(ticket, reply) => link.outbox.reply(ticket, reply),
                session::Output::Push(frame) => link.outbox.push(None, frame).unwrap(),
                session::Output::Run(ticket, job) => {
                    let result = self.engine.run(job.command, now).map_err(Into::into);
                    link.session.handle(session::Input::Done(ticket, result), now);
                }
                session::Output::Ping => {}
                session::Output::Close(code) => close = Some(code),
                session::Output::Wait(_) => break,
                other => panic!("{other:?}"),
            }
        }
        while let Some(frame) = link.outbox.pop() {
            link.down.push_back(frame);
        }
        if close.is_some() {
            self.cut(close);
        }
    }

    /// One frame arrives at the client.
    fn down(&mut self) {
        let Some(link) = &mut self.link else { return };
        let Some(text) = link.down.pop_front() else { return };
        let frame: serde_json::Value = serde_json::from_slice(&text).unwrap();
        if let Some(id) = frame["ctrl"]["id"].as_str() {
            assert_eq!(link.asked.pop_front().as_deref(), Some(id), "one answer per request, in their order");
        }
        self.tell(Input::Text(&text));
    }

    fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.tell(Input::Timeout);
    }

    fn write(&mut self) {
        let text = format!("message {}", self.written.len());
        let cid = self.client.send(Draft::text(CONV, &text), Instant(self.now)).unwrap();
        self.written.push(cid);
        self.drain();
    }

    /// Lets everything arrive until there is nothing more to do.
    fn heal(&mut self) {
        for _ in 0..10_000 {
            self.open();
            self.up();
            self.down();
            let empty = |link: &Link| link.up.is_empty() && link.down.is_empty();
            let calm = self.link.as_ref().is_some_and(empty);
            if calm && self.client.is_synced() && self.client.export_outbox().items.is_empty() {
                return;
            }
            if self.link.is_none() || calm {
                self.pass(500);
            }
        }
        panic!("it does not come to rest: {:?}", self.client);
    }

    fn check(&self) {
        let stored: Vec<_> = self.engine.messages.iter().filter_map(|message| message.cid.clone()).collect();
        assert_eq!(stored, self.written, "every message once, in the order of writing");
        assert_eq!(self.sent.len(), self.written.len());
        let known = self.client.state().conversation(CONV).unwrap();
        assert_eq!((known.view().rev, known.view().unread), (self.engine.rev(), 0));
        let mine: Vec<_> = known.messages().values().map(|message| message.cid.clone().unwrap()).collect();
        assert!(stored.ends_with(&mine));
    }
}

#[test]
fn hi_and_login_are_answered_and_the_first_message_arrives() {
    let mut world = World::new(1);
    world.write();
    world.heal();
    world.check();
    assert_eq!((world.links, world.engine.messages.len()), (1, 1));
}

#[test]
fn a_link_that_is_cut_after_the_commit_yields_one_message() {
    let mut world = World::new(2);
    world.heal();
    world.write();
    world.up();
    assert_eq!(world.engine.messages.len(), 1, "it is committed, and its answer is on the way");
    world.cut(None);
    world.heal();
    world.check();
    assert_eq!(world.links, 2);
}

#[test]
fn a_link_that_breaks_at_any_time_loses_and_doubles_nothing() {
    for seed in 0..200 {
        let mut world = World::new(seed);
        for _ in 0..400 {
            match world.pick(30) {
                0 => world.cut(None),
                1 if world.pick(4) == 0 => world.cut(Some(Close::Resync)),
                2 | 3 => world.write(),
                4 | 5 => world.open(),
                6 => {
                    let millis = world.pick(3_000);
                    world.pass(millis);
                }
                7..=18 => world.up(),
                _ => world.down(),
            }
        }
        world.heal();
        world.check();
        assert!(world.links > 1, "seed {seed}");
    }
}
