//! Acknowledged messages survive `kill -9`.
//!
//! The binary runs itself again as the one that is killed: with the variable [`VICTIM`] set it opens the store in
//! that folder, sends without end, and prints every acknowledgement.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "this binary is a test")]

use libtest_mimic::{Arguments, Failed, Trial};
use mvchat_core::policy::{ConvKind, ConvSettings};
use mvchat_core::proto::{ConvId, Epoch, MsgId, Position, Role, UserId};
use mvchat_core::seam::{
    Append, Change, ConversationStore, MessageStore, NewConversation, Op, Outcome, PageQuery,
};
use mvchat_core::time::Timestamp;
use mvchat_store_sled::SledStore;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use uuid::Uuid;

const VICTIM: &str = "MVCHAT_CRASH_VICTIM";
const ROUNDS: u64 = 15;
const CONVS: u64 = 3;
const SENDERS: u64 = 8;

fn main() -> ExitCode {
    if let Some(dir) = std::env::var_os(VICTIM) {
        victim(Path::new(&dir));
    }
    let trial = Trial::test("acknowledged_messages_survive_kill_9", survive);
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

fn open(dir: &Path) -> SledStore {
    SledStore::options().ballast(0).cache(1 << 20).open(dir).unwrap()
}

fn me() -> UserId {
    UserId(Uuid::from_u128(1))
}

fn conv(number: u64) -> ConvId {
    ConvId(Uuid::from_u128(u128::from(number)))
}

/// Sends from several tasks until it is killed. Every text is the message's cid.
#[tokio::main]
async fn victim(dir: &Path) -> ! {
    let store = open(dir);
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

async fn send(store: SledStore, sender: u64) {
    for number in 0_u64.. {
        let conv = conv((sender + number) % CONVS);
        let cid = format!("{}-{sender}-{number}", std::process::id());
        // Now and then a text that is cut into pieces.
        let content = cid.repeat(if number % 7 == 0 { 500 } else { 1 });
        let op = Op::Append(Append {
            id: MsgId(Uuid::nil()),
            from: Some(me()),
            cid: Some((cid.clone(), [7; 32])),
            content: content.into(),
            reply_to: None,
            view_once: None,
            expires_in: None,
            event: None,
            pace: None,
            mentions: Vec::new(),
        });
        let change = Change { conv, actor: me(), epoch: Epoch(0), at: Timestamp::from_micros(2), op };
        let Some(Outcome::Done(done)) = store.commit(vec![change]).await.unwrap().pop() else { panic!() };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{} {} {cid} {}", conv.0.as_u128(), done.message.unwrap().seq, done.position).unwrap();
    }
}

fn survive() -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let mut acked = BTreeMap::new();
    let mut random = u64::from(std::process::id());
    for round in 0..ROUNDS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let enough = 1 + (random >> 33) % 500;
        kill_after(enough, dir.path(), &mut acked)?;
        check(round, dir.path(), &acked);
    }
    Ok(())
}

/// Lets a victim send until so many acknowledgements were read, kills it, and reads the others that left it.
fn kill_after(
    enough: u64,
    dir: &Path,
    acked: &mut BTreeMap<(u64, u64), (String, u64)>,
) -> Result<(), Failed> {
    let mut victim =
        Command::new(std::env::current_exe()?).env(VICTIM, dir).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(victim.stdout.take().ok_or("no output")?);
    let mut line = String::new();
    let mut read = 0;
    while lines.read_line(&mut line)? > 0 {
        // The last line may be cut.
        let Some(whole) = line.strip_suffix('\n') else { break };
        let [conv, seq, cid, position] = whole.split(' ').collect::<Vec<_>>()[..] else { panic!("{whole}") };
        let earlier = acked.insert((conv.parse()?, seq.parse()?), (cid.to_owned(), position.parse()?));
        assert!(earlier.is_none(), "conversation {conv} has two messages {seq}: {earlier:?} and {cid}");
        line.clear();
        read += 1;
        if read == enough {
            victim.kill()?;
        }
    }
    assert!(read >= enough, "the victim ended by itself");
    victim.wait()?;
    Ok(())
}

#[tokio::main]
async fn check(round: u64, dir: &Path, acked: &BTreeMap<(u64, u64), (String, u64)>) {
    let store = open(dir);
    let mut stored = 0;
    for number in 0..CONVS {
        let page = store.page(me(), conv(number), PageQuery::Newest, usize::MAX).await.unwrap().unwrap();
        let seqs = page.messages.iter().rev().map(|message| message.seq.0);
        assert!(seqs.eq(1..=page.rev.0), "round {round}: the messages have gaps");
        for message in &page.messages {
            let cid = message.cid.as_deref().unwrap();
            let content = std::str::from_utf8(message.body.content.as_deref().unwrap()).unwrap();
            assert!(content == cid || content == cid.repeat(500), "round {round}: {cid} is broken");
            let sent = store.sent(conv(number), me(), cid).await.unwrap().unwrap();
            assert_eq!(sent.seq, message.seq);
        }
        stored += page.messages.len();
        for ((_, seq), (cid, _)) in acked.range((number, 0)..(number + 1, 0)) {
            let place =
                usize::try_from(page.rev.0.checked_sub(*seq).expect("an acked message is lost")).unwrap();
            assert_eq!(page.messages[place].cid.as_ref(), Some(cid), "round {round}: {seq} is another");
        }
    }
    let log = store.log(Position(0), usize::MAX).await.unwrap();
    assert_eq!(log.entries.len(), stored + usize::try_from(CONVS).unwrap(), "round {round}");
    let positions: Vec<u64> = log.entries.iter().map(|entry| entry.position.0).collect();
    assert!(positions.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(acked.values().all(|(_, position)| positions.binary_search(position).is_ok()));
}
