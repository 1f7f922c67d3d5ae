//! Something heavy that a few people do.

use super::fanout;
use super::{Scene, talk};
use crate::args::{BesideArgs, Burden, CommonArgs, FanoutArgs};
use crate::latency::Samples;
use crate::outcome::Outcome;
use crate::people::{self, Account};
use crate::run::Crew;
use crate::speaker::Heard;
use crate::target::Target;
use crate::wire::{Answer, Wire};
use crate::{Problem, Tried};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mvchat_core::proto::ConvId;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::handshake::client::Request;
use uuid::Uuid;

/// How much there is if nobody says otherwise: logins a second, messages to read, members.
const MUCH: [(Burden, usize); 3] =
    [(Burden::Logins, 100), (Burden::History, 100_000), (Burden::Group, 1_500)];
/// So many write what is to be read, because a connection has few messages on their way.
const WRITERS: usize = 8;
/// The most messages that a page of history has.
const PAGE: u64 = 100;
/// Messages a second to the large group.
const GROUP_RATE: f64 = 5.0;
/// The burden begins before the messages and ends after them.
const MARGIN: Duration = Duration::from_secs(1);

/// A burden with all that has to be there before.
pub(super) struct Heavy {
    pub(super) name: String,
    much: usize,
    load: Load,
}

enum Load {
    /// The secret of a login.
    Logins(String),
    /// Who reads what.
    History(Account, ConvId),
    /// Its members come when it begins.
    Group(FanoutArgs),
}

/// A burden about to be put on a server.
pub(super) enum Begun<'a> {
    Logins(Request, &'a str, usize),
    History(Wire, ConvId, usize),
    Group(Crew<Heard>, &'a FanoutArgs),
}

impl Heavy {
    /// Makes what has to be there.
    ///
    /// # Errors
    /// With the server's refusal.
    pub(super) async fn prepare(args: &BesideArgs, target: &Target) -> Tried<Self> {
        let usual = MUCH.into_iter().find(|(burden, _)| *burden == args.burden);
        let much = args.much.or(usual.map(|(_, much)| much)).unwrap_or_default().max(1);
        let (name, load) = match args.burden {
            Burden::Logins => {
                (format!("{much} logins with a password a second"), Load::Logins(account(target).await?))
            }
            Burden::History => {
                let (reader, conv) = history(target, much, args.common.bytes).await?;
                (format!("a reader of {much} messages"), Load::History(reader, conv))
            }
            Burden::Group => {
                (format!("{GROUP_RATE} messages/s to {much} members"), Load::Group(group(&args.common, much)))
            }
        };
        Ok(Self { name, much, load })
    }

    /// Connects whoever carries it out.
    ///
    /// # Errors
    /// With the server's refusal.
    pub(super) async fn begin(&self, scene: &Scene, target: &Target) -> Tried<Begun<'_>> {
        Ok(match &self.load {
            Load::Logins(secret) => Begun::Logins(target.request()?, secret, self.much),
            Load::History(reader, conv) => Begun::History(reader.connect(target).await?, *conv, self.much),
            Load::Group(args) => {
                let crew = fanout::members(args, scene, target, &self.name).await?;
                crew.gather().await?;
                Begun::Group(crew, args)
            }
        })
    }
}

impl Begun<'_> {
    /// Puts it on the server for as long as a run takes, and tells how it fared itself.
    ///
    /// # Errors
    /// If it could not be done.
    pub(super) async fn weigh(self, scene: &Scene, target: &Target) -> Tried<Outcome> {
        let mut outcome = Outcome::new("burden");
        let end = Instant::now() + scene.length + MARGIN;
        match self {
            Self::Logins(request, secret, rate) => logins(request, secret, rate, end, &mut outcome).await?,
            Self::History(mut reader, conv, count) => {
                read(&mut reader, conv, count, end, &mut outcome).await?
            }
            Self::Group(crew, args) => {
                let mut told = Outcome::new("group");
                talk(crew, target, scene.length, fanout::audience(args), &mut told).await?;
                outcome.errors = std::mem::take(&mut told.errors);
                for percentile in ["p50", "p99"] {
                    let name = format!("send to delivery {percentile}");
                    if let Some(value) = told.value(&name) {
                        outcome.figure(&format!("burden: {name}"), value, "ms");
                    }
                }
            }
        }
        Ok(outcome)
    }
}

/// Makes somebody with a password; returns the secret of the login.
async fn account(target: &Target) -> Tried<String> {
    let secret =
        STANDARD.encode(format!("h{}:{}", &Uuid::new_v4().simple().to_string()[..12], Uuid::new_v4()));
    let desc = json!({"public": {"fn": "somebody"}});
    let mut wire = Wire::open(target.request()?).await?;
    wire.ask(json!({"acc": {"user": "new", "scheme": "basic", "secret": secret, "desc": desc}})).await?;
    wire.close().await;
    Ok(secret)
}

/// Logs in so often a second, each time on a new connection. A server may refuse when it has too much to do.
async fn logins(
    request: Request,
    secret: &str,
    rate: usize,
    end: Instant,
    outcome: &mut Outcome,
) -> Tried<()> {
    let mut turns = interval(Duration::from_secs_f64(1.0 / rate as f64));
    turns.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut tasks = JoinSet::new();
    while Instant::now() < end {
        let due = turns.tick().await;
        let login = json!({"login": {"scheme": "basic", "secret": secret}});
        tasks.spawn(log_in(request.clone(), login, due));
    }
    let (mut took, mut refused) = (Samples::default(), 0_u64);
    while let Some(done) = tasks.join_next().await {
        match done?? {
            (Answer::Done(_), micros) => took.add(micros),
            (Answer::Refused(ctrl), _) if ctrl["code"] == 503 => refused += 1,
            (Answer::Refused(ctrl), _) => outcome.error(&format!("login: {ctrl}"), 1),
        }
    }
    outcome.figure("burden: logins that succeeded", took.len() as f64, "");
    outcome.figure("burden: logins refused as too many", refused as f64, "");
    outcome.latency("burden: login", &took);
    Ok(())
}

async fn log_in(request: Request, login: Value, due: Instant) -> Tried<(Answer, u64)> {
    let mut wire = Wire::open(request).await?;
    let answer = wire.try_ask(login).await?;
    let micros = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
    wire.close().await;
    Ok((answer, micros))
}

/// Makes a conversation with so many messages; returns somebody who may read them.
async fn history(target: &Target, count: usize, bytes: usize) -> Tried<(Account, ConvId)> {
    let people = people::sign_up(target, WRITERS).await?;
    let (owner, others) = people.split_first().ok_or("somebody has to write")?;
    let conv = *people::groups(target, owner, others, 1).await?.first().ok_or("there is no group")?;
    let mut writers = JoinSet::new();
    for (writer, person) in people.iter().enumerate() {
        let mut wire = person.connect(target).await?;
        let messages = (writer..count).step_by(WRITERS);
        writers.spawn(async move {
            let text = "x".repeat(bytes);
            let send = |_| json!({"send": {"conv": conv, "content": {"v": 1, "text": text}}});
            wire.ask_all(messages.map(send)).await?;
            wire.close().await;
            Ok::<_, Problem>(())
        });
    }
    while let Some(done) = writers.join_next().await {
        done??;
    }
    Ok((owner.clone(), conv))
}

/// Reads a conversation page by page, again and again; every message has to come once each time.
async fn read(
    reader: &mut Wire,
    conv: ConvId,
    count: usize,
    end: Instant,
    outcome: &mut Outcome,
) -> Tried<()> {
    let (start, mut took, mut rows, mut before) = (Instant::now(), Samples::default(), 0_u64, u64::MAX);
    while Instant::now() < end {
        let asked = Instant::now();
        let page = match before {
            u64::MAX => json!({"what": "messages", "conv": conv, "limit": PAGE}),
            before => json!({"what": "messages", "conv": conv, "limit": PAGE, "before": before}),
        };
        let params = reader.ask(json!({"get": page})).await?;
        took.add(u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX));
        let seqs: Vec<u64> = params["messages"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| row["seq"].as_u64())
            .collect();
        let newest = seqs.first().copied().unwrap_or_default();
        let expected = if before == u64::MAX { count as u64 } else { before - 1 };
        let descends = seqs.windows(2).all(|pair| pair[0] == pair[1] + 1);
        if newest != expected || !descends {
            outcome.error("page of history with a gap", 1);
        }
        rows += seqs.len() as u64;
        before = seqs.last().copied().filter(|oldest| *oldest > 1).unwrap_or(u64::MAX);
    }
    outcome.figure("burden: messages read per second", rows as f64 / start.elapsed().as_secs_f64(), "1/s");
    outcome.latency("burden: page of history", &took);
    Ok(())
}

fn group(common: &CommonArgs, members: usize) -> FanoutArgs {
    FanoutArgs { common: common.clone(), groups: 1, members, senders: 1, rate: GROUP_RATE }
}
