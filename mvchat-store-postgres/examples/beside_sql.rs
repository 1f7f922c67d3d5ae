//! How many durable sends a second does the engine make on a PostgreSQL server, beside raw SQL of the same shape?
//!
//! `cargo xtask bench store`, or `cargo run --release -p mvchat-store-postgres --example beside_sql <address>`; with the
//! word `engine` behind the address the engine alone, for profiles.
//!
//! In each round 1, 16 and 64 senders that each wait for their answer write into 1,000 conversations, and then into a
//! single one, with the same connections' worth of writers, on the same server, one after the other:
//! * bare: 300 bytes by a statement that numbers and inserts whatever waits, into a table with a primary key only;
//! * raw: the same into copies of the store's tables, so with the same columns, bytes and indexes, but without a check;
//! * marked: the same, and the sender's row among the members is written, as every send does it: whoever has read
//!   everything before it has read it, too. So these are the very rows that a send writes;
//! * the engine: a text of 250 bytes, checked, sealed, kept, published, and marked as read by its sender.
//!
//! The table shows the medians of the rounds, and how the engine compares with the second and the third. The tables are
//! in the schemas `bench` and `bench_raw`, which are dropped before and after.

use mvchat_core::policy::{ConvKind, ConvSettings};
use mvchat_core::proto::{ConvId, Json, Role, SendMessage, UserId};
use mvchat_core::seam::{ConversationStore, NewConversation};
use mvchat_core::time::Timestamp;
use mvchat_core::{Chat, Keys};
use mvchat_load::{Rows, Shape};
use mvchat_store_postgres::PgStore;
use sqlx::postgres::PgPoolOptions;
use std::error::Error;
use std::io::Write;
use std::time::{Duration, Instant};
use uuid::Uuid;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const ROUNDS: usize = 3;
const SENDERS: [usize; 3] = [1, 16, 64];
/// Into how many conversations.
const SPREADS: [usize; 2] = [1_000, 1];
const SHARDS: usize = 4;
const SPAN: Duration = Duration::from_secs(2);

const DROP: &str = "drop schema if exists bench cascade; drop schema if exists bench_raw cascade";

#[tokio::main]
async fn main() -> Outcome<()> {
    let url = std::env::args().nth(1).ok_or("name the address of a database")?;
    // As the store's own: a connection that is in use is not asked first whether it is there.
    let plain = PgPoolOptions::new().test_before_acquire(false).connect(&url).await?;
    sqlx::raw_sql(DROP).execute(&plain).await?;
    let store = PgStore::options().schema("bench").accept_weak_durability().open(&url).await?;
    for number in 0..SPREADS[0] {
        store.create_conversation(group(number)).await?;
    }
    let convs = (0..SPREADS[0]).map(|number| conv(number).0).collect();
    let rows = Rows::make(plain.clone(), convs, true).await?;
    let chat = Chat::builder(store.clone()).keys(Keys::ephemeral()).commit_shards(SHARDS).build().await?;
    chat.add_user(me(), None).await?;
    let alone = std::env::args().nth(2).is_some_and(|word| word == "engine");
    let mut out = std::io::stdout().lock();
    writeln!(out, "per second, medians of {ROUNDS} rounds")?;
    writeln!(out, "conversations  senders      bare       raw    marked    engine  of raw  of marked")?;
    for spread in SPREADS {
        for senders in SENDERS {
            let [mut bare, mut raw, mut marked, mut engine] = [const { Vec::new() }; 4];
            for _ in 0..ROUNDS {
                let shapes =
                    [(Shape::Bare, &mut bare), (Shape::Same, &mut raw), (Shape::Marked, &mut marked)];
                for (shape, rates) in shapes.into_iter().filter(|_| !alone) {
                    rates.push(rows.insert(shape, senders, spread, SPAN).await?.rate);
                }
                engine.push(sends_a_second(&chat, senders, spread).await?);
            }
            let [bare, raw, marked, engine] = [bare, raw, marked, engine].map(median);
            let (of_raw, of_marked) = (engine / raw, engine / marked);
            write!(out, "{spread:>13} {senders:>8} {bare:>9.0} {raw:>9.0} {marked:>9.0} {engine:>9.0}")?;
            writeln!(out, "    {of_raw:.2}       {of_marked:.2}")?;
        }
    }
    sqlx::raw_sql(DROP).execute(&plain).await?;
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

async fn sends_a_second(chat: &Chat, senders: usize, spread: usize) -> Outcome<f64> {
    let start = Instant::now();
    let tasks = (0..senders).map(|sender| tokio::spawn(speak(chat.clone(), sender, spread, start)));
    let mut count = 0;
    for task in tasks.collect::<Vec<_>>() {
        count += task.await??;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

/// Speaks until the time is over; returns how many messages were acknowledged.
async fn speak(chat: Chat, sender: usize, spread: usize, start: Instant) -> Result<u32, mvchat_core::Error> {
    let (actor, content) = (chat.act_as(me()), Json::from_value(&"x".repeat(250)));
    let mut count = 0;
    while start.elapsed() < SPAN {
        let mut message = SendMessage::new(conv((sender * 17 + count as usize) % spread), content.clone());
        message.cid = Some(Uuid::new_v4().to_string());
        actor.send_message(message).await?;
        count += 1;
    }
    Ok(count)
}

/// Returns the median; no number if nothing was measured.
fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN)
}
