//! How many durable appends a second does the store make on this disk?
//!
//! `cargo run --release -p mvchat-store-sled --example durable [folder]`
//!
//! Each round measures the disk alone, and then with 1, 16, 64 and 256 senders that each wait for their answer:
//! * the floor: a thread that appends 300 bytes to a file for everyone who waits, one `fdatasync` for them all;
//! * the store: 300 bytes into one of 1,000 conversations;
//! * the engine: a text of 250 bytes, checked, sealed, kept and published, into one of the same conversations.
//!
//! The table shows the medians of the rounds. The folder should be on the disk in question; it is a fresh temporary
//! one below the current folder if absent.

use mvchat_core::policy::{ConvKind, ConvSettings};
use mvchat_core::proto::{ConvId, Epoch, Json, MsgId, Role, SendMessage, UserId};
use mvchat_core::seam::{
    Append, Change, ConversationStore, MessageStore, NewConversation, Op, Outcome, StoreError,
};
use mvchat_core::time::Timestamp;
use mvchat_core::{Chat, Keys};
use mvchat_store_sled::SledStore;
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use uuid::Uuid;

const ROUNDS: usize = 5;
const SENDERS: [usize; 4] = [1, 16, 64, 256];
const CONVS: usize = 1_000;
const SPAN: Duration = Duration::from_secs(1);
const BYTES: usize = 300;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let temporary = tempfile::tempdir_in(".")?;
    let folder = std::env::args_os().nth(1).map_or(temporary.path().to_owned(), PathBuf::from);
    let store = SledStore::open(folder.join("chat-data"))?;
    for number in 0..CONVS {
        store.create_conversation(group(number)).await?;
    }
    let mut disk = Vec::new();
    let mut floors = SENDERS.map(|_| Vec::new());
    let mut stores = SENDERS.map(|_| Vec::new());
    let mut engines = SENDERS.map(|_| Vec::new());
    let chat = Chat::builder(store.clone()).keys(Keys::ephemeral()).build().await?;
    chat.add_user(me(), None).await?;
    for _ in 0..ROUNDS {
        disk.push(syncs_a_second(&folder)?);
        for (index, senders) in SENDERS.into_iter().enumerate() {
            floors[index].push(floor(&folder, senders).await?);
            stores[index].push(appends_a_second(&store, senders).await?);
            engines[index].push(sends_a_second(&chat, senders).await?);
        }
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "per second, medians of {ROUNDS} rounds; the disk alone syncs {:.0} appends",
        median(&mut disk)
    )?;
    writeln!(out, "senders     floor     store  ratio    engine  ratio")?;
    for (index, senders) in SENDERS.into_iter().enumerate() {
        let (floor, store) = (median(&mut floors[index]), median(&mut stores[index]));
        let engine = median(&mut engines[index]);
        write!(out, "{senders:>7} {floor:>9.0} {store:>9.0}   {:.2}", store / floor)?;
        writeln!(out, " {engine:>9.0}   {:.2}", engine / floor)?;
    }
    Ok(())
}

fn me() -> UserId {
    UserId(Uuid::from_u128(1))
}

fn conv(number: usize) -> ConvId {
    ConvId(Uuid::from_u128(number as u128))
}

fn group(number: usize) -> NewConversation {
    NewConversation {
        id: conv(number),
        kind: ConvKind::Group,
        members: [(me(), Role::Owner), (UserId(Uuid::from_u128(2)), Role::Member)].into(),
        owner: Some(me()),
        cid: Some(number.to_string()),
        settings: ConvSettings::default(),
        max_per_user: None,
        at: Timestamp::from_micros(1),
    }
}

/// Measures what the disk itself can do.
fn syncs_a_second(folder: &Path) -> std::io::Result<f64> {
    let path = folder.join("append");
    let mut file = File::create(&path)?;
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < SPAN {
        file.write_all(&[b'x'; BYTES])?;
        file.sync_data()?;
        count += 1;
    }
    std::fs::remove_file(path)?;
    Ok(f64::from(count) / SPAN.as_secs_f64())
}

/// Measures what group commit into a bare file can do.
async fn floor(folder: &Path, senders: usize) -> Result<f64, Box<dyn Error>> {
    let path = folder.join("floor");
    let file = File::create(&path)?;
    let (jobs, waiting) = sync_channel(4_096);
    let writer = std::thread::spawn(move || write_floor(file, &waiting));
    let start = Instant::now();
    let tasks: Vec<_> = (0..senders).map(|_| tokio::spawn(send_floor(jobs.clone(), start))).collect();
    let mut count = 0;
    for task in tasks {
        count += task.await?;
    }
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    drop(jobs);
    writer.join().map_err(|_| "the floor's writer panicked")??;
    std::fs::remove_file(path)?;
    Ok(rate)
}

fn write_floor(mut file: File, waiting: &Receiver<oneshot::Sender<()>>) -> std::io::Result<()> {
    while let Ok(first) = waiting.recv() {
        let jobs: Vec<_> = std::iter::once(first).chain(waiting.try_iter().take(511)).collect();
        file.write_all(&vec![b'x'; BYTES * jobs.len()])?;
        file.sync_data()?;
        for job in jobs {
            // A sender that has gone needs no answer.
            let _ = job.send(());
        }
    }
    Ok(())
}

async fn send_floor(jobs: SyncSender<oneshot::Sender<()>>, start: Instant) -> u32 {
    let mut count = 0;
    while start.elapsed() < SPAN {
        let (answer, answered) = oneshot::channel();
        if jobs.send(answer).is_err() || answered.await.is_err() {
            break;
        }
        count += 1;
    }
    count
}

async fn appends_a_second(store: &SledStore, senders: usize) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    let tasks: Vec<_> = (0..senders).map(|sender| tokio::spawn(send(store.clone(), sender, start))).collect();
    let mut count = 0;
    for task in tasks {
        count += task.await??;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

async fn sends_a_second(chat: &Chat, senders: usize) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    let tasks: Vec<_> = (0..senders).map(|sender| tokio::spawn(speak(chat.clone(), sender, start))).collect();
    let mut count = 0;
    for task in tasks {
        count += task.await??;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

/// Speaks until the time is over; returns how many messages were acknowledged.
async fn speak(chat: Chat, sender: usize, start: Instant) -> Result<u32, mvchat_core::Error> {
    let (actor, content) = (chat.act_as(me()), Json::from_value(&"x".repeat(250)));
    let mut count = 0;
    while start.elapsed() < SPAN {
        let mut message = SendMessage::new(conv((sender * 17 + count as usize) % CONVS), content.clone());
        message.cid = Some(Uuid::now_v7().to_string());
        actor.send_message(message).await?;
        count += 1;
    }
    Ok(count)
}

/// Sends until the time is over; returns how many were kept.
async fn send(store: SledStore, sender: usize, start: Instant) -> Result<u32, StoreError> {
    let mut count = 0;
    while start.elapsed() < SPAN {
        let conv = conv((sender * 17 + count as usize) % CONVS);
        let op = Op::Append(Append {
            id: MsgId(Uuid::nil()),
            from: Some(me()),
            cid: Some((Uuid::now_v7().to_string(), [0; 32])),
            content: vec![b'x'; BYTES].into(),
            reply_to: None,
            view_once: None,
            expires_in: None,
            event: None,
            pace: None,
            mentions: Vec::new(),
        });
        let change =
            Change { conv, actor: me(), epoch: Epoch(0), warrant: None, at: Timestamp::from_micros(2), op };
        let outcomes = store.commit(vec![change]).await?;
        assert!(matches!(outcomes[..], [Outcome::Done(_)]), "{outcomes:?}");
        count += 1;
    }
    Ok(count)
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
