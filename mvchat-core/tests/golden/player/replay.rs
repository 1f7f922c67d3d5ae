//! Plays a recording against the server.

use super::compare::{self, Found, kind};
use super::names::Names;
use super::scenario::{Heard, Request, Scenario, Step};
use super::server::Server;
use super::tokens;
use super::verdict::Verdict;
use crate::door::{Door, SOCKET};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mvchat_core::proto::{Close, Frame};
use mvchat_core::seam::Env;
use mvchat_core::testkit::Wire;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How many frames each client heard, each time that they were asked.
pub(crate) type Counts = Vec<BTreeMap<String, usize>>;

/// Plays the recordings of the original, which must come back; returns how much was heard.
///
/// Within the process it is known when nothing more comes. Elsewhere it is not, and `counts` of the same recordings
/// within the process says how much must come.
pub(crate) async fn play_all<D: Door>(counts: Option<Counts>) -> Counts {
    let server = Server::start::<D>().await;
    // The second was recorded after the first, on the same database.
    let mut verdict = Verdict::default();
    let mut replay = Replay::new(&server, counts);
    for name in ["t1", "t2"] {
        replay.run(&Scenario::load(name), &mut verdict).await;
    }
    verdict.check();
    replay.heard
}

struct Replay<'a> {
    server: &'a Server,
    /// How much is to be heard, if that is known.
    counts: Option<VecDeque<BTreeMap<String, usize>>>,
    heard: Counts,
    names: Names,
    clients: BTreeMap<String, Wire>,
    /// The newest token that each client was given, and its user.
    tokens: BTreeMap<String, String>,
    users: BTreeMap<String, Value>,
    /// The code of each invite, by its id.
    codes: BTreeMap<String, String>,
}

/// What every client heard since it was asked last.
type Log = BTreeMap<String, Vec<Value>>;

impl<'a> Replay<'a> {
    fn new(server: &'a Server, counts: Option<Counts>) -> Self {
        Self {
            server,
            counts: counts.map(VecDeque::from),
            heard: Counts::new(),
            names: Names::default(),
            clients: BTreeMap::new(),
            tokens: BTreeMap::new(),
            users: BTreeMap::new(),
            codes: BTreeMap::new(),
        }
    }

    async fn run(&mut self, scenario: &Scenario, verdict: &mut Verdict) {
        self.clients.clear();
        self.names.forget_messages();
        for step in &scenario.steps {
            match step {
                Step::Earlier { id, name } => self.sign_up_before(id, name).await,
                Step::Pause(seconds) => tokio::time::advance(Duration::from_secs(*seconds)).await,
                Step::Requests { requests, heard } => {
                    self.requests(scenario.name, requests, heard, verdict).await;
                }
                Step::Leave { client, number, heard } => {
                    let mut wire = self.clients.remove(client).unwrap();
                    wire.send_frame(Frame::Close(Close::Normal)).await;
                    assert_eq!(wire.closed().await, Some(Close::Normal));
                    let ours = self.listen().await;
                    self.hold(scenario.name, *number, &[], heard, &ours, verdict);
                }
            }
        }
        for (client, wire) in &mut self.clients {
            let id = wire.begin(json!({"hi": {}})).await;
            while let Some(frame) = wire.next().await.filter(|frame| frame["ctrl"]["id"] != id.as_str()) {
                verdict.fail(scenario.name, 0, &format!("{client} hears {frame} in the end"));
            }
        }
    }

    /// Makes an account that is offline when the recording starts.
    async fn sign_up_before(&mut self, id: &str, name: &str) {
        let secret = STANDARD.encode(format!("earlier-{name}:password"));
        let account =
            json!({"user": "new", "scheme": "basic", "secret": secret, "desc": {"public": {"fn": name}}});
        let mut wire = self.server.connect(SOCKET).await;
        let user = wire.ask(json!({"acc": account})).await["params"]["user"].clone();
        self.names.set(id, user.as_str().unwrap());
        wire.ask(json!({"login": {"scheme": "basic", "secret": secret}})).await;
        wire.send_frame(Frame::Close(Close::Normal)).await;
        wire.closed().await;
    }

    async fn requests(
        &mut self,
        scenario: &str,
        requests: &[Request],
        heard: &[(String, Heard)],
        verdict: &mut Verdict,
    ) {
        let step = requests[0].number;
        let id = |request: &Request| {
            let request: Value = serde_json::from_str(&request.text).unwrap_or_default();
            request["id"].as_str().map(str::to_owned)
        };
        let ids: Vec<_> = requests.iter().filter_map(id).collect();
        for request in requests {
            self.say(request, &request.text).await;
        }
        let mut ours = self.listen().await;
        if let [Request { client, instead: Some(instead), .. }] = requests {
            let refusal = ours.remove(client).unwrap_or_default();
            self.refused(scenario, step, (client, &refusal), heard, verdict);
            if !ours.is_empty() {
                verdict.fail(scenario, step, &format!("what was refused is heard: {ours:?}"));
            }
            let took = |frame: &Value| frame["ctrl"]["code"].as_u64().is_some_and(|code| code < 300);
            if recorded_for(client, heard).iter().any(took) {
                self.remember_replacement(&requests[0].text, instead);
            }
            self.say(&requests[0], instead).await;
            ours = self.listen().await;
        }
        self.server.clock.set_ahead(0);
        self.note_refusal(heard, &ours);
        self.hold(scenario, step, &ids, heard, &ours, verdict);
    }

    async fn say(&mut self, request: &Request, text: &str) {
        self.server.clock.set_ahead(request.late);
        let mut text = self.names.request(text);
        if let Some(kind) = &request.token {
            text = text.replace("<jwt>", &self.token(kind));
        }
        if let Some(invite) = &request.code {
            text = text.replace("<code10>", &self.codes[&self.names.request(invite)]);
        }
        if let Some((before, rest)) = text.split_once("<base64 ") {
            let (clear, after) = rest.split_once('>').unwrap();
            text = format!("{before}{}{after}", STANDARD.encode(clear));
        }
        if !self.clients.contains_key(&request.client) {
            self.clients.insert(request.client.clone(), self.server.connect(SOCKET).await);
        }
        let wire = self.clients.get_mut(&request.client).unwrap();
        let frame = if request.binary { Frame::Binary(text.into()) } else { Frame::Text(text.into()) };
        wire.send_frame(frame).await;
    }

    fn token(&self, kind: &str) -> String {
        if let Some(client) = kind.strip_prefix("of ") {
            return self.tokens[client].clone();
        }
        let now = self.server.clock.now().as_secs();
        tokens::variant(kind, &self.tokens["Y"], &self.server.token_key, now)
    }

    /// Takes what every client has heard.
    async fn listen(&mut self) -> Log {
        let mut log = Log::new();
        let counts = self.counts.as_mut().map(|counts| counts.pop_front().unwrap_or_default());
        for (client, wire) in &mut self.clients {
            let (mut frames, ended) = match &counts {
                Some(counts) => as_many(wire, counts.get(client).copied().unwrap_or_default()).await,
                None => until_idle(wire).await,
            };
            if ended && let Some(close) = wire.closed().await {
                frames.push(json!({"close": close.code()}));
            }
            for frame in &frames {
                if let Some(token) = frame["ctrl"]["params"]["token"].as_str() {
                    self.tokens.insert(client.clone(), token.to_owned());
                    self.users.insert(client.clone(), frame["ctrl"]["params"]["user"].clone());
                }
                let created = &frame["ctrl"]["params"];
                if let (Some(id), Some(code)) = (created["id"].as_str(), created["code"].as_str()) {
                    self.codes.insert(id.to_owned(), code.to_owned());
                }
                if frame["info"]["what"] == "own" {
                    assert_eq!(frame["info"]["from"], self.users[client], "{client} hears what is private");
                }
            }
            if !frames.is_empty() {
                log.insert(client.clone(), frames);
            }
        }
        self.heard.push(log.iter().map(|(client, frames)| (client.clone(), frames.len())).collect());
        log
    }

    /// Checks the answer to a request after which another one is sent in its place.
    fn refused(
        &mut self,
        scenario: &str,
        step: u32,
        (client, ours): (&str, &[Value]),
        heard: &[(String, Heard)],
        verdict: &mut Verdict,
    ) {
        let recorded = recorded_for(client, heard).into_iter().find(|frame| kind(frame) == "ctrl");
        match ours {
            [ours]
                if recorded
                    .as_ref()
                    .is_some_and(|recorded| recorded["ctrl"]["code"] != ours["ctrl"]["code"]) =>
            {
                let recorded = recorded.map(|frame| frame["ctrl"].clone());
                let found = Found { at: "ctrl".to_owned(), recorded, ours: Some(ours["ctrl"].clone()) };
                verdict.take(scenario, step, client, &[], &found);
            }
            _ => verdict.fail(scenario, step, &format!("nothing has to be sent in its place: {ours:?}")),
        }
    }

    fn remember_replacement(&mut self, recorded: &str, sent: &str) {
        let content = |text: &str| {
            let request: Value = serde_json::from_str(text).unwrap();
            ["send", "edit"].iter().find_map(|key| request[*key].get("content").cloned()).unwrap()
        };
        self.names.replace(content(recorded), content(sent));
    }

    /// A message that only the original took makes the numbers of those after it lower here.
    fn note_refusal(&mut self, heard: &[(String, Heard)], ours: &Log) {
        for (client, frame) in heard {
            let Heard::Frame(frame) = frame else { continue };
            let sent =
                (frame["ctrl"]["code"] == 202).then(|| frame["ctrl"]["params"]["seq"].as_i64()).flatten();
            let refused = |frame: &Value| frame["ctrl"]["code"].as_u64().is_some_and(|code| code >= 300);
            if let Some(seq) = sent
                && ours.get(client).is_some_and(|frames| frames.iter().any(refused))
            {
                self.names.refuse(seq);
            }
        }
    }

    fn hold(
        &mut self,
        scenario: &str,
        step: u32,
        ids: &[String],
        heard: &[(String, Heard)],
        ours: &Log,
        verdict: &mut Verdict,
    ) {
        let mut clients: Vec<_> = heard.iter().map(|(client, _)| client).chain(ours.keys()).collect();
        clients.sort_unstable();
        clients.dedup();
        for client in clients {
            let recorded = recorded_for(client, heard);
            let ours = ours.get(client).map_or(&[][..], Vec::as_slice);
            let mut added = Vec::new();
            for found in compare::frames(&mut self.names, &recorded, ours, &mut added) {
                verdict.take(scenario, step, client, ids, &found);
            }
            verdict.add(added);
        }
    }
}

/// Takes all frames, and tells whether the connection has ended. The runtime's clock only moves on when nothing else is
/// left to do.
async fn until_idle(wire: &mut Wire) -> (Vec<Value>, bool) {
    let mut frames = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_millis(1), wire.next()).await {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, true),
            Err(_) => return (frames, false),
        }
    }
}

/// Takes so many frames, the last of which may be the end of the connection.
async fn as_many(wire: &mut Wire, count: usize) -> (Vec<Value>, bool) {
    let mut frames = Vec::new();
    while frames.len() < count {
        match wire.next().await {
            Some(frame) => frames.push(frame),
            None => return (frames, true),
        }
    }
    tokio::time::advance(Duration::from_millis(1)).await;
    (frames, false)
}

fn recorded_for(client: &str, heard: &[(String, Heard)]) -> Vec<Value> {
    let frame = |heard: &Heard| match heard {
        Heard::Frame(frame) => frame.clone(),
        Heard::Close(code) => json!({"close": code}),
    };
    heard.iter().filter(|(to, _)| to == client).map(|(_, heard)| frame(heard)).collect()
}
