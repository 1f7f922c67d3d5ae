//! The outbox.

use super::*;
use std::time::Duration;

fn send(rig: &mut Rig, conv: ConvId, text: &str) -> String {
    rig.act(|client, now| client.send(Draft::text(conv, text), now)).unwrap()
}

fn sent(seq: u64, rev: u64) -> Value {
    json!({"conv": CONV, "seq": seq, "rev": rev, "ts": TS})
}

#[test]
fn a_message_is_sent_again_with_its_cid_until_it_is_accepted() {
    let mut rig = Rig::ready(json!([view(CONV, 0, 0)]));
    let cid = send(&mut rig, conv(), "hello");
    let (_, first) = rig.asked("send");
    assert_eq!(first, json!({"conv": CONV, "content": {"v": 1, "text": "hello"}, "cid": cid}));
    rig.break_and_log_in();
    rig.list(json!([]));
    let (id, again) = rig.asked("send");
    assert_eq!(again, first);
    rig.reply(&id, 202, sent(1, 1));
    let done = SendState::Sent { seq: Seq(1), rev: Some(crate::proto::Rev(1)) };
    let states = [SendState::Queued, SendState::Sending, SendState::Queued, SendState::Sending, done];
    assert_eq!(rig.states(), states);
    assert_eq!((rig.texts(), rig.messages()), (vec![r#"{"v":1,"text":"hello"}"#.to_owned()], vec![1]));
    let view = rig.conversation().view();
    assert_eq!((view.rev.0, view.read_seq.0, view.unread), (1, 1, 0));
    rig.break_and_log_in();
    rig.list(json!([]));
    assert!(rig.quiet());
}

#[test]
fn a_message_that_comes_back_in_the_changes_is_sent() {
    let mut rig = Rig::ready(json!([view(CONV, 0, 0)]));
    let cid = send(&mut rig, conv(), "hello");
    rig.break_and_log_in();
    let (again, _) = rig.asked("send");
    rig.list(json!([view(CONV, 1, 1)]));
    let (id, _) = rig.get("changes");
    let mut mine = item(1, 1);
    mine["message"]["from"] = json!(ME);
    mine["message"]["cid"] = json!(cid);
    rig.reply(&id, 200, json!({"rev": 1, "own": 0, "more": false, "items": [mine]}));
    assert!(matches!(rig.states().last(), Some(SendState::Sent { seq: Seq(1), .. })));
    let states = rig.states().len();
    rig.reply(&again, 202, json!({"conv": CONV, "seq": 1, "rev": 1, "replay": true}));
    assert_eq!(
        (rig.states().len(), rig.messages(), rig.client.export_outbox().items.len()),
        (states, vec![1], 0)
    );
}

#[test]
fn within_a_conversation_messages_keep_their_order_and_wait_for_each_other() {
    let mut rig = Rig::ready(json!([view(CONV, 0, 0), view(OTHER, 0, 0)]));
    send(&mut rig, conv(), "a");
    send(&mut rig, conv(), "b");
    send(&mut rig, other(), "c");
    let (a, _) = rig.asked("send");
    assert_eq!(rig.asked("send").1["content"]["text"], "c");
    assert!(rig.quiet());
    rig.refuse(&a, 429, "rate_limited", json!({"retryAfter": 3_000}));
    rig.pass(2_999);
    assert!(rig.quiet());
    rig.pass(1_001);
    let (a, first) = rig.asked("send");
    assert_eq!(first["content"]["text"], "a");
    rig.refuse(&a, 503, "unavailable", json!(null));
    rig.pass(4_000);
    let (a, _) = rig.asked("send");
    rig.reply(&a, 202, sent(1, 1));
    assert_eq!(rig.asked("send").1["content"]["text"], "b");
}

#[test]
fn a_refusal_is_final_and_lets_the_next_one_go() {
    for (code, err) in [(400, "invalid_content"), (403, "blocked"), (409, "cid_reused"), (501, "unsupported")]
    {
        let mut rig = Rig::ready(json!([view(CONV, 0, 0)]));
        send(&mut rig, conv(), "a");
        send(&mut rig, conv(), "b");
        let (id, _) = rig.asked("send");
        rig.refuse(&id, code, err, json!({"path": "text", "rule": "too_long"}));
        assert!(matches!(rig.states().iter().nth_back(1), Some(SendState::Failed(error))
            if error.code == code && error.err == err && error.path.as_deref() == Some("text")));
        assert_eq!(rig.asked("send").1["content"]["text"], "b");
    }
}

#[test]
fn a_defect_of_the_server_is_given_up_after_some_attempts() {
    let mut rig = Rig::ready(json!([view(CONV, 0, 0)]));
    send(&mut rig, conv(), "a");
    for _ in 0..5 {
        let (id, _) = rig.asked("send");
        rig.refuse(&id, 500, "internal", json!(null));
        rig.pass(rig.wait.unwrap().0 - rig.now);
        if rig.sent.iter().any(|frame| frame.get("hi").is_some()) {
            let (hi, _) = rig.asked("hi");
            rig.reply(&hi, 200, json!({}));
            rig.pass(rig.wait.unwrap().0 - rig.now);
        }
    }
    assert!(matches!(rig.states().last(), Some(SendState::Failed(error)) if error.code == 500));
    assert!(rig.client.export_outbox().items.is_empty());
}

#[test]
fn a_send_without_a_login_logs_in_again_and_waits() {
    let mut rig = Rig::ready(json!([view(CONV, 0, 0)]));
    send(&mut rig, conv(), "a");
    let (id, _) = rig.asked("send");
    rig.refuse(&id, 401, "unauthenticated", json!(null));
    let (login, _) = rig.asked("login");
    rig.reply(&login, 200, account("tok-2"));
    rig.pass(1_000);
    rig.asked("send");
}

#[test]
fn what_is_too_large_fails_at_once_and_what_ends_the_connection_is_not_sent_again() {
    let mut rig = Rig::ready(json!([view(CONV, 0, 0), view(OTHER, 0, 0)]));
    let huge = "x".repeat(70_000);
    let error = rig.act(|client, now| client.send(Draft::text(conv(), &huge), now)).unwrap_err();
    assert_eq!(error.err, "too_large");
    send(&mut rig, conv(), "a longer message");
    send(&mut rig, other(), "short");
    rig.input(Input::Closed(Some(Close::TooBig)));
    assert!(
        rig.saw(|event| matches!(event, Event::SendState { conv: of, state: SendState::Failed(error), .. }
        if *of == conv() && error.err == "too_large"))
    );
    assert_eq!(rig.client.export_outbox().items.len(), 1);
}

#[test]
fn the_outbox_survives_a_restart() {
    let mut rig = Rig::ready(json!([]));
    let first = send(&mut rig, conv(), "a");
    let draft = Draft::text(conv(), "b").in_reply_to(Seq(3));
    let second = rig.act(|client, now| client.send(draft, now)).unwrap();
    let kept = serde_json::to_string(&rig.client.export_outbox()).unwrap();

    let mut rig = Rig::seeded(ClientConfig::new(Credentials::basic("alice", "pass")), 2);
    let new = send(&mut rig, conv(), "c");
    let outbox: OutboxState = serde_json::from_str(&kept).unwrap();
    for _ in 0..2 {
        rig.act(|client, now| client.import_outbox(outbox.clone(), now)).unwrap();
    }
    let cids: Vec<_> = rig.client.export_outbox().items.into_iter().map(|item| item.cid).collect();
    assert_eq!(cids, [first.clone(), second, new]);
    rig.log_in();
    rig.list(json!([]));
    assert_eq!(rig.asked("send").1["cid"], first);

    let mut foreign = outbox;
    foreign.user = Some(bob());
    assert_eq!(rig.act(|client, now| client.import_outbox(foreign, now)).unwrap_err().err, "other_user");
}

#[test]
fn the_outbox_is_bounded_and_what_was_not_sent_can_be_taken_back() {
    let mut config = ClientConfig::new(Credentials::basic("alice", "pass"));
    config.max_outbox = 2;
    let mut rig = Rig::with(config);
    send(&mut rig, conv(), "a");
    let second = send(&mut rig, conv(), "b");
    let full = rig.act(|client, now| client.send(Draft::text(conv(), "c"), now)).unwrap_err();
    assert_eq!(full.err, "full");
    assert!(rig.act(|client, now| client.cancel(&second, now)));
    rig.log_in();
    let (_, first) = rig.asked("send");
    assert!(!rig.act(|client, now| client.cancel(first["cid"].as_str().unwrap(), now)));
}

#[test]
fn two_clients_never_share_a_cid() {
    let mut rigs = [1, 2].map(|seed| Rig::seeded(ClientConfig::new(Credentials::token("t")), seed));
    let cids: std::collections::BTreeSet<_> =
        rigs.iter_mut().flat_map(|rig| ["a", "b"].map(|text| send(rig, conv(), text))).collect();
    assert_eq!(cids.len(), 4);
    assert!(cids.iter().all(|cid| cid.len() <= 64));
}

#[test]
fn typing_is_said_once_in_two_seconds_per_conversation() {
    let mut rig = Rig::new();
    let typing = |rig: &mut Rig, conv| rig.act(|client, now| client.typing(conv, now));
    typing(&mut rig, conv());
    assert!(rig.quiet(), "not while offline");
    rig.log_in();
    rig.list(json!([]));
    for _ in 0..3 {
        typing(&mut rig, conv());
    }
    typing(&mut rig, other());
    assert_eq!(rig.sent, [json!({"typing": {"conv": CONV}}), json!({"typing": {"conv": OTHER}})]);
    rig.sent.clear();
    rig.pass(1_999);
    typing(&mut rig, conv());
    assert!(rig.quiet());
    rig.pass(1);
    typing(&mut rig, conv());
    assert_eq!(rig.sent.len(), 1);
}

#[test]
fn a_send_that_is_not_answered_is_sent_again_later() {
    let mut rig = Rig::ready(json!([view(CONV, 0, 0)]));
    let cid = send(&mut rig, conv(), "a");
    rig.asked("send");
    rig.pass(u64::try_from(Duration::from_secs(11).as_millis()).unwrap());
    assert_eq!(rig.asked("send").1["cid"], cid);
}

#[test]
fn a_message_may_bring_its_own_id_and_is_taken_once() {
    let mut rig = Rig::ready(json!([view(CONV, 0, 0)]));
    let draft = || Draft::text(conv(), "a").with_cid("mine");
    for _ in 0..2 {
        assert_eq!(rig.act(|client, now| client.send(draft(), now)).unwrap(), "mine");
    }
    assert_eq!(rig.client.export_outbox().items.len(), 1);
    assert_eq!(rig.asked("send").1["cid"], "mine");
    for bad in [String::new(), "x".repeat(65)] {
        let refused = rig.act(|client, now| client.send(draft().with_cid(bad), now)).unwrap_err();
        assert_eq!(refused.err, "invalid");
    }
}
