//! What those who read slowly do to everybody else.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use crate::{
    Outcome,
    client::{CLOSE, Client, PING, PONG, Reader, Writer, loopback},
    options::Options,
    process::Server,
    stats::{median, ms, quantile},
};

/// How many members a group has at most: above that, nothing is told of who is here, which is no part of this.
const GROUP: usize = 100;
/// What a slow reader's system keeps for it, and how much it reads how often.
const SLOW_BUFFER: u32 = 4 * 1024;
const SIP: usize = 512;
const SLOW_PAUSE: Duration = Duration::from_millis(250);
/// Between two runs, for what is still under way.
const REST: Duration = Duration::from_secs(2);
const ROOMY: [(&str, &str); 7] = [
    ("MVCHAT_AUTH_GUESTS", "1d"),
    ("MVCHAT_SERVER_MAX_CONNECTIONS", "100000"),
    ("MVCHAT_LIMITS_RATES", "none"),
    ("MVCHAT_LIMITS_RATE_LIMIT_MESSAGES", "100000"),
    ("MVCHAT_LIMITS_RATE_LIMIT_BYTES", "1GiB"),
    ("MVCHAT_LIMITS_MAX_REFUSED", "0"),
    ("MVCHAT_LOG", "error"),
];

pub(crate) async fn measure(options: &Options) -> Outcome<()> {
    let server = Server::reference(&ROOMY).await?;
    let mut crowd = Crowd::gather(server.address, options).await?;
    println!(
        "### {} of {} read slowly, at {} messages a second in groups of {}\n",
        options.slow,
        options.readers,
        options.rate,
        GROUP.min(options.readers)
    );
    println!("| Round | p50 without | p99 without | p50 with | p99 with | ratio of p99 | slow ones closed |");
    println!("|---|---|---|---|---|---|---|");
    let (mut ratios, mut without, mut with) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        crowd.slow.store(false, Relaxed);
        let mut quiet = crowd.talk(options).await?;
        crowd.slow.store(true, Relaxed);
        let mut loud = crowd.talk(options).await?;
        let closed = crowd.closed.swap(0, Relaxed);
        let (before, after) = (quantile(&mut quiet, 0.99), quantile(&mut loud, 0.99));
        let ratio = after.as_secs_f64() / before.as_secs_f64();
        println!(
            "| {round} | {} | {} | {} | {} | {ratio:.2} | {closed} |",
            ms(quantile(&mut quiet, 0.5)),
            ms(before),
            ms(quantile(&mut loud, 0.5)),
            ms(after),
        );
        ratios.push(ratio);
        without.push(before.as_secs_f64() * 1e3);
        with.push(after.as_secs_f64() * 1e3);
    }
    let (before, after) = (median(&mut without), median(&mut with));
    println!("| median | | {before:.2} ms | | {after:.2} ms | {:.2} | |\n", median(&mut ratios));
    Ok(())
}

/// Everybody who reads, and those who speak in the groups.
struct Crowd {
    speakers: Vec<(Writer, String)>,
    begun: Instant,
    /// Times from when a message was due until somebody who reads at once had it.
    times: Arc<Mutex<Vec<Duration>>>,
    /// Whether those who can read slowly do so.
    slow: Arc<AtomicBool>,
    /// How often one of them was closed, and came back.
    closed: Arc<AtomicUsize>,
    _reading: JoinSet<()>,
}

impl Crowd {
    async fn gather(address: SocketAddr, options: &Options) -> Outcome<Self> {
        let mut host = Client::connect(address, loopback(0), None).await?;
        let secret = "bWFzdGVyOmNvcnJlY3QtaG9yc2U=";
        host.ask(json!({"acc": {"user": "new", "scheme": "basic", "secret": secret, "login": true}})).await?;
        let mut crowd = Self {
            speakers: Vec::new(),
            begun: Instant::now(),
            times: Arc::default(),
            slow: Arc::default(),
            closed: Arc::default(),
            _reading: JoinSet::new(),
        };
        let groups = options.readers.div_ceil(GROUP);
        let mut number = 0;
        for group in 0..groups {
            let made =
                host.ask(json!({"group": {"action": "create", "desc": {"public": {"fn": "g"}}}})).await?;
            let conv = made["conv"].as_str().ok_or("no conversation")?.to_owned();
            let link = json!({"group": {"action": "link", "id": conv, "create": true}});
            let code = host.ask(link).await?["code"].take();
            // The slow ones are spread over the groups.
            let slow = options.slow / groups + usize::from(group < options.slow % groups);
            for member in 0..GROUP.min(options.readers - group * GROUP) {
                number += 1;
                let (client, token) = guest(address, number, &code, member < slow).await?;
                if member < slow {
                    crowd.sip(address, number, token, client);
                } else if member == GROUP.min(options.readers - group * GROUP) - 1 {
                    crowd.read(client.reader, None);
                    crowd.speakers.push((client.writer, conv.clone()));
                } else {
                    crowd.read(client.reader, Some(client.writer));
                }
            }
        }
        // The host's connection would take part in the groups otherwise.
        drop(host);
        sleep(REST).await;
        Ok(crowd)
    }

    /// Lets somebody read at once, and note how long messages took.
    fn read(&mut self, mut reader: Reader, mut writer: Option<Writer>) {
        let (begun, times) = (self.begun, Arc::clone(&self.times));
        self._reading.spawn(async move {
            while let Ok((kind, payload)) = reader.frame().await {
                if let Some(due) = due(&payload) {
                    let took = begun.elapsed().saturating_sub(due);
                    times.lock().unwrap_or_else(PoisonError::into_inner).push(took);
                }
                // Speakers show signs of life by speaking.
                let answered = match (kind, &mut writer) {
                    (PING, Some(writer)) => writer.frame(PONG, &payload).await.is_ok(),
                    (kind, _) => kind != CLOSE,
                };
                if !answered {
                    return;
                }
            }
        });
    }

    /// Lets somebody read slowly when that is asked for; who is closed for it comes back.
    fn sip(&mut self, address: SocketAddr, number: usize, token: Value, mut client: Client) {
        let (slow, closed) = (Arc::clone(&self.slow), Arc::clone(&self.closed));
        self._reading.spawn(async move {
            let mut space = [0; 64 * 1024];
            loop {
                let is_slow = slow.load(Relaxed);
                let room = if is_slow { SIP } else { space.len() };
                if client.reader.sip(&mut space[..room]).await {
                    if is_slow {
                        sleep(SLOW_PAUSE).await;
                    }
                    continue;
                }
                closed.fetch_add(1, Relaxed);
                match back(address, number, &token).await {
                    Ok(again) => client = again,
                    Err(_) => return,
                }
            }
        });
    }

    /// Lets the speakers speak for a while, on schedule; returns how long messages took to those who read at once.
    async fn talk(&mut self, options: &Options) -> Outcome<Vec<Duration>> {
        sleep(REST).await;
        let mut ticks = interval(Duration::from_secs(1) / options.rate);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let take = || std::mem::take(&mut *self.times.lock().unwrap_or_else(PoisonError::into_inner));
        take();
        let (start, speakers) = (Instant::now(), self.speakers.len());
        let mut turn = 0;
        while start.elapsed() < options.time {
            let due = ticks.tick().await.duration_since(self.begun);
            let (writer, conv) = &mut self.speakers[turn % speakers];
            let words = format!("due {} {}", due.as_micros(), "x".repeat(100));
            let send = json!({"id": "s", "send": {"conv": conv, "content": {"v": 1, "text": words}}});
            writer.text(send.to_string().as_bytes()).await?;
            turn += 1;
        }
        sleep(REST).await;
        Ok(std::mem::take(&mut *self.times.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Finds when a message was due.
fn due(payload: &[u8]) -> Option<Duration> {
    let at = payload.windows(4).position(|bytes| bytes == b"due ")? + 4;
    let digits: Vec<u8> = payload[at..].iter().copied().take_while(u8::is_ascii_digit).collect();
    Some(Duration::from_micros(std::str::from_utf8(&digits).ok()?.parse().ok()?))
}

async fn guest(address: SocketAddr, number: usize, code: &Value, slow: bool) -> Outcome<(Client, Value)> {
    let receive = slow.then_some(SLOW_BUFFER);
    let mut client = Client::connect(address, loopback(number), receive).await?;
    let token = client.ask(json!({"login": {"scheme": "anonymous"}})).await?["token"].take();
    client.ask(json!({"group": {"action": "join", "link": code}})).await?;
    Ok((client, token))
}

/// Connects again, as somebody who reads slowly.
async fn back(address: SocketAddr, number: usize, token: &Value) -> Outcome<Client> {
    let mut client = Client::connect(address, loopback(number), Some(SLOW_BUFFER)).await?;
    client.ask(json!({"login": {"scheme": "token", "secret": token}})).await?;
    Ok(client)
}
