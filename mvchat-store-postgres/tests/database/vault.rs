//! The users' keys in a database, and how they come under another key of the ring while they are used.

use crate::postgres::Postgres;
use crate::support::Database;
use futures_util::future::join_all;
use mvchat_core::Keys;
use mvchat_core::builtin::keys::Context;
use mvchat_core::seam::keys::{KeyErrorKind, KeyPurpose, Vault, WrappedKey};
use mvchat_core::time::Timestamp;
use mvchat_store_postgres::PgVault;
use sqlx::postgres::PgPoolOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use uuid::Uuid;

/// Names the folder of the ring, the schema of the vault and the database to the process that is killed.
pub(crate) const VICTIM: &str = "MVCHAT_ROTATION_VICTIM";
const USERS: u128 = 600;
const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

fn user(number: u128) -> Uuid {
    Uuid::from_u128(number + 1)
}

fn context(number: u128) -> Context {
    Context::UserPrivate { user: user(number) }
}

async fn vault(url: &str, schema: &str) -> PgVault {
    let pool = PgPoolOptions::new().max_connections(8).connect(url).await.unwrap();
    PgVault::with_pool(pool, schema).await.unwrap()
}

/// Opens the ring of a folder and the vault of a database, as a node does.
async fn node(folder: &Path, url: &str, schema: &str) -> Keys {
    Keys::load_or_create_beside(folder, vault(url, schema).await).await.unwrap()
}

/// Gives every user a key; returns what is sealed with it.
async fn sealed(keys: &Keys) -> Vec<Vec<u8>> {
    let mut sealed = Vec::new();
    for number in 0..USERS {
        keys.create_user(user(number)).await.unwrap();
        let key = keys.user(user(number)).await.unwrap();
        sealed.push(key.seal(&context(number), &number.to_be_bytes()));
    }
    sealed
}

/// Returns whether a user's words can be read, by the key as the vault has it now.
async fn reads(keys: &Keys, sealed: &[Vec<u8>], number: u128) -> bool {
    keys.forget(user(number));
    let key = keys.user(user(number)).await.unwrap();
    let opened = key.open(&context(number), &sealed[number as usize]).unwrap();
    opened == number.to_be_bytes()
}

async fn all_read(keys: &Keys, sealed: &[Vec<u8>]) {
    for number in 0..USERS {
        assert!(reads(keys, sealed, number).await);
    }
}

pub(crate) async fn keeps_its_contract() {
    let database = Database::fresh();
    let vault = vault(&database.url, &database.schema).await;
    let (ann, bob) = (user(0), user(1));
    let wrapped = |name: &str| WrappedKey::new("kek-1", 1, name.as_bytes().to_vec());
    assert_eq!(vault.load(ann).await.unwrap(), None);
    assert!(!vault.replace(ann, &wrapped("old"), &wrapped("new")).await.unwrap());
    let keys: Vec<_> = (0..12).map(|number| wrapped(&format!("key {number}"))).collect();
    let answers = join_all(keys.iter().map(|key| vault.create(ann, key))).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let first = answers.iter().position(Option::is_none).unwrap();
    for (place, answer) in answers.iter().enumerate() {
        assert_eq!(answer.as_ref(), (place != first).then_some(&keys[first]));
    }
    let odd = WrappedKey::new("a.B_c-9", u32::MAX, (0..=255).collect());
    let other = WrappedKey::new("kek-2", 1, keys[first].bytes.clone());
    assert!(!vault.replace(ann, &other, &odd).await.unwrap());
    assert!(vault.replace(ann, &keys[first], &odd).await.unwrap());
    assert_eq!(vault.load(ann).await.unwrap(), Some(odd.clone()));
    vault.create(bob, &wrapped("b")).await.unwrap();
    assert_eq!(vault.list(None, 1).await.unwrap(), [ann]);
    assert_eq!(vault.list(Some(ann), 10).await.unwrap(), [bob]);
    vault.erase(ann).await.unwrap();
    vault.erase(ann).await.unwrap();
    assert!(!vault.replace(ann, &odd, &wrapped("back")).await.unwrap());
    assert_eq!((vault.load(ann).await.unwrap(), vault.list(None, 10).await.unwrap()), (None, vec![bob]));
}

pub(crate) async fn rotates_under_load() {
    let (database, folder) = (Database::fresh(), tempfile::tempdir().unwrap());
    let keys = node(folder.path(), &database.url, &database.schema).await;
    let sealed = Arc::new(sealed(&keys).await);
    let (stop, read) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let reader = |reader: u128| {
        let (keys, sealed, stop, read) = (keys.clone(), sealed.clone(), stop.clone(), read.clone());
        tokio::spawn(async move {
            let mut number = reader * 97;
            while !stop.load(Ordering::Relaxed) {
                number = (number + 31) % USERS;
                assert!(reads(&keys, &sealed, number).await);
                read.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let readers: Vec<_> = (0..4).map(reader).collect();
    for _ in 0..3 {
        let before = read.load(Ordering::Relaxed);
        keys.rotate(KeyPurpose::Wrap, NOW).await.unwrap();
        let told = keys.rewrap(|_| {}).await.unwrap();
        assert_eq!((told.seen, told.rewrapped, told.failed), (USERS as u64, USERS as u64, 0));
        assert!(read.load(Ordering::Relaxed) > before, "somebody read meanwhile");
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    let status = keys.status().await.unwrap();
    assert_eq!(status.wraps, [(status.current.clone(), USERS as u64)].into());
}

/// Rotates until it is killed.
#[tokio::main]
pub(crate) async fn victim(names: &str) -> ! {
    let [folder, schema, url] = names.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{names}") };
    let keys = node(Path::new(folder), url, schema).await;
    loop {
        keys.rotate(KeyPurpose::Wrap, NOW).await.unwrap();
        let told = |_| writeln!(std::io::stdout().lock(), "on its way").unwrap();
        keys.rewrap(told).await.unwrap();
    }
}

pub(crate) async fn goes_on_after_a_kill() {
    let (database, folder) = (Database::fresh(), tempfile::tempdir().unwrap());
    let sealed = sealed(&node(folder.path(), &database.url, &database.schema).await).await;
    for round in 0..4 {
        let names = format!("{} {} {}", folder.path().display(), database.schema, database.url);
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.env(VICTIM, names).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        for _ in 0..=round {
            assert!(lines.read_line(&mut String::new()).unwrap() > 0, "the victim ended by itself");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // Half of the keys are under one, half under another; everything can be read, also before it goes on.
        let keys = node(folder.path(), &database.url, &database.schema).await;
        all_read(&keys, &sealed).await;
        let status = keys.status().await.unwrap();
        assert_eq!(status.wraps.values().sum::<u64>(), USERS as u64);
        keys.rewrap(|_| {}).await.unwrap();
        let status = keys.status().await.unwrap();
        assert_eq!(status.wraps, [(status.current.clone(), USERS as u64)].into());
        all_read(&keys, &sealed).await;
    }
}

pub(crate) async fn goes_on_after_an_outage() {
    let (server, folder) = (Postgres::start().unwrap(), tempfile::tempdir().unwrap());
    let server = parking_lot::Mutex::new(server);
    let url = server.lock().url();
    let keys = node(folder.path(), &url, "vault").await;
    let sealed = sealed(&keys).await;
    keys.rotate(KeyPurpose::Wrap, NOW).await.unwrap();
    let failed = keys
        .rewrap(|told| {
            if told.seen == 256 {
                server.lock().kill()
            }
        })
        .await
        .unwrap_err();
    assert_eq!(failed.kind(), KeyErrorKind::Unavailable);
    server.lock().resume().unwrap();
    let told = loop {
        // Connections that the server has ended are found one after the other.
        match keys.rewrap(|_| {}).await {
            Ok(told) => break told,
            Err(error) => assert_eq!(error.kind(), KeyErrorKind::Unavailable),
        }
    };
    assert_eq!((told.seen, told.failed), (USERS as u64, 0));
    all_read(&keys, &sealed).await;
    let status = keys.status().await.unwrap();
    assert_eq!(status.wraps, [(status.current.clone(), USERS as u64)].into());
}
