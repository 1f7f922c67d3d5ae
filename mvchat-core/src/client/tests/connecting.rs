//! Logging in, staying alive, coming back, ending.

use super::*;
use std::time::Duration;

#[test]
fn it_greets_and_logs_in_at_once_and_keeps_the_token() {
    let mut rig = Rig::new();
    assert_eq!((rig.connects, rig.wait), (1, Some(Instant(15_000))));
    rig.input(Input::Opened);
    let (_, hi) = rig.asked("hi");
    assert_eq!(hi["ver"], crate::proto::VERSION);
    let (id, login) = rig.asked("login");
    assert_eq!(login, json!({"scheme": "basic", "secret": "YWxpY2U6Y29ycmVjdCBob3JzZQ=="}));
    rig.reply(&id, 200, account("tok-1"));
    let secret = |account: &Account| account.token.clone().unwrap().0 == "tok-1";
    assert!(rig.saw(|event| matches!(event, Event::Connected(account) if secret(account))));
    assert!(!format!("{:?}", rig.events).contains("tok-1"));

    rig.input(Input::Closed(None));
    rig.pass(1_000);
    rig.input(Input::Opened);
    assert_eq!(rig.sent.iter().find_map(|frame| frame.get("login")).unwrap()["secret"], "tok-1");
}

#[test]
fn an_expired_token_falls_back_to_the_password_another_refusal_ends() {
    let mut rig = Rig::ready(json!([]));
    rig.input(Input::Closed(Some(Close::LogIn)));
    rig.pass(1_000);
    rig.input(Input::Opened);
    let (id, _) = rig.asked("login");
    rig.refuse(&id, 401, "token_expired", json!(null));
    let (id, login) = rig.asked("login");
    assert_eq!(login["scheme"], "basic");
    rig.refuse(&id, 401, "bad_credentials", json!(null));
    assert!(rig.saw(|event| matches!(event, Event::LoginFailed(error) if error.code == 401)));
    assert_eq!((rig.disconnects.len(), rig.wait), (1, None));
    let connects = rig.connects;
    rig.pass(1_000_000);
    rig.input(Input::Online);
    assert_eq!(rig.connects, connects);

    rig.act(|client, now| client.reopen(Some(Credentials::basic("alice", "better")), now));
    assert_eq!(rig.connects, connects + 1);
}

#[test]
fn a_token_without_a_password_ends_when_it_expires() {
    let mut rig = Rig::with(ClientConfig::new(Credentials::token("old")));
    rig.input(Input::Opened);
    let (id, _) = rig.asked("login");
    rig.refuse(&id, 401, "token_expired", json!(null));
    assert!(rig.saw(|event| matches!(event, Event::LoginFailed(_))));
    assert_eq!(rig.wait, None);
}

#[test]
fn a_sign_up_whose_answer_was_lost_becomes_a_login() {
    let mut rig = Rig::with(ClientConfig::new(Credentials::sign_up("alice", "correct horse", None)));
    rig.input(Input::Opened);
    let (_, acc) = rig.asked("acc");
    assert_eq!((&acc["user"], &acc["login"]), (&json!("new"), &json!(true)));
    rig.input(Input::Closed(None));
    rig.pass(1_000);
    rig.input(Input::Opened);
    let (id, _) = rig.asked("acc");
    rig.refuse(&id, 409, "exists", json!(null));
    let (id, login) = rig.asked("login");
    assert_eq!(login["scheme"], "basic");
    rig.reply(&id, 200, account("t"));
    assert!(rig.client.is_connected());
}

#[test]
fn a_name_that_is_taken_is_a_refusal() {
    let mut rig = Rig::with(ClientConfig::new(Credentials::sign_up("alice", "correct horse", None)));
    rig.input(Input::Opened);
    let (id, _) = rig.asked("acc");
    rig.refuse(&id, 409, "exists", json!(null));
    assert!(rig.saw(|event| matches!(event, Event::LoginFailed(error) if error.code == 409)));
}

#[test]
fn a_busy_server_is_asked_again_after_its_time() {
    let mut rig = Rig::new();
    rig.input(Input::Opened);
    let (id, _) = rig.asked("login");
    rig.refuse(&id, 503, "busy", json!({"retryAfter": 4_000}));
    assert!(rig.saw(|event| matches!(event, Event::Disconnected { retry_in, .. }
        if *retry_in == Duration::from_secs(4))));
    rig.pass(3_999);
    assert_eq!(rig.connects, 1);
    rig.pass(1);
    assert_eq!(rig.connects, 2);
}

#[test]
fn going_away_names_the_time_to_come_back() {
    let mut rig = Rig::ready(json!([]));
    rig.recv(json!({"ctrl": {"code": 503, "text": "going away", "err": "unavailable",
        "params": {"retryAfter": 7_000}, "ts": TS}}));
    rig.input(Input::Closed(Some(Close::GoingAway)));
    assert_eq!(rig.wait, Some(Instant(7_000)));
    rig.pass(7_000);
    assert_eq!(rig.connects, 2);
    rig.log_in();
    rig.input(Input::Closed(Some(Close::Resync)));
    assert!(rig.wait.unwrap() <= Instant(9_000), "the time was for once");
}

#[test]
fn waits_are_jittered_up_to_a_doubling_ceiling_and_start_over_after_a_stable_time() {
    let run = |seed| {
        let mut rig = Rig::seeded(ClientConfig::new(Credentials::basic("alice", "pass")), seed);
        let mut waits = Vec::new();
        for attempt in 0..9_u32 {
            rig.input(Input::Closed(None));
            let wait = rig.wait.unwrap().0 - rig.now;
            assert!(wait <= 1_000 * (1_u64 << attempt).min(30));
            waits.push(wait);
            rig.pass(wait);
        }
        rig.log_in();
        rig.list(json!([]));
        (waits, rig)
    };
    let (waits, mut rig) = run(5);
    assert_eq!(run(5).0, waits);
    assert_ne!(run(6).0, waits);
    rig.pass(1_000);
    rig.input(Input::Closed(None));
    rig.pass(rig.wait.unwrap().0 - rig.now);
    rig.log_in();
    for _ in 0..3 {
        rig.pass(20_000);
        rig.recv(json!({"pres": {"user": BOB, "what": "on"}}));
    }
    rig.input(Input::Closed(None));
    assert!(rig.wait.unwrap().0 - rig.now <= 1_000);
}

#[test]
fn the_network_being_back_connects_at_once_or_asks_for_a_sign_of_life() {
    let mut rig = Rig::ready(json!([]));
    rig.input(Input::Online);
    assert!(rig.asked("hi").1.as_object().unwrap().is_empty());
    for _ in 0..6 {
        rig.input(Input::Closed(None));
        let connects = rig.connects;
        rig.input(Input::Online);
        assert_eq!(rig.connects, connects + 1);
    }
}

#[test]
fn silence_asks_for_a_sign_of_life_and_then_ends_the_connection() {
    let mut rig = Rig::ready(json!([]));
    rig.pass(24_999);
    assert!(rig.quiet());
    rig.pass(1);
    let (id, _) = rig.asked("hi");
    rig.pass(9_000);
    rig.reply(&id, 200, json!({}));
    rig.pass(24_999);
    assert!(rig.quiet() && rig.disconnects.is_empty());
    rig.pass(1);
    rig.asked("hi");
    rig.pass(9_999);
    assert!(rig.disconnects.is_empty());
    rig.pass(1);
    assert_eq!(rig.disconnects, [Close::Normal]);
    assert!(rig.saw(|event| matches!(event, Event::Disconnected { .. })));
}

#[test]
fn an_opening_or_a_login_that_takes_too_long_is_given_up() {
    let mut rig = Rig::new();
    rig.pass(15_000);
    assert_eq!(rig.disconnects.len(), 1);
    rig.pass(1_000);
    assert_eq!(rig.connects, 2);
    rig.input(Input::Opened);
    rig.pass(10_000);
    assert_eq!(rig.disconnects.len(), 2);
}

#[test]
fn an_ended_session_and_an_own_close_are_for_good() {
    let mut rig = Rig::ready(json!([]));
    rig.input(Input::Closed(Some(Close::SessionEnded)));
    assert!(rig.saw(|event| matches!(event, Event::Ended(EndReason::SessionEnded))));
    assert_eq!((rig.wait, rig.disconnects.len()), (None, 0));

    let mut rig = Rig::ready(json!([]));
    rig.act(Client::close);
    assert!(rig.saw(|event| matches!(event, Event::Ended(EndReason::Closed))));
    assert_eq!((rig.wait, rig.disconnects.clone()), (None, vec![Close::Normal]));
    let id = rig.act(|client, now| client.request(super::syncing::members(), now));
    assert!(rig.saw(|event| matches!(event, Event::Reply { id: of, result: Err(error) }
        if *of == id && error.err == "ended")));
    rig.act(|client, now| client.reopen(None, now));
    rig.input(Input::Opened);
    assert_eq!(rig.asked("login").1["secret"], "tok-1");
}

#[test]
fn a_token_that_will_expire_is_renewed_on_the_same_connection() {
    let mut rig = Rig::ready(json!([]));
    rig.recv(json!({"info": {"what": "login", "ts": TS}}));
    rig.recv(json!({"info": {"what": "login", "ts": TS}}));
    let (id, login) = rig.asked("login");
    assert_eq!(login, json!({"scheme": "token", "secret": "tok-1"}));
    assert!(rig.quiet(), "one login at a time");
    rig.reply(&id, 200, account("tok-2"));
    assert!(rig.saw(|event| matches!(event, Event::Renewed(_))));
    assert!(rig.quiet() && rig.connects == 1);
}

#[test]
fn requests_are_answered_by_id_or_fail_in_time() {
    let mut rig = Rig::ready(json!([]));
    let first = rig.act(|client, now| client.request(super::syncing::members(), now));
    let second = rig.act(|client, now| client.request(super::syncing::members(), now));
    let (a, _) = rig.get("members");
    let (b, _) = rig.get("members");
    rig.refuse(&b, 403, "not_member", json!(null));
    rig.reply(&a, 200, json!({"members": []}));
    rig.reply(&a, 200, json!({"members": []}));
    let replies: Vec<_> = rig
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Reply { id, result } => {
                Some((*id, result.as_ref().map_or_else(|error| error.code, |ctrl| ctrl.code)))
            }
            _ => None,
        })
        .collect();
    assert_eq!(replies, [(second, 403), (first, 200)]);

    for cut in [false, true] {
        rig.events.clear();
        let late = rig.act(|client, now| client.request(super::syncing::members(), now));
        if cut {
            rig.input(Input::Closed(None))
        } else {
            rig.pass(10_000)
        }
        let err = if cut { "disconnected" } else { "timeout" };
        let fails = rig
            .events
            .iter()
            .filter(|event| {
                matches!(event, Event::Reply { id, result: Err(error) }
            if *id == late && error.err == err)
            })
            .count();
        assert_eq!(fails, 1);
    }
}

#[test]
fn a_request_made_offline_waits_for_the_login_but_not_for_ever() {
    let mut rig = Rig::new();
    let id = rig.act(|client, now| client.request(super::syncing::members(), now));
    rig.pass(9_000);
    rig.log_in();
    rig.list(json!([]));
    rig.get("members");
    rig.input(Input::Closed(None));
    let late = rig.act(|client, now| client.request(super::syncing::members(), now));
    rig.pass(10_000);
    for (id, err) in [(id, "disconnected"), (late, "timeout")] {
        assert!(rig.saw(|event| matches!(event, Event::Reply { id: of, result: Err(error) }
            if *of == id && error.err == err)));
    }
}

#[test]
fn another_users_state_is_forgotten() {
    let mut rig = Rig::ready(json!([view(CONV, 3, 2)]));
    rig.act(|client, now| client.send(Draft::text(conv(), "mine"), now)).unwrap();
    rig.input(Input::Closed(None));
    rig.pass(1_000);
    rig.sent.clear();
    rig.input(Input::Opened);
    let (id, _) = rig.asked("login");
    rig.reply(&id, 200, json!({"user": BOB, "emailVerified": false, "desc": {"public": null}}));
    assert!(rig.client.state().conversations().is_empty());
    assert!(matches!(rig.states().last(), Some(SendState::Failed(error)) if error.err == "other_user"));
}

#[test]
fn until_the_password_is_another_nothing_else_is_asked_for() {
    let mut rig = Rig::new();
    rig.input(Input::Opened);
    let (hi, _) = rig.asked("hi");
    let (login, _) = rig.asked("login");
    rig.reply(&hi, 200, json!({}));
    let mut who = account("tok-1");
    who["mustChangePassword"] = json!(true);
    who["privacy"] = json!({"typing": "nobody"});
    rig.reply(&login, 200, who);
    assert!(rig.saw(|event| matches!(event, Event::Connected(account)
        if account.must_change_password && account.privacy.typing == crate::proto::Audience::Nobody)));
    rig.act(|client, now| client.send(Draft::text(conv(), "hello"), now)).unwrap();
    assert!(rig.quiet(), "the list and messages would be refused");

    let change = crate::proto::Acc {
        user: Some("me".into()),
        secret: Some(crate::proto::Secret::Change { old: "a".into(), new: "b".into() }),
        ..crate::proto::Acc::default()
    };
    rig.act(|client, now| client.request(crate::proto::Request::Acc(change), now));
    let (id, _) = rig.asked("acc");
    rig.reply(&id, 200, json!({"passwordChanged": true}));
    rig.list(json!([view(CONV, 0, 0)]));
    rig.asked("send");
}
