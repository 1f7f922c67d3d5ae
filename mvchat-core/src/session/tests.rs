use super::*;
use crate::proto::{Close, Command, ConnId, Frame, Reply, SessionId, UserId};
use crate::time::{Instant, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

fn at(ms: u64) -> Now {
    Now { mono: Instant(ms), wall: Timestamp::from_micros(i64::try_from(ms).unwrap() * 1_000) }
}

fn session() -> Session {
    Session::new(SessionConfig::new(ConnId(Uuid::nil())), at(0))
}

fn feed(session: &mut Session, text: &str, now: Now) -> Vec<Output> {
    session.handle(Input::Frame(Frame::Text(text.to_owned().into())), now);
    drain(session)
}

fn drain(session: &mut Session) -> Vec<Output> {
    let mut out = Vec::new();
    loop {
        match session.poll() {
            Output::Wait(_) => return out,
            other => out.push(other),
        }
    }
}

fn json(output: &Output) -> serde_json::Value {
    match output {
        Output::Reply(_, Some(bytes)) | Output::Push(bytes) => serde_json::from_slice(bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn log_in(session: &mut Session, now: Now, expires_ms: u64) {
    let out = feed(session, r#"{"id":"l","login":{"scheme":"token","secret":"t"}}"#, now);
    let [Output::Run(ticket, job)] = &out[..] else { panic!("{out:?}") };
    assert!(matches!(job.command, Command::LoginToken(_)));
    let identity = Identity {
        user: UserId(Uuid::from_u128(1)),
        session: SessionId(Uuid::from_u128(2)),
        expires: at(expires_ms).wall,
    };
    session.handle(
        Input::Done(*ticket, Ok(Finished { reply: Reply::EMPTY, identity: Some(identity), ended: false })),
        now,
    );
    assert_eq!(json(&drain(session)[0])["ctrl"]["id"], "l");
}

#[test]
fn hi_is_answered_at_once_with_every_limit() {
    let mut session = session();
    let out = feed(&mut session, r#"{"id":"1","hi":{"ver":"0.1.0","ua":"x"}}"#, at(0));
    let ctrl = &json(&out[0])["ctrl"];
    assert_eq!((&ctrl["code"], &ctrl["text"]), (&200.into(), &"ok".into()));
    assert_eq!(ctrl["params"]["limits"]["editWindow"], 900);
    assert_eq!(ctrl["params"]["unicode"], "17.0");
}

#[test]
fn requests_without_login_are_401_before_their_fields_are_looked_at() {
    let mut session = session();
    for text in [
        r#"{"id":"1","send":{}}"#,
        r#"{"id":"1","acc":{"user":"me"}}"#,
        r#"{"id":"1","typing":{"conv":"x"}}"#,
    ] {
        let ctrl = &json(&feed(&mut session, text, at(0))[0])["ctrl"];
        assert_eq!((&ctrl["code"], &ctrl["err"]), (&401.into(), &"unauthenticated".into()), "{text}");
    }
    let ctrl = &json(&feed(&mut session, r#"{"id":"1","acc":{}}"#, at(0))[0])["ctrl"];
    assert_eq!(ctrl["text"], "invalid user field");
}

#[test]
fn a_login_runs_alone_and_what_follows_knows_it() {
    let mut session = session();
    let first = feed(&mut session, r#"{"id":"1","login":{"scheme":"token","secret":"t"}}"#, at(0));
    let [Output::Run(ticket, _)] = first[..] else { panic!() };
    assert!(feed(&mut session, r#"{"id":"2","get":{"what":"conversations"}}"#, at(0)).is_empty());
    let identity = Identity {
        user: UserId(Uuid::from_u128(1)),
        session: SessionId(Uuid::nil()),
        expires: at(1 << 40).wall,
    };
    session.handle(
        Input::Done(ticket, Ok(Finished { reply: Reply::EMPTY, identity: Some(identity), ended: false })),
        at(0),
    );
    let out = drain(&mut session);
    assert!(matches!(&out[..], [Output::Reply(..), Output::Run(_, job)] if job.identity == Some(identity)));
}

#[test]
fn a_valid_typing_is_never_answered() {
    let mut session = session();
    log_in(&mut session, at(0), 1 << 40);
    let out = feed(&mut session, r#"{"id":"1","typing":{"conv":"x"}}"#, at(0));
    let [Output::Run(ticket, _)] = out[..] else { panic!() };
    session.handle(Input::Done(ticket, Ok(Reply::EMPTY.into())), at(0));
    assert!(matches!(drain(&mut session)[..], [Output::Reply(_, None)]));
    let ctrl = &json(&feed(&mut session, r#"{"id":"1","typing":{}}"#, at(0))[0])["ctrl"];
    assert_eq!(ctrl["text"], "missing typing data");
}

#[test]
fn at_most_sixteen_commands_run_and_reading_stops_behind_them() {
    let mut session = session();
    log_in(&mut session, at(0), 1 << 40);
    let mut runs = 0;
    while session.wants_frames() {
        runs += feed(&mut session, r#"{"get":{"what":"conversations","limit":1}}"#, at(0)).len();
    }
    assert_eq!(runs, 16);
    session.handle(Input::Done(Ticket(1), Ok(Reply::EMPTY.into())), at(0));
    assert!(matches!(drain(&mut session)[..], [Output::Reply(..), Output::Run(..)]));
    assert!(session.wants_frames());
}

#[test]
fn large_answers_come_one_at_a_time_and_only_while_they_are_taken() {
    let mut session = session();
    log_in(&mut session, at(0), 1_000_000);
    let members = r#"{"id":"m","get":{"what":"members","conv":"01890000-0000-7000-8000-000000000000"}}"#;
    let out = feed(&mut session, members, at(0));
    let [Output::Run(ticket, _)] = &out[..] else { panic!("{out:?}") };
    assert!(feed(&mut session, members, at(0)).is_empty());
    assert!(!session.hold(true));
    session.handle(Input::Done(*ticket, Ok(Reply::EMPTY.into())), at(0));
    assert!(drain(&mut session).iter().all(|output| !matches!(output, Output::Run(..))), "it is held");
    assert!(session.hold(false), "what waits may start now");
    session.handle(Input::Timeout, at(0));
    assert!(matches!(drain(&mut session)[..], [Output::Run(..)]));
}

#[test]
fn what_waits_is_bounded_in_bytes_too() {
    let mut session = session();
    let login = format!(r#"{{"id":"l","login":{{"scheme":"token","secret":"{}"}}}}"#, "x".repeat(60_000));
    let out = feed(&mut session, &login, at(0));
    let [Output::Run(ticket, _)] = &out[..] else { panic!("{out:?}") };
    let mut held = 0;
    while session.wants_frames() {
        assert!(feed(&mut session, &login, at(0)).is_empty(), "a login runs alone");
        held += login.len();
    }
    assert!(held <= 2 * 64 * 1024, "nobody has to log in to make the server hold {held} bytes");
    session.handle(Input::Done(*ticket, Ok(Reply::EMPTY.into())), at(0));
    drain(&mut session);
    assert!(session.wants_frames(), "reading goes on when there is room again");
}

#[test]
fn too_many_frames_are_429_with_their_id_and_a_time() {
    let mut config = SessionConfig::new(ConnId(Uuid::nil()));
    config.limits = Arc::new(crate::proto::Limits::mvchat2());
    let mut session = Session::new(config, at(0));
    let codes: Vec<_> = (0..40)
        .map(|n| json(&feed(&mut session, &format!(r#"{{"id":"{n}","hi":{{}}}}"#), at(0))[0]))
        .collect();
    assert_eq!(codes.iter().filter(|reply| reply["ctrl"]["code"] == 200).count(), 30);
    let last = &codes[39]["ctrl"];
    assert_eq!((&last["id"], &last["err"]), (&"39".into(), &"rate_limited".into()));
    let after = last["params"]["retryAfter"].as_u64().unwrap();
    let later = feed(&mut session, r#"{"id":"x","hi":{}}"#, at(after));
    assert_eq!(json(&later[0])["ctrl"]["code"], 200);
}

#[test]
fn deadlines_ask_for_a_login_then_for_a_sign_of_life() {
    let mut quiet = session();
    assert!(matches!(quiet.poll(), Output::Wait(Some(Instant(15_000)))));
    quiet.handle(Input::Timeout, at(15_000));
    assert!(matches!(drain(&mut quiet)[..], [Output::Close(Close::LogIn)]));

    let mut idle = session();
    log_in(&mut idle, at(0), 1 << 40);
    assert!(matches!(idle.poll(), Output::Wait(Some(Instant(54_000)))));
    idle.handle(Input::Timeout, at(54_000));
    assert!(matches!(drain(&mut idle)[..], [Output::Ping]));
    idle.handle(Input::Frame(Frame::Pong), at(55_000));
    assert!(matches!(idle.poll(), Output::Wait(Some(Instant(109_000)))));
    idle.handle(Input::Timeout, at(109_000));
    idle.handle(Input::Timeout, at(115_000));
    assert!(matches!(drain(&mut idle)[..], [Output::Ping, Output::Abort]));
    assert!(idle.is_closed());
}

#[test]
fn an_expiring_token_is_announced_and_then_closes() {
    let mut session = session();
    log_in(&mut session, at(0), 100_000);
    session.handle(Input::Frame(Frame::Pong), at(39_999));
    assert!(drain(&mut session).is_empty());
    session.handle(Input::Timeout, at(40_000));
    assert_eq!(json(&drain(&mut session)[0])["info"]["what"], "login");
    session.handle(Input::Frame(Frame::Pong), at(90_000));
    session.handle(Input::Timeout, at(100_000));
    assert!(matches!(drain(&mut session)[..], [Output::Close(Close::LogIn)]));
}

#[test]
fn ends_close_with_their_codes() {
    for (ended, close) in [(Ended::Session, Close::SessionEnded), (Ended::Overflow, Close::Resync)] {
        let mut session = session();
        session.handle(Input::End(ended), at(0));
        let out = drain(&mut session);
        assert!(matches!(&out[..], [Output::Close(code)] if *code == close));
    }
    let mut session = session();
    session.handle(Input::End(Ended::Shutdown(Duration::from_millis(700))), at(0));
    let out = drain(&mut session);
    assert_eq!(json(&out[0])["ctrl"]["params"]["retryAfter"], 700);
    assert!(matches!(out[1], Output::Close(Close::GoingAway)));
    assert!(feed(&mut session, "{}", at(0)).is_empty(), "a closed session says nothing more");
}

#[test]
fn oversize_closes_1009() {
    let mut session = session();
    let exact = format!(r#"{{"id":"x","hi":{{"ver":"{}"}}}}"#, "a".repeat(65_536 - 28));
    let length = exact.len();
    assert!(length <= 65_536, "{length}");
    assert_eq!(json(&feed(&mut session, &exact, at(0))[0])["ctrl"]["code"], 200);
    let out = feed(&mut session, &"x".repeat(65_537), at(0));
    assert!(matches!(out[..], [Output::Close(Close::TooBig)]));
}
