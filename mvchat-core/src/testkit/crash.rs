//! Acknowledged messages survive `kill -9`: for stores whose [`Durability`](crate::seam::Durability) says so.
//!
//! A test target of its own (`harness = false`) runs itself again as the process that is killed:
//!
//! ```no_run
//! use mvchat_core::builtin::MemoryStore;
//! use mvchat_core::testkit::crash::{self, Acked, Victim};
//!
//! /// Opens the store that is in a folder, or at an address.
//! async fn open(place: &str) -> MemoryStore {
//!     MemoryStore::default()
//! }
//!
//! fn main() {
//!     crash::be_victim(open);
//!     let runtime = tokio::runtime::Runtime::new().unwrap();
//!     let mut acked = Acked::default();
//!     for round in 0..crash::rounds(10) {
//!         let mut victim = Victim::start("a place");
//!         victim.read(1 + round * 37, &mut acked);
//!         victim.kill(&mut acked);
//!         runtime.block_on(async { crash::check(&open("a place").await, &acked).await });
//!     }
//! }
//! ```
//!
//! `MVCHAT_CRASH_ROUNDS` in the environment asks for more rounds than a test has time for.

use crate::policy::{ConvKind, ConvSettings, Message};
use crate::proto::{ConvId, Epoch, MsgId, Position, Rev, Role, Seq, UserId};
use crate::seam::{Append, Change, NewConversation, Op, Outcome, PageQuery, Sent, Store};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Names the place of its store to the process that is killed.
const VICTIM: &str = "MVCHAT_CRASH_VICTIM";
const CONVS: u64 = 3;
const SENDERS: u64 = 8;
/// One in so many messages is so many times as long as the others: larger than what a store keeps in one piece.
const LONG: (u64, usize) = (7, 500);
const PAGE: usize = 1_000;
/// How long a log may take to show what is there.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was acknowledged.
#[derive(Clone, Debug, Default)]
pub struct Acked(BTreeMap<(ConvId, Seq), Ack>);

#[derive(Clone, Debug)]
struct Ack {
    cid: String,
    /// Absent if it was found to have happened when it was sent again.
    position: Option<Position>,
}

impl Acked {
    /// Returns how many messages were acknowledged.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether none was.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns how many rounds there are: `short`, or what `MVCHAT_CRASH_ROUNDS` asks for.
pub fn rounds(short: u64) -> u64 {
    std::env::var("MVCHAT_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(short)
}

/// Does nothing in a test; in the process that is to be killed it sends without end, and prints every
/// acknowledgement.
pub fn be_victim<S: Store, F: Future<Output = S>>(open: impl FnOnce(&'static str) -> F) {
    let Ok(place) = std::env::var(VICTIM) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // The process ends by being killed.
        let store = Arc::new(open(place.leak()).await);
        for number in 0..CONVS {
            store.create_conversation(group(number)).await.unwrap();
        }
        let senders: Vec<_> = (0..SENDERS).map(|sender| tokio::spawn(send(store.clone(), sender))).collect();
        for sender in senders {
            sender.await.unwrap();
        }
    });
}

fn me() -> UserId {
    UserId(Uuid::from_u128(1))
}

fn conv(number: u64) -> ConvId {
    ConvId(Uuid::from_u128(u128::from(number) + 1))
}

fn group(number: u64) -> NewConversation {
    NewConversation {
        id: conv(number),
        kind: ConvKind::Group,
        members: [(me(), Role::Owner)].into(),
        owner: Some(me()),
        cid: Some(number.to_string()),
        settings: ConvSettings::default(),
        max_per_user: None,
        at: Timestamp::from_micros(1),
    }
}

/// Sends one message after the other. Every text is the message's cid, once or often.
async fn send<S: Store>(store: Arc<S>, sender: u64) {
    for number in 0_u64.. {
        let cid = format!("{}-{sender}-{number}", std::process::id());
        let times = if number % LONG.0 == 0 { LONG.1 } else { 1 };
        let append = Append {
            id: MsgId(Uuid::nil()),
            from: Some(me()),
            cid: Some((cid.clone(), [7; 32])),
            content: cid.repeat(times).into(),
            reply_to: None,
            view_once: None,
            expires_in: None,
            event: None,
            pace: None,
            mentions: Vec::new(),
        };
        let conv = conv((sender + number) % CONVS);
        let op = Op::Append(append);
        let change =
            Change { conv, actor: me(), epoch: Epoch(0), warrant: None, at: Timestamp::from_micros(2), op };
        let (seq, position) = acknowledged(&*store, change, number % 3 == 0).await;
        let position = position.map_or("-".to_owned(), |position| position.to_string());
        writeln!(std::io::stdout().lock(), "{conv} {seq} {cid} {position}").unwrap();
    }
}

/// Sends until it is acknowledged; now and then together with a change that is refused.
async fn acknowledged<S: Store>(store: &S, change: Change, mixed: bool) -> (Seq, Option<Position>) {
    let stale = Change { epoch: Epoch(9), ..change.clone() };
    loop {
        let mut batch = vec![change.clone()];
        batch.extend(mixed.then(|| stale.clone()));
        match store.commit(batch).await.map(|outcomes| outcomes.into_iter().next()) {
            Ok(Some(Outcome::Done(done))) => return (done.message.unwrap().seq, Some(done.position)),
            Ok(Some(Outcome::Replay(Sent { seq, .. }))) => return (seq, None),
            Ok(Some(Outcome::Locked)) => {}
            Ok(other) => panic!("{other:?}"),
            // Nobody knows what became of it: it is sent again.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// A process that sends without end.
#[derive(Debug)]
pub struct Victim {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Victim {
    /// Starts this program again, on the store that is at a place: whatever the function opens that
    /// [`be_victim`] was given.
    pub fn start(place: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.env(VICTIM, place).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Waits for so many acknowledgements.
    ///
    /// # Panics
    /// If the process ends by itself, or names a number twice.
    pub fn read(&mut self, count: u64, acked: &mut Acked) {
        for _ in 0..count {
            assert!(self.read_one(acked), "the victim ended by itself");
        }
    }

    /// Kills it, and reads the acknowledgements that had left it.
    pub fn kill(mut self, acked: &mut Acked) {
        self.child.kill().unwrap();
        while self.read_one(acked) {}
        self.child.wait().unwrap();
    }

    fn read_one(&mut self, acked: &mut Acked) -> bool {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        // The last line may be cut.
        let Some(whole) = line.strip_suffix('\n') else { return false };
        let [conv, seq, cid, position] = whole.split(' ').collect::<Vec<_>>()[..] else { panic!("{whole}") };
        let place = (conv.parse().unwrap(), Seq(seq.parse().unwrap()));
        let ack = Ack { cid: cid.to_owned(), position: position.parse().ok().map(Position) };
        let earlier = acked.0.insert(place, ack);
        assert!(earlier.is_none(), "two messages have one number: {earlier:?} and {whole}");
        true
    }
}

/// Looks whether everything that was acknowledged is there, once and at its place, and whether messages and log have no
/// gaps. Returns how many messages there are.
///
/// # Panics
/// If not.
pub async fn check<S: Store>(store: &S, acked: &Acked) -> usize {
    let mut all = Vec::new();
    for number in 0..CONVS {
        all.push((conv(number), messages(store, conv(number)).await));
    }
    // What the killed one had begun may still be carried out where the store is, and the log may wait for that.
    let patience = Instant::now();
    let log = loop {
        let log = log(store).await;
        let behind =
            |(conv, messages): &&(ConvId, Vec<Message>)| messages.len() >= log.get(conv).map_or(1, Vec::len);
        match all.iter().find(behind) {
            Some((conv, _)) if patience.elapsed() > PATIENCE => panic!("the log of {conv} has gaps"),
            Some(_) => tokio::task::yield_now().await,
            None => break log,
        }
    };
    let mut total = 0;
    for (conv, messages) in all {
        let mut cids = BTreeMap::new();
        for (message, seq) in messages.iter().zip(1..) {
            assert_eq!(message.seq.0, seq, "the messages have gaps");
            let cid = message.cid.as_deref().unwrap();
            let content = std::str::from_utf8(message.body.content.as_deref().unwrap()).unwrap();
            assert!(content == cid || content == cid.repeat(LONG.1), "{cid} is broken");
            assert!(cids.insert(cid, seq).is_none(), "{cid} is there twice");
            if seq % 97 == 1 {
                assert_eq!(store.sent(conv, me(), cid).await.unwrap().unwrap().seq, message.seq);
            }
        }
        let known = log.get(&conv).map_or(&[][..], Vec::as_slice);
        for ((_, seq), ack) in acked.0.range((conv, Seq(0))..=(conv, Seq(u64::MAX))) {
            assert_eq!(cids.get(ack.cid.as_str()), Some(&seq.0), "an acknowledged message is lost");
            // Nothing but messages has happened since the creation.
            let place = usize::try_from(seq.0).unwrap();
            assert!(ack.position.is_none_or(|position| known[place] == position), "{seq} is elsewhere");
        }
        total += messages.len();
    }
    total
}

async fn messages<S: Store>(store: &S, conv: ConvId) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    loop {
        let after = messages.last().map_or(Seq(0), |last| last.seq);
        let page = store.page(me(), conv, PageQuery::After(after), PAGE).await.unwrap();
        // It was killed before it had made the conversation.
        let Some(page) = page else { return messages };
        messages.extend(page.messages.into_iter().rev());
        if !page.more {
            return messages;
        }
    }
}

/// Reads the places of all entries, by conversation; those of a conversation have no gaps.
async fn log<S: Store>(store: &S) -> BTreeMap<ConvId, Vec<Position>> {
    let (mut after, mut known) = (Position(0), BTreeMap::<ConvId, Vec<Position>>::new());
    loop {
        let page = store.log(after, PAGE).await.unwrap();
        for entry in &page.entries {
            let places = known.entry(entry.conv).or_default();
            assert_eq!(entry.rev, Rev(places.len() as u64), "the log has gaps");
            assert!(places.last().is_none_or(|last| *last < entry.position), "the log has no order");
            places.push(entry.position);
        }
        after = page.position;
        if page.entries.len() < PAGE {
            return known;
        }
    }
}
