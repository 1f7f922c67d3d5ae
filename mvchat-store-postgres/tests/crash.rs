//! Acknowledged messages survive `kill -9` of a node and of the database's server. `MVCHAT_CRASH_ROUNDS` asks for more
//! rounds.
#![allow(clippy::unwrap_used, reason = "this binary is a test")]

#[path = "../../xtask/src/postgres.rs"]
mod postgres;
mod support;

use libtest_mimic::{Arguments, Failed, Trial};
use mvchat_core::testkit::crash::{self, Acked, Victim};
use mvchat_store_postgres::PgStore;
use postgres::Postgres;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use support::Database;

fn main() -> ExitCode {
    crash::be_victim(async |place| {
        let (schema, url) = place.split_once(' ').unwrap();
        PgStore::options().schema(schema).accept_weak_durability().open(url).await.unwrap()
    });
    if Database::address().is_none() {
        return support::left_out("what a crash leaves of the PostgreSQL store");
    }
    let trials = vec![
        Trial::test("acknowledged_messages_survive_the_death_of_a_node", node_dies),
        Trial::test("acknowledged_messages_survive_the_death_of_the_server", server_dies),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn place(database: &Database) -> String {
    format!("{} {}", database.schema, database.url)
}

fn node_dies() -> Result<(), Failed> {
    let database = Database::fresh();
    let (mut acked, mut kept) = (Acked::default(), 0);
    let mut random = u64::from(std::process::id());
    let rounds = crash::rounds(8);
    for _ in 0..rounds {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut victim = Victim::start(&place(&database));
        victim.read(1 + (random >> 33) % 300, &mut acked);
        victim.kill(&mut acked);
        kept = check(&database, &acked);
    }
    say(&format!("{rounds} kills of a node: {} acknowledged, {kept} there, none lost, no gaps", acked.len()));
    Ok(())
}

fn server_dies() -> Result<(), Failed> {
    let mut server = Postgres::start()?;
    let database = Database { url: server.url(), schema: "crash".to_owned() };
    let (mut acked, mut down, mut kept) = (Acked::default(), Duration::ZERO, 0);
    let rounds = crash::rounds(4);
    for round in 0..rounds {
        let mut victim = Victim::start(&place(&database));
        victim.read(100 + 37 * round % 200, &mut acked);
        server.kill();
        let killed = Instant::now();
        server.resume()?;
        // The node goes on by itself.
        victim.read(100, &mut acked);
        down = down.max(killed.elapsed());
        victim.kill(&mut acked);
        kept = check(&database, &acked);
    }
    say(&format!(
        "{rounds} kills of the server: {} acknowledged, {kept} there, none lost, no gaps; a hundred more were \
         acknowledged {down:?} after a kill at most",
        acked.len()
    ));
    drop(database);
    Ok(())
}

/// Shows what a long run came to; `cargo xtask crash --store postgres` lets it through.
fn say(what: &str) {
    #[expect(clippy::print_stderr, reason = "whoever lists the tests reads standard output")]
    {
        eprintln!("{what}");
    }
}

#[tokio::main]
async fn check(database: &Database, acked: &Acked) -> usize {
    let store = database.open().await;
    let kept = crash::check(&store, acked).await;
    assert_eq!(store.verify().await.unwrap(), Vec::<String>::new());
    store.pool().close().await;
    kept
}
