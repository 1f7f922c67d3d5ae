//! Full and failing disks: no answer claims what is not there, clients are told to come back, and the service returns.

use crate::disk::{Disk, Failing};
use crate::support::{Data, Server, Wire, send, soon};
use fuser::Errno;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MIB: u64 = 1 << 20;

/// Two people, what they sent, and what they were told of it.
struct Scene {
    data: Data,
    disk: Disk,
    alice: Wire,
    conv: String,
    /// The places by `cid`; none where the answer was no success.
    told: BTreeMap<String, Option<u64>>,
}

impl Scene {
    async fn new() -> (Self, Server) {
        let mut data = Data::unlimited();
        let disk = Disk::mount(&data.path(), 1_024 * MIB).unwrap();
        let server = data.start();
        let mut alice = Wire::sign_up(&server, "alice").await;
        let bobby = Wire::sign_up(&server, "bobby").await;
        let conv = alice.dm(&bobby.id).await;
        let mut scene = Self { data, disk, alice, conv, told: BTreeMap::new() };
        for n in 0..20 {
            scene.say(&format!("before {n}")).await;
        }
        assert!(scene.told.values().all(Option::is_some));
        (scene, server)
    }

    /// Sends a text that is its own `cid`; returns the answer.
    async fn say(&mut self, words: &str) -> Value {
        let ctrl = self.alice.ask(send(&self.conv, words, words)).await;
        let seq = (ctrl["code"] == 202).then(|| ctrl["params"]["seq"].as_u64().unwrap());
        self.told.insert(words.to_owned(), seq);
        ctrl
    }

    /// Sends what must be refused for now.
    async fn refused(&mut self, words: &str) {
        let ctrl = self.say(words).await;
        assert_eq!((&ctrl["code"], &ctrl["err"]), (&json!(503), &json!("unavailable")), "{ctrl}");
        assert!(ctrl["params"]["retryAfter"].as_u64().is_some(), "{ctrl}");
    }

    /// Sends everything again that was not acknowledged, and holds the history against what was told.
    async fn settle(&mut self) {
        let unsure: Vec<String> =
            self.told.iter().filter(|(_, seq)| seq.is_none()).map(|(words, _)| words.clone()).collect();
        for words in unsure {
            let ctrl = self.say(&words).await;
            assert_eq!(ctrl["code"], 202, "{words}: {ctrl}");
        }
        let history = self.alice.history(&self.conv).await;
        let there: Vec<_> = history
            .iter()
            .map(|message| (message["content"]["text"].as_str().unwrap().to_owned(), message["seq"].as_u64()))
            .collect();
        let mut told: Vec<_> = self.told.clone().into_iter().collect();
        told.sort_by_key(|(_, seq)| *seq);
        assert_eq!(there, told, "all that was acknowledged is there once, at its place");
    }

    async fn again(&mut self) -> Server {
        let server = self.data.start();
        self.alice = Wire::log_in(&server, "alice").await;
        server
    }
}

/// Asks for the health; returns status code and `status`.
async fn health(server: &Server) -> (u16, String) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    soon("an answer", stream.read_to_string(&mut text)).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    (code, body["status"].as_str().unwrap().to_owned())
}

async fn well(server: &Server, well: bool) {
    let expected = if well { (200, "ok") } else { (503, "unavailable") };
    let (code, status) = health(server).await;
    assert_eq!((code, status.as_str()), expected);
}

/// While the disk is nearly full, writes are refused and reads go on; with space again, everything does.
pub(crate) async fn refuses_and_recovers() {
    let (mut scene, server) = Scene::new().await;
    well(&server, true).await;
    scene.disk.leave_free(8 * MIB);
    for n in 0..5 {
        scene.refused(&format!("full {n}")).await;
    }
    well(&server, false).await;
    assert_eq!(scene.alice.history(&scene.conv.clone()).await.len(), 20);
    scene.disk.leave_free(512 * MIB);
    well(&server, true).await;
    assert_eq!(scene.say("after").await["code"], 202);
    scene.settle().await;
    // What was refused was not kept either: it came after what was sent later.
    assert!(scene.told["full 0"] > scene.told["after"]);
}

/// A server that is killed on a full disk starts on it and says what is wrong; it lets people in when there is space.
pub(crate) async fn starts_on_a_full_disk() {
    let (mut scene, server) = Scene::new().await;
    scene.disk.leave_free(0);
    scene.refused("full").await;
    server.kill();
    let server = scene.data.start();
    // A login leaves a session, so it needs the disk as well.
    let mut stranger = Wire::connect(&server).await;
    let login = json!({"login": {"scheme": "token", "secret": scene.alice.token}});
    let ctrl = stranger.ask(login.clone()).await;
    assert_eq!((&ctrl["code"], &ctrl["err"]), (&json!(503), &json!("unavailable")), "{ctrl}");
    well(&server, false).await;
    scene.disk.leave_free(512 * MIB);
    well(&server, true).await;
    stranger.ok(login).await;
    scene.alice = Wire::log_in(&server, "alice").await;
    assert_eq!(scene.say("after").await["code"], 202);
    scene.settle().await;
}

/// The disk says that there is space, and then there is none.
pub(crate) async fn failing_write() {
    fails(Failing::Writes, Errno::ENOSPC).await;
}

/// The disk can't sync any more.
pub(crate) async fn failing_sync() {
    fails(Failing::Syncs, Errno::EIO).await;
}

/// After a failure nobody knows what the disk holds: the store stops, says so, and a restart finds out.
async fn fails(failing: Failing, errno: Errno) {
    let (mut scene, server) = Scene::new().await;
    scene.disk.fail(Some((failing, errno)));
    scene.refused("failed").await;
    // Even though the disk works again, nothing is built on what it may not hold.
    scene.disk.fail(None);
    scene.refused("stopped").await;
    well(&server, false).await;
    server.kill();
    let server = scene.again().await;
    well(&server, true).await;
    scene.settle().await;
    server.kill();
    let _server = scene.again().await;
    scene.settle().await;
}
