//! What the parts of the way of a message take: `cargo bench -p mvchat-core --features testkit`.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

#[expect(dead_code, reason = "other programs use the rest")]
mod world;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use mvchat_core::Keys;
use mvchat_core::builtin::keys::{Context, UserKey};
use mvchat_core::irido::{Irido, Rules};
use mvchat_core::proto::{Command, ConnId, Envelope, Frame, Reply, SessionId, UserId};
use mvchat_core::session::{Finished, Identity, Input, Now, Output, Session, SessionConfig};
use mvchat_core::time::{Instant, Timestamp};
use uuid::Uuid;
use world::{GROUP, WRITER, World, runtime, text};

fn main() {
    divan::main();
}

/// A message as clients send it.
fn send_frame() -> String {
    let (conv, content) = (GROUP, text(120));
    format!(
        r#"{{"id":"17","send":{{"conv":"{conv}","content":{{"v":1,"text":{}}},"cid":"0123456789abcdef-1"}}}}"#,
        content.as_str()
    )
}

#[divan::bench]
fn envelope_parse(bencher: Bencher<'_, '_>) {
    let frame = send_frame();
    let bytes = BytesCount::new(frame.len());
    bencher.counter(bytes).bench(|| Envelope::decode(black_box(frame.as_bytes())).unwrap());
}

const CONTENTS: [&str; 4] = ["short", "long", "emoji", "rich"];

#[divan::bench(args = CONTENTS)]
fn irido_validate(bencher: Bencher<'_, '_>, kind: &str) {
    let content = match kind {
        "short" => format!(r#"{{"v":1,"text":{}}}"#, text(120).as_str()),
        "long" => format!(r#"{{"v":1,"text":{}}}"#, text(5_000).as_str()),
        "emoji" => format!(r#"{{"v":1,"text":"{}"}}"#, "👩‍👩‍👧 e\u{301} ".repeat(500)),
        _ => {
            let user = WRITER;
            let mention = format!(r#"{{"userId":"{user}","offset":4,"length":5}}"#);
            let page = r#"{"type":"embed","embed":{"url":"https://example.org/a","title":"A page"}}"#;
            format!(r#"{{"v":1,"text":{},"mentions":[{mention}],"media":[{page}]}}"#, text(120).as_str())
        }
    };
    let rules = Rules::default();
    let bytes = BytesCount::new(content.len());
    bencher.counter(bytes).bench(|| Irido::parse(black_box(&content), &rules).unwrap());
}

/// A key, and what a message of it is bound to.
fn key() -> (UserKey, Context) {
    let keys = Keys::ephemeral();
    let user = WRITER.0;
    let key = runtime().block_on(async {
        keys.create_user(user).await.unwrap();
        keys.user(user).await.unwrap()
    });
    (key, Context::Message { conv: GROUP.0, id: Uuid::from_u128(3), sender: user, revision: 0 })
}

const SIZES: [usize; 2] = [250, 4_096];

#[divan::bench(args = SIZES)]
fn seal(bencher: Bencher<'_, '_>, size: usize) {
    let ((key, context), plain) = (key(), vec![b'x'; size]);
    bencher.counter(BytesCount::new(size)).bench(|| key.seal(&context, black_box(&plain)));
}

#[divan::bench(args = SIZES)]
fn open(bencher: Bencher<'_, '_>, size: usize) {
    let (key, context) = key();
    let sealed = key.seal(&context, &vec![b'x'; size]);
    bencher.counter(BytesCount::new(size)).bench(|| key.open(&context, black_box(&sealed)).unwrap());
}

/// A session that somebody has logged in to.
fn session() -> Session {
    let now = Now { mono: Instant(0), wall: Timestamp::from_micros(1) };
    let mut config = SessionConfig::new(ConnId(Uuid::nil()));
    config.limits = std::sync::Arc::new(mvchat_core::proto::Limits::default().unthrottled());
    let mut session = Session::new(config, now);
    let login = r#"{"id":"1","login":{"scheme":"token","secret":"t"}}"#;
    session.handle(Input::Frame(Frame::Text(login.into())), now);
    let Output::Run(ticket, _) = session.poll() else { panic!("a login is a command") };
    let expires = Timestamp::from_micros(i64::MAX / 2);
    let identity = Identity { user: WRITER, session: SessionId(Uuid::nil()), expires };
    let done = Finished { reply: Reply::EMPTY, identity: Some(identity), ended: false };
    session.handle(Input::Done(ticket, Ok(done)), now);
    while !matches!(session.poll(), Output::Wait(_)) {}
    session
}

/// From a frame to the command, and from its answer to the frame.
#[divan::bench]
fn session_step(bencher: Bencher<'_, '_>) {
    let (mut session, frame) = (session(), bytes::Bytes::from(send_frame()));
    let mut millis = 0;
    bencher.bench_local(|| {
        millis += 1;
        let now = Now { mono: Instant(millis), wall: Timestamp::from_micros(2) };
        session.handle(Input::Frame(Frame::Text(frame.clone())), now);
        let Output::Run(ticket, job) = session.poll() else { panic!("a send is a command") };
        black_box(job);
        session.handle(Input::Done(ticket, Ok(Finished::from(Reply::EMPTY))), now);
        while !matches!(black_box(session.poll()), Output::Wait(_)) {}
    });
}

/// A whole message, from the call to the commit in memory; nobody listens.
#[divan::bench]
fn send(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    let world = runtime.block_on(World::of(0));
    let (actor, content) = (world.chat.act_as(WRITER), text(120));
    bencher.bench_local(|| runtime.block_on(actor.send(GROUP, content.clone())).unwrap());
}

/// The same with readers: what each of them adds is the time of an item.
#[divan::bench(args = [10, 100, 1_000], sample_count = 50)]
fn fan_out(bencher: Bencher<'_, '_>, readers: usize) {
    let runtime = runtime();
    let world = runtime.block_on(World::of(readers));
    let (actor, content) = (world.chat.act_as(WRITER), text(120));
    bencher.counter(ItemsCount::new(readers)).bench_local(|| {
        runtime.block_on(async {
            let before = world.heard.count();
            actor.send(GROUP, content.clone()).await.unwrap();
            world.heard.more(before, readers as u64).await;
        });
    });
}

/// Whether somebody may do something in a conversation, when it was loaded before.
#[divan::bench(args = [2, 1_000])]
fn access_cached(bencher: Bencher<'_, '_>, members: usize) {
    let runtime = runtime();
    let world = runtime.block_on(World::of(members - 1));
    let stranger = UserId(Uuid::from_u128(9));
    runtime.block_on(world.chat.add_user(stranger, None)).unwrap();
    let actor = world.chat.act_as(stranger);
    // Who may not, is not told apart by anything but the access.
    let typing = || Command::Typing { conv: Some(GROUP) };
    bencher.bench_local(|| runtime.block_on(actor.execute(typing())));
}
