//! The rows of messages, inserted into PostgreSQL in batches by raw SQL: what durable sends cost without a messenger.

use crate::Tried;
use crate::args::RowsArgs;
use crate::database::Database;
use crate::latency::Samples;
use crate::outcome::Outcome;
use crate::run::Usage;
use crate::scenario::Scene;
use sqlx::PgPool;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// How many writers there are; each takes all that waits for it.
const WRITERS: usize = 4;
/// How much a batch may have.
const BATCH: usize = 512;
/// A text of 250 bytes, sealed.
const BYTES: usize = 300;

const BARE_TABLES: &str = "create schema bench_raw; create table bench_raw.bare_conversations (id uuid primary key, \
     last_seq bigint not null) with (fillfactor = 70); create table bench_raw.bare_messages (conv uuid, seq bigint, \
     id uuid, sender uuid, ts bigint, content bytea, primary key (conv, seq))";
const SAME_TABLES: &str = "create table bench_raw.conversations (like bench.conversations including all) with \
     (fillfactor = 70); create table bench_raw.messages (like bench.messages including all); \
     insert into bench_raw.conversations (id, kind, epoch, created_at, settings, active, found, touched) \
     select id, kind, epoch, created_at, settings, active, found, touched from bench.conversations; \
     create table bench_raw.members (like bench.members including all) with (fillfactor = 70); \
     insert into bench_raw.members select * from bench.members";
const CONVERSATIONS: &str =
    "insert into bench_raw.bare_conversations select id, 0 from unnest($1::uuid[]) id";
const BARE: &str = "with item as (select * from unnest($1::uuid[], $2::bytea[]) with ordinality as i(conv, content, ord)), \
     bumped as (update bench_raw.bare_conversations c set last_seq = c.last_seq + n.count from (select i.conv, count(*) \
     from item i group by i.conv order by i.conv) n where c.id = n.conv returning c.id, c.last_seq - n.count as before) \
     insert into bench_raw.bare_messages select i.conv, b.before + row_number() over (partition by i.conv order by i.ord), \
     gen_random_uuid(), i.conv, 1, i.content from item i join bumped b on b.id = i.conv";
/// A statement for the copies of the store's tables; `$marked` writes what else a message changes.
macro_rules! same {
    ($marked:literal) => {
        concat!(
            "with item as (select * from unnest($1::uuid[], $2::bytea[]) with ordinality as i(conv, content, ord)), \
             bumped as (update bench_raw.conversations c set last_seq = c.last_seq + n.count, rev = c.rev + n.count, \
             last_at = 1, touched = (pg_current_xact_id()::text::bigint << 10) from (select i.conv, count(*) \
             from item i group by i.conv order by i.conv) n where c.id = n.conv \
             returning c.id, c.last_seq - n.count as before), \
             numbered as (select i.*, b.before + row_number() over (partition by i.conv order by i.ord) as seq \
             from item i join bumped b on b.id = i.conv)",
            $marked,
            " insert into bench_raw.messages (conv, seq, rev, born_rev, pos, id, sender, ts, content, cid, print) \
             select conv, seq, seq, seq, (pg_current_xact_id()::text::bigint << 10) + ord, gen_random_uuid(), conv, 1, \
             content, gen_random_uuid()::text::bytea, decode(repeat('ab', 32), 'hex') from numbered"
        )
    };
}
const SAME: &str = same!("");
const MARKED: &str = same!(
    ", marked as (update bench_raw.members m set read_seq = greatest(m.read_seq, n.last), \
     recv_seq = greatest(m.recv_seq, n.last) from (select i.conv, max(i.seq) as last from numbered i group by i.conv) n \
     where m.conv = n.conv and m.user_id = '00000000-0000-0000-0000-000000000001')"
);

/// Which tables the rows go into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// Five columns and a primary key, and a statement that numbers and inserts.
    Bare,
    /// Copies of the tables that the store has in the schema `bench`, with the same columns and indexes.
    Same,
    /// The same, and the mark of a member: user 1 has read what there is.
    Marked,
}

/// Inserts rows in batches, and nothing else, in the schema `bench_raw`.
#[derive(Clone, Debug)]
pub struct Rows {
    pool: PgPool,
    convs: Vec<Uuid>,
}

/// What came of inserting for a while.
#[derive(Debug)]
#[non_exhaustive]
pub struct Inserted {
    /// Rows per second.
    pub rate: f64,
    pub(crate) count: u64,
    pub(crate) took: Samples,
}

/// A message that waits for its commit.
type Job = (Uuid, oneshot::Sender<()>);

impl Rows {
    /// Makes the tables for these conversations; with those of the shape [`Shape::Same`] if the schema `bench` is there.
    ///
    /// # Errors
    /// If the schema `bench_raw` is there already, or with what the server says.
    pub async fn make(pool: PgPool, convs: Vec<Uuid>, same: bool) -> Tried<Self> {
        sqlx::raw_sql(BARE_TABLES).execute(&pool).await?;
        sqlx::query(CONVERSATIONS).bind(&convs).execute(&pool).await?;
        if same {
            sqlx::raw_sql(SAME_TABLES).execute(&pool).await?;
        }
        Ok(Self { pool, convs })
    }

    /// Lets so many senders write into so many of the conversations, each as soon as its last row is committed.
    ///
    /// # Errors
    /// With what the server says.
    pub async fn insert(
        &self,
        shape: Shape,
        senders: usize,
        spread: usize,
        length: Duration,
    ) -> Tried<Inserted> {
        let statement = match shape {
            Shape::Bare => BARE,
            Shape::Same => SAME,
            Shape::Marked => MARKED,
        };
        let writer = |_| {
            let (queue, jobs) = mpsc::channel(4_096);
            (queue, tokio::spawn(write(statement, self.pool.clone(), jobs)))
        };
        let (queues, writers): (Vec<_>, Vec<_>) = (0..WRITERS).map(writer).unzip();
        let start = Instant::now();
        let send = |sender| {
            let convs = self.convs[..spread.clamp(1, self.convs.len())].to_vec();
            tokio::spawn(send(queues.clone(), convs, sender, start, length))
        };
        let mut took = Samples::default();
        for task in (0..senders).map(send).collect::<Vec<_>>() {
            took.append(task.await??);
        }
        let (count, rate) = (took.len(), took.len() as f64 / start.elapsed().as_secs_f64());
        drop(queues);
        for writer in writers {
            writer.await??;
        }
        Ok(Inserted { rate, count, took })
    }
}

async fn send(
    queues: Vec<mpsc::Sender<Job>>,
    convs: Vec<Uuid>,
    sender: usize,
    start: Instant,
    length: Duration,
) -> Tried<Samples> {
    let mut took = Samples::default();
    for count in 0.. {
        let before = Instant::now();
        if before.duration_since(start) >= length {
            break;
        }
        let conv = convs[(sender * 17 + count) % convs.len()];
        let (answer, answered) = oneshot::channel();
        queues[usize::from(conv.as_bytes()[15]) % WRITERS].send((conv, answer)).await?;
        answered.await?;
        took.add(u64::try_from(before.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    Ok(took)
}

async fn write(
    statement: &'static str,
    pool: PgPool,
    mut jobs: mpsc::Receiver<Job>,
) -> Result<(), sqlx::Error> {
    let mut batch = Vec::new();
    while jobs.recv_many(&mut batch, BATCH).await > 0 {
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

/// Inserts as many rows at once as there are messages on their way in the scenario.
///
/// # Errors
/// If the run can't be made.
pub(crate) async fn run(args: &RowsArgs, scene: &Scene) -> Tried<Outcome> {
    let server = scene.plan.database.as_deref().ok_or("the rows need --database-url")?;
    let database = Database::make(server).await?;
    let pool = PgPool::connect(&database.url).await?;
    let convs: Vec<Uuid> = (0..args.outstanding).map(|number| Uuid::from_u128(number as u128)).collect();
    let rows = Rows::make(pool.clone(), convs, false).await?;
    let before = Usage { database: database.cpu(), ..Usage::of(None) };
    let inserted = rows.insert(Shape::Bare, args.outstanding, args.outstanding, scene.length).await?;
    let used = Usage { database: database.cpu(), ..Usage::of(None) }.since(before);
    let name = format!("floor rows, {} at once", args.outstanding);
    let mut outcome = Outcome::new(name).with("at once", args.outstanding);
    outcome.figure("messages per second", inserted.rate, "1/s");
    outcome.used(used, inserted.count, "message");
    outcome.latency("send to ack", &inserted.took);
    pool.close().await;
    database.remove().await?;
    Ok(outcome)
}
