//! Acknowledged messages survive `kill -9` of a node and of the database's server.
//!
//! The binary runs itself again as the node that is killed: with the variable [`VICTIM`] set it opens the store that the
//! variable names, sends without end, and prints every acknowledgement. `MVCHAT_CRASH_ROUNDS` asks for more rounds.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "this binary is a test")]

#[path = "../../xtask/src/postgres.rs"]
mod postgres;
mod support;

use libtest_mimic::{Arguments, Failed, Trial};
use mvchat_core::policy::{ConvKind, ConvSettings};
use mvchat_core::proto::{ConvId, Epoch, MsgId, Position, Role, Seq, UserId};
use mvchat_core::seam::{
    Append, Change, ConversationStore, MessageStore, NewConversation, Op, Outcome, PageQuery,
};
use mvchat_core::time::Timestamp;
use mvchat_store_postgres::PgStore;
use postgres::Postgres;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use support::Database;
use uuid::Uuid;

const VICTIM: &str = "MVCHAT_CRASH_VICTIM";
const CONVS: u64 = 3;
const SENDERS: u64 = 8;

/// What was acknowledged, by conversation and `seq`.
type Acked = BTreeMap<(u64, u64), String>;

fn main() -> ExitCode {
    if let Ok(database) = std::env::var(VICTIM) {
        let (schema, url) = database.split_once(' ').unwrap();
        victim(Database { url: url.to_owned(), schema: schema.to_owned() });
    }
    if Database::address().is_none() {
        return support::left_out("what a crash leaves of the PostgreSQL store");
    }
    let trials = vec![
        Trial::test("acknowledged_messages_survive_the_death_of_a_node", node_dies),
        Trial::test("acknowledged_messages_survive_the_death_of_the_server", server_dies),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn rounds(short: u64) -> u64 {
    std::env::var("MVCHAT_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(short)
}

fn me() -> UserId {
    UserId(Uuid::from_u128(1))
}

fn conv(number: u64) -> ConvId {
    ConvId(Uuid::from_u128(u128::from(number)))
}

/// Sends from several tasks until it is killed. Every text is the message's cid.
#[tokio::main]
async fn victim(database: Database) -> ! {
    let store = database.open().await;
    for number in 0..CONVS {
        let new = NewConversation {
            id: conv(number),
            kind: ConvKind::Group,
            members: [(me(), Role::Owner)].into(),
            owner: Some(me()),
            cid: Some(number.to_string()),
            settings: ConvSettings::default(),
            max_per_user: None,
            at: Timestamp::from_micros(1),
        };
        store.create_conversation(new).await.unwrap();
    }
    let senders: Vec<_> = (0..SENDERS).map(|sender| tokio::spawn(send(store.clone(), sender))).collect();
    for sender in senders {
        sender.await.unwrap();
    }
    unreachable!("the senders never end")
}

async fn send(store: PgStore, sender: u64) {
    for number in 0_u64.. {
        let conv = conv((sender + number) % CONVS);
        let cid = format!("{}-{sender}-{number}", std::process::id());
        let op = Op::Append(Append {
            id: MsgId(Uuid::nil()),
            from: Some(me()),
            cid: Some((cid.clone(), [7; 32])),
            content: cid.clone().into(),
            reply_to: None,
            view_once: None,
            expires_in: None,
            event: None,
            pace: None,
            mentions: Vec::new(),
        });
        let change = Change { conv, actor: me(), epoch: Epoch(0), at: Timestamp::from_micros(2), op };
        // Two in one statement now and then; the second is a change that is refused.
        let stale = Change { epoch: Epoch(9), ..change.clone() };
        let seq = loop {
            let batch =
                if number % 3 == 0 { vec![change.clone(), stale.clone()] } else { vec![change.clone()] };
            match store.commit(batch).await.map(|outcomes| outcomes.into_iter().next()) {
                Ok(Some(Outcome::Done(done))) => break done.message.unwrap().seq,
                Ok(Some(Outcome::Replay(sent))) => break sent.seq,
                Ok(other) => panic!("{other:?}"),
                // Nobody knows what became of it: it is sent again.
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{} {seq} {cid}", conv.0.as_u128()).unwrap();
    }
}

/// A node under load.
struct Victim {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Victim {
    fn start(database: &Database) -> Self {
        let names = format!("{} {}", database.schema, database.url);
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.env(VICTIM, names).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Reads an acknowledgement; there is none after the end.
    fn read(&mut self, acked: &mut Acked) -> bool {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        // The last line may be cut.
        let Some(whole) = line.strip_suffix('\n') else { return false };
        let [conv, seq, cid] = whole.split(' ').collect::<Vec<_>>()[..] else { panic!("{whole}") };
        let earlier = acked.insert((conv.parse().unwrap(), seq.parse().unwrap()), cid.to_owned());
        assert!(earlier.is_none(), "conversation {conv} has two messages {seq}: {earlier:?} and {cid}");
        true
    }

    /// Kills it and reads what had left it.
    fn kill(mut self, acked: &mut Acked) {
        self.child.kill().unwrap();
        while self.read(acked) {}
        self.child.wait().unwrap();
    }
}

fn node_dies() -> Result<(), Failed> {
    let database = Database::fresh();
    let mut acked = Acked::new();
    let mut random = u64::from(std::process::id());
    for round in 0..rounds(8) {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut victim = Victim::start(&database);
        for _ in 0..1 + (random >> 33) % 300 {
            assert!(victim.read(&mut acked), "the victim ended by itself");
        }
        victim.kill(&mut acked);
        check(round, &database, &acked);
    }
    Ok(())
}

fn server_dies() -> Result<(), Failed> {
    let mut server = Postgres::start()?;
    let database = Database { url: server.url(), schema: "crash".to_owned() };
    let mut acked = Acked::new();
    let mut victim = Victim::start(&database);
    for round in 0..rounds(4) {
        for _ in 0..100 + 37 * round % 200 {
            assert!(victim.read(&mut acked), "the victim ended by itself");
        }
        server.kill();
        server.resume()?;
        // The node goes on by itself.
        for _ in 0..100 {
            assert!(victim.read(&mut acked), "the victim ended by itself");
        }
        check(round, &database, &acked);
    }
    victim.kill(&mut acked);
    check(u64::MAX, &database, &acked);
    drop(database);
    Ok(())
}

#[tokio::main]
async fn check(round: u64, database: &Database, acked: &Acked) {
    let store = database.open().await;
    for number in 0..CONVS {
        let mut cids = BTreeMap::new();
        let mut last = 0;
        loop {
            let page =
                store.page(me(), conv(number), PageQuery::After(Seq(last)), 1_000).await.unwrap().unwrap();
            let more = page.more;
            for message in page.messages.into_iter().rev() {
                last += 1;
                assert_eq!(message.seq.0, last, "round {round}: the messages have gaps");
                let cid = message.cid.unwrap();
                assert_eq!(message.body.content.as_deref(), Some(cid.as_bytes()), "round {round}");
                assert!(cids.insert(cid, last).is_none(), "round {round}: a message is there twice");
            }
            if !more {
                break;
            }
        }
        for ((_, seq), cid) in acked.range((number, 0)..(number + 1, 0)) {
            assert_eq!(cids.get(cid), Some(seq), "round {round}: an acknowledged message is lost");
        }
    }
    let (mut after, mut revs) = (Position(0), BTreeMap::new());
    loop {
        let page = store.log(after, 1_000).await.unwrap();
        for entry in &page.entries {
            let next = revs.entry(entry.conv).or_insert(0);
            assert_eq!(entry.rev.0, *next, "round {round}: the log has gaps");
            *next += 1;
        }
        after = page.position;
        if page.entries.len() < 1_000 {
            break;
        }
    }
    assert_eq!(store.verify().await.unwrap(), Vec::<String>::new());
    store.pool().close().await;
}
