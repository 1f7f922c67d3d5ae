use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use mvchat_core::error::{Error, ErrorKind};
use mvchat_core::proto::{ConnId, ConvId, Envelope, Frame, Limits, Reply, SessionId, UserId};
use mvchat_core::session::{
    Ended, Finished, Identity, Input, Now, Outbox, Output, Session, SessionConfig, Ticket,
};
use mvchat_core::time::{Instant, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// Frames that a fuzzer would need long to make up.
const KNOWN: [&str; 12] = [
    r#"{"id":"1","hi":{"ver":"0.1.0","dev":"d"}}"#,
    r#"{"id":"2","login":{"scheme":"token","secret":"t"}}"#,
    r#"{"login":{"scheme":"basic","secret":"YTpi"}}"#,
    r#"{"id":"4","acc":{"user":"new","scheme":"basic","secret":"YWxpY2U6cGFzc3dvcmQ=","login":true}}"#,
    r#"{"id":"5","send":{"conv":"5f281d6b-e26b-4e58-82c1-621cacf21f04","content":"x","cid":"c"}}"#,
    r#"{"typing":{"conv":"5f281d6b-e26b-4e58-82c1-621cacf21f04"}}"#,
    r#"{"id":"7","get":{"what":"members","conv":"5f281d6b-e26b-4e58-82c1-621cacf21f04"}}"#,
    r#"{"id":"8","get":{"what":"conversations"}}"#,
    r#"{"id":"9","logout":{}}"#,
    r#"{"id":"10","session":{"list":true}}"#,
    r#"{"id":"11","nothing":{}}"#,
    r#"{"id":"12","send":{}"#,
];

/// One thing that happens on a connection.
#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Text(&'a [u8]),
    Known(u8),
    Ping,
    Leave,
    /// One of the running commands is done.
    Done {
        which: u8,
        how: How,
    },
    /// One of the running commands is a change of a conversation, whose frames follow.
    Reserve {
        which: u8,
        conv: u8,
    },
    Told {
        conv: u8,
        length: u8,
    },
    Take {
        most: u8,
    },
    End(Why),
    Hold(bool),
    Pass {
        ms: u16,
    },
    Sleep {
        seconds: u16,
    },
}

#[derive(Arbitrary, Debug)]
enum How {
    Well,
    LoggedIn { seconds: u16 },
    Over,
    Refused,
    Broken,
}

#[derive(Arbitrary, Debug)]
enum Why {
    Session,
    Overflow,
    Abuse,
    Shutdown,
}

/// Whatever happens on a connection, in whatever order: the session machine and the outbox, driven as the engine does.
///
/// * Every frame that asks is answered once, under its own id, and answers leave in the order of the frames; the frames
///   of a conversation keep their order, also to the answer that stands for one of them.
/// * Commands start in order, no more at once than allowed, and none that needs a login runs without one.
/// * After the end of a connection nothing more comes out of it. A deadline that is waited for lies ahead, and one
///   that has passed is kept: for the login, and for a sign of life.
pub fn session(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let mut driver = Driver::new();
    while !input.is_empty() && !driver.closed {
        let Ok(step) = Step::arbitrary(&mut input) else { break };
        driver.step(step);
    }
    driver.finish();
}

struct Driver {
    limits: Limits,
    session: Session,
    outbox: Outbox,
    now: Now,
    /// The ids of all frames that ask, and whether an answer is due.
    asked: Vec<(Option<String>, bool)>,
    /// What is being carried out, and whether its place is reserved.
    running: BTreeMap<Ticket, bool>,
    started: Option<Ticket>,
    identity: Option<Identity>,
    login_by: Option<Instant>,
    heard: Instant,
    closed: bool,
    replies: BTreeMap<Ticket, Option<Bytes>>,
    /// How many answers have left.
    answered: u64,
    /// What was told of each conversation (or of none), how much of it has left, and what must leave before the rest.
    told: BTreeMap<Option<u8>, Told>,
}

#[derive(Default)]
struct Told {
    frames: Vec<Bytes>,
    left: usize,
    behind: Vec<(usize, Ticket)>,
}

impl Driver {
    fn new() -> Self {
        let config = SessionConfig::new(ConnId(Uuid::nil()));
        let limits = (*config.limits).clone();
        let now = Now { mono: Instant(0), wall: Timestamp::from_micros(0) };
        let login_by = Some(now.mono + Duration::from_secs(limits.login_deadline));
        Self {
            session: Session::new(config, now),
            outbox: Outbox::new(16, 4_096),
            limits,
            now,
            asked: Vec::new(),
            running: BTreeMap::new(),
            started: None,
            identity: None,
            login_by,
            heard: now.mono,
            closed: false,
            replies: BTreeMap::new(),
            answered: 0,
            told: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: Step<'_>) {
        match step {
            Step::Text(text) => self.frame(text),
            Step::Known(which) => self.frame(KNOWN[usize::from(which) % KNOWN.len()].as_bytes()),
            Step::Ping if self.session.wants_frames() => self.heard(Frame::Ping),
            Step::Leave if self.session.wants_frames() => {
                self.heard(Frame::Close(mvchat_core::proto::Close::Normal));
                assert!(self.closed);
            }
            Step::Ping | Step::Leave => {}
            Step::Done { which, how } => {
                if let Some(ticket) = self.pick(which) {
                    self.done(ticket, &how);
                }
            }
            Step::Reserve { which, conv } => self.reserve(which, conv % 3),
            Step::Told { conv, length } => {
                let text = format!(
                    "told {} {}",
                    self.told.values().map(|told| told.frames.len()).sum::<usize>(),
                    "x".repeat(usize::from(length))
                );
                self.tell(Some(conv % 3), Bytes::from(text));
            }
            Step::Take { most } => {
                for _ in 0..most {
                    let Some(frame) = self.outbox.pop() else { break };
                    self.leaves(&frame);
                }
            }
            Step::End(why) => {
                let ended = match why {
                    Why::Session => Ended::Session,
                    Why::Overflow => Ended::Overflow,
                    Why::Abuse => Ended::Abuse,
                    Why::Shutdown => Ended::Shutdown(Duration::from_millis(7)),
                };
                self.input(Input::End(ended));
                assert!(self.closed);
            }
            Step::Hold(held) => {
                if self.session.hold(held) {
                    self.input(Input::Timeout);
                }
            }
            Step::Pass { ms } => self.pass(Duration::from_millis(ms.into())),
            Step::Sleep { seconds } => self.pass(Duration::from_secs(seconds.into())),
        }
    }

    /// A driver reads on only if the machine wants it.
    fn frame(&mut self, text: &[u8]) {
        if !self.session.wants_frames() {
            return;
        }
        let decoded = Envelope::decode(text);
        let id = decoded.map_or_else(|bad| bad.id, |envelope| envelope.id);
        self.asked.push((id, true));
        self.heard(Frame::Text(Bytes::copy_from_slice(text)));
    }

    fn heard(&mut self, frame: Frame) {
        self.heard = self.now.mono;
        self.input(Input::Frame(frame));
    }

    fn pick(&self, which: u8) -> Option<Ticket> {
        self.running.keys().nth(usize::from(which) % self.running.len().max(1)).copied()
    }

    fn done(&mut self, ticket: Ticket, how: &How) {
        self.running.remove(&ticket);
        let finished = |identity, ended| Ok(Finished { reply: Reply::EMPTY, identity, ended });
        let result = match how {
            How::Well => finished(None, false),
            How::Over => finished(None, true),
            How::Refused => Err(Error::from(ErrorKind::Forbidden)),
            How::Broken => Err(Error::from(ErrorKind::Internal)),
            How::LoggedIn { seconds } => {
                let expires = self.now.wall + Duration::from_secs((*seconds).into());
                let session = SessionId(Uuid::from_u128(2));
                let identity = Identity { user: UserId(Uuid::from_u128(1)), session, expires };
                (self.identity, self.login_by) = (Some(identity), None);
                finished(Some(identity), false)
            }
        };
        self.input(Input::Done(ticket, result));
    }

    fn reserve(&mut self, which: u8, conv: u8) {
        let Some(ticket) = self.pick(which) else { return };
        let reserved = self.running.get_mut(&ticket).unwrap();
        if !*reserved {
            *reserved = true;
            self.outbox.reserve(ticket, Some(id(conv)));
            let told = self.told.entry(Some(conv)).or_default();
            told.behind.push((told.frames.len(), ticket));
        }
    }

    fn tell(&mut self, conv: Option<u8>, frame: Bytes) {
        match self.outbox.push(conv.map(id), frame.clone()) {
            Ok(()) => self.told.entry(conv).or_default().frames.push(frame),
            Err(_) if self.closed => {}
            Err(_) => {
                self.input(Input::End(Ended::Overflow));
                assert!(self.closed);
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now.mono = self.now.mono + time;
        self.now.wall = self.now.wall + time;
        let reading = self.session.wants_frames();
        self.input(Input::Timeout);
        let alive = self.heard + Duration::from_secs(self.limits.idle_timeout);
        assert!(self.closed || !reading || self.now.mono < alive, "silence is noticed");
        let logs_in = self.login_by.is_some_and(|by| by <= self.now.mono) && self.running.is_empty();
        assert!(self.closed || !logs_in, "the deadline of the login is kept");
    }

    fn input(&mut self, input: Input) {
        let was_closed = self.closed;
        self.session.handle(input, self.now);
        loop {
            match self.session.poll() {
                Output::Wait(at) => {
                    assert!(
                        at.is_none_or(|at| at > self.now.mono && !self.closed),
                        "{at:?} at {:?}",
                        self.now
                    );
                    assert!(at.is_some() || self.closed);
                    break;
                }
                output => {
                    assert!(!self.closed && !was_closed, "{output:?} after the end");
                    self.output(output);
                }
            }
        }
        assert_eq!(self.session.is_closed(), self.closed);
        assert_eq!(self.session.identity(), self.identity);
        if !self.session.wants_frames() {
            self.heard = self.now.mono;
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Reply(ticket, frame) => {
                assert!(!self.running.contains_key(&ticket), "answered while it runs");
                let (id, due) = &mut self.asked[usize::try_from(ticket.0).unwrap()];
                assert!(std::mem::take(due), "answered twice");
                if let Some(frame) = &frame {
                    let ctrl: Value = serde_json::from_slice(frame).unwrap();
                    assert_eq!(ctrl["ctrl"]["id"].as_str(), id.as_deref());
                }
                self.outbox.reply(ticket, frame.clone());
                self.replies.insert(ticket, frame);
            }
            Output::Push(frame) => self.tell(None, frame),
            Output::Ping => {}
            Output::Run(ticket, job) => {
                assert!(self.started < Some(ticket), "out of order");
                self.started = Some(ticket);
                assert_eq!(job.identity, self.identity);
                let answers_anybody = format!("{:?}", job.command);
                let open = ["Login", "SignUp", "Acc", "Guest"];
                assert!(
                    self.identity.is_some() || open.iter().any(|name| answers_anybody.starts_with(name)),
                    "{answers_anybody}"
                );
                self.running.insert(ticket, false);
                assert!(self.running.len() <= self.limits.max_in_flight);
            }
            Output::Close(_) | Output::Abort => self.closed = true,
            other => panic!("{other:?}"),
        }
    }

    /// A frame leaves the outbox: it is the next answer, or the next of what was told of some conversation.
    fn leaves(&mut self, frame: &Bytes) {
        if let Some(told) = self.told.values_mut().find(|told| told.frames.get(told.left) == Some(frame)) {
            let passed =
                told.behind.iter().find(|(at, ticket)| *at <= told.left && ticket.0 >= self.answered);
            assert!(passed.is_none(), "told before the answer that comes first");
            told.left += 1;
            return;
        }
        while let Some(reply) = self.replies.get(&Ticket(self.answered)) {
            self.answered += 1;
            if let Some(reply) = reply {
                assert_eq!(reply, frame, "answers leave in order");
                // Those that are no frame stand for no place behind it either.
                while self.replies.get(&Ticket(self.answered)) == Some(&None) {
                    self.answered += 1;
                }
                return;
            }
        }
        panic!("{frame:?} was never queued");
    }

    /// Carries out what was begun, and looks whether all has been answered.
    fn finish(&mut self) {
        if self.session.hold(false) {
            self.input(Input::Timeout);
        }
        while let Some(ticket) = self.pick(0).filter(|_| !self.closed) {
            self.done(ticket, &How::Well);
        }
        if self.closed {
            return;
        }
        assert!(self.asked.iter().all(|(_, due)| !due), "every frame is answered");
        while let Some(frame) = self.outbox.pop() {
            self.leaves(&frame);
        }
        assert_eq!((self.outbox.bytes(), self.answered), (0, self.asked.len() as u64));
        assert!(self.told.values().all(|told| told.left == told.frames.len()), "all has left");
    }
}

fn id(conv: u8) -> ConvId {
    ConvId(Uuid::from_u128(conv.into()))
}
