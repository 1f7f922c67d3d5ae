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
//!   everything before it has read it, too. So it writes the very rows that a send writes;
//! * the engine: a text of 250 bytes, checked, sealed, kept, published, and marked as read by its sender.
//!
//! The table shows the medians of the rounds, and how the engine compares with the second and the third. The tables are
//! in the schemas `bench` and `bench_raw`, which are dropped before and after.

use mvchat_core::policy::{ConvKind, ConvSettings};
use mvchat_core::proto::{ConvId, Json, Role, SendMessage, UserId};
use mvchat_core::seam::{ConversationStore, NewConversation};
use mvchat_core::time::Timestamp;
use mvchat_core::{Chat, Keys};
use mvchat_store_postgres::PgStore;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::error::Error;
use std::io::Write;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const ROUNDS: usize = 3;
const SENDERS: [usize; 3] = [1, 16, 64];
/// Into how many conversations.
const SPREADS: [usize; 2] = [1_000, 1];
const SHARDS: usize = 4;
const SPAN: Duration = Duration::from_secs(2);
const BYTES: usize = 300;

const DROP: &str = "drop schema if exists bench cascade; drop schema if exists bench_raw cascade";
const RAW_TABLES: &str = "create schema bench_raw; create table bench_raw.bare_conversations (id uuid primary key, \
     last_seq bigint not null) with (fillfactor = 70); create table bench_raw.bare_messages (conv uuid, seq bigint, \
     id uuid, sender uuid, ts bigint, content bytea, primary key (conv, seq)); \
     create table bench_raw.conversations (like bench.conversations including all) with (fillfactor = 70); \
     create table bench_raw.messages (like bench.messages including all); \
     create table bench_raw.members (like bench.members including all) with (fillfactor = 70); \
     insert into bench_raw.members select * from bench.members; \
     insert into bench_raw.conversations (id, kind, epoch, created_at, settings, active, found, touched) \
     select id, kind, epoch, created_at, settings, active, found, touched from bench.conversations; \
     insert into bench_raw.bare_conversations select id, 0 from bench.conversations";
const BARE: &str = "with item as (select * from unnest($1::uuid[], $2::bytea[]) with ordinality as i(conv, content, ord)), \
     bumped as (update bench_raw.bare_conversations c set last_seq = c.last_seq + n.count from (select i.conv, count(*) \
     from item i group by i.conv order by i.conv) n where c.id = n.conv returning c.id, c.last_seq - n.count as before) \
     insert into bench_raw.bare_messages select i.conv, b.before + row_number() over (partition by i.conv order by i.ord), \
     gen_random_uuid(), i.conv, 1, i.content from item i join bumped b on b.id = i.conv";
/// What the statements for the copies of the store's tables begin with.
macro_rules! raw {
    ($marked:literal) => {
        concat!("with item as (select * from unnest($1::uuid[], $2::bytea[]) with ordinality as i(conv, content, ord)), \
     bumped as (update bench_raw.conversations c set last_seq = c.last_seq + n.count, rev = c.rev + n.count, last_at = 1, \
     touched = (pg_current_xact_id()::text::bigint << 10) from (select i.conv, count(*) \
     from item i group by i.conv order by i.conv) n where c.id = n.conv returning c.id, c.last_seq - n.count as before), \
     numbered as (select i.*, b.before + row_number() over (partition by i.conv order by i.ord) as seq \
     from item i join bumped b on b.id = i.conv)", $marked, " \
     insert into bench_raw.messages (conv, seq, rev, born_rev, pos, id, sender, ts, content, cid, print) \
     select conv, seq, seq, seq, (pg_current_xact_id()::text::bigint << 10) + ord, gen_random_uuid(), conv, 1, content, \
     gen_random_uuid()::text::bytea, decode(repeat('ab', 32), 'hex') from numbered")
    };
}
const RAW: &str = raw!("");
const MARKED: &str = raw!(
    ", marked as (update bench_raw.members m set read_seq = greatest(m.read_seq, n.last), \
     recv_seq = greatest(m.recv_seq, n.last) from (select i.conv, max(i.seq) as last from numbered i group by i.conv) n \
     where m.conv = n.conv and m.user_id = '00000000-0000-0000-0000-000000000001')"
);

#[tokio::main]
async fn main() -> Outcome<()> {
    let url = std::env::args().nth(1).ok_or("name the address of a database")?;
    // As the store's own: a connection that is in use needs no question whether it is there.
    let plain = PgPoolOptions::new().test_before_acquire(false).connect(&url).await?;
    sqlx::raw_sql(DROP).execute(&plain).await?;
    let store = PgStore::options().schema("bench").accept_weak_durability().open(&url).await?;
    for number in 0..SPREADS[0] {
        store.create_conversation(group(number)).await?;
    }
    sqlx::raw_sql(RAW_TABLES).execute(&plain).await?;
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
                for (statement, rates) in [(BARE, &mut bare), (RAW, &mut raw), (MARKED, &mut marked)] {
                    if !alone {
                        rates.push(raw_a_second(statement, &plain, senders, spread).await?);
                    }
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

/// A message that waits for its commit.
type Job = (Uuid, oneshot::Sender<()>);

/// Measures bare statements, each with all that waited while the one before ran.
async fn raw_a_second(statement: &'static str, pool: &PgPool, senders: usize, spread: usize) -> Outcome<f64> {
    let writer = |_| {
        let (queue, jobs) = mpsc::channel(4_096);
        (queue, tokio::spawn(write_raw(statement, pool.clone(), jobs)))
    };
    let (queues, writers): (Vec<_>, Vec<_>) = (0..SHARDS).map(writer).unzip();
    let start = Instant::now();
    let send = |sender| tokio::spawn(send_raw(queues.clone(), sender, spread, start));
    let mut count = 0;
    for task in (0..senders).map(send).collect::<Vec<_>>() {
        count += task.await??;
    }
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    drop(queues);
    for writer in writers {
        writer.await??;
    }
    Ok(rate)
}

async fn send_raw(
    queues: Vec<mpsc::Sender<Job>>,
    sender: usize,
    spread: usize,
    start: Instant,
) -> Outcome<u32> {
    let mut count = 0;
    while start.elapsed() < SPAN {
        let conv = conv((sender * 17 + count as usize) % spread).0;
        let (answer, answered) = oneshot::channel();
        queues[usize::from(conv.as_bytes()[15]) % SHARDS].send((conv, answer)).await?;
        answered.await?;
        count += 1;
    }
    Ok(count)
}

async fn write_raw(statement: &'static str, pool: PgPool, mut jobs: mpsc::Receiver<Job>) -> Outcome<()> {
    let mut batch = Vec::new();
    while jobs.recv_many(&mut batch, 512).await > 0 {
        let convs: Vec<Uuid> = batch.iter().map(|(conv, _)| *conv).collect();
        let contents = vec![vec![b'x'; BYTES]; batch.len()];
        sqlx::query(statement).bind(convs).bind(contents).execute(&pool).await?;
        for (_, answer) in batch.drain(..) {
            // A sender that has gone needs no answer.
            let _ = answer.send(());
        }
        // As the engine does it: whoever was answered may have the next one at hand.
        tokio::task::yield_now().await;
    }
    Ok(())
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
