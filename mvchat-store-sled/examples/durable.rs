//! How many durable appends a second does the store make on this disk?
//!
//! `cargo run --release -p mvchat-store-sled --example durable [folder]`
//!
//! Each round measures the disk alone (append 300 bytes, `fdatasync`) and then the store with 1, 16 and 64 senders
//! that each wait for their answer, over many conversations. The table shows the medians of the rounds. The
//! folder should be on the disk in question; it is a fresh temporary one below the current folder if absent.

use mvchat_core::policy::{ConvKind, ConvSettings};
use mvchat_core::proto::{ConvId, Epoch, MsgId, Role, UserId};
use mvchat_core::seam::{
    Append, Change, ConversationStore, MessageStore, NewConversation, Op, Outcome, StoreError,
};
use mvchat_core::time::Timestamp;
use mvchat_store_sled::SledStore;
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use uuid::Uuid;

const ROUNDS: usize = 5;
const SENDERS: [usize; 3] = [1, 16, 64];
const CONVS: usize = 1_000;
const SPAN: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let temporary = tempfile::tempdir_in(".")?;
    let folder = std::env::args_os().nth(1).map_or(temporary.path().to_owned(), PathBuf::from);
    let store = SledStore::open(folder.join("chat-data"))?;
    for number in 0..CONVS {
        store.create_conversation(group(number)).await?;
    }
    let mut disk = Vec::new();
    let mut sends = SENDERS.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        disk.push(syncs_a_second(&folder)?);
        for (senders, rates) in SENDERS.into_iter().zip(&mut sends) {
            rates.push(appends_a_second(&store, senders).await?);
        }
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "medians of {ROUNDS} rounds")?;
    writeln!(out, "append + fdatasync, one after the other {:>9.0} /s", median(&mut disk))?;
    for (senders, rates) in SENDERS.into_iter().zip(&mut sends) {
        writeln!(out, "durable appends, {senders:>2} senders             {:>9.0} /s", median(rates))?;
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
        at: Timestamp::from_micros(1),
    }
}

/// Measures what the disk itself can do.
fn syncs_a_second(folder: &Path) -> std::io::Result<f64> {
    let path = folder.join("append");
    let mut file = File::create(&path)?;
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < SPAN {
        file.write_all(&[b'x'; 300])?;
        file.sync_data()?;
        count += 1;
    }
    std::fs::remove_file(path)?;
    Ok(f64::from(count) / SPAN.as_secs_f64())
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

/// Sends until the time is over; returns how many were kept.
async fn send(store: SledStore, sender: usize, start: Instant) -> Result<u32, StoreError> {
    let mut count = 0;
    while start.elapsed() < SPAN {
        let conv = conv((sender * 17 + count as usize) % CONVS);
        let op = Op::Append(Append {
            id: MsgId(Uuid::nil()),
            from: Some(me()),
            cid: Some((Uuid::now_v7().to_string(), [0; 32])),
            content: vec![b'x'; 300].into(),
            reply_to: None,
            view_once: None,
            mentions: Vec::new(),
        });
        let change = Change { conv, actor: me(), epoch: Epoch(0), at: Timestamp::from_micros(2), op };
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
