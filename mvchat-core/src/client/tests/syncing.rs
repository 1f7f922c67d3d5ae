//! Catching up and filling gaps.

use super::*;
use crate::proto::{GetRequest, Int, Request};

pub(super) fn members() -> Request {
    Request::Get(GetRequest {
        what: Some("members".into()),
        conv: Some(CONV.into()),
        ..GetRequest::default()
    })
}

#[test]
fn the_first_time_all_conversations_are_read_page_by_page() {
    let mut rig = Rig::new();
    rig.log_in();
    let (id, get) = rig.get("conversations");
    assert_eq!(get, json!({"what": "conversations", "limit": 100}));
    rig.reply(&id, 200, json!({"conversations": [view(CONV, 4, 2)], "next": "n1", "since": "s1"}));
    rig.recv(data(CONV, 3, 5));
    assert!(rig.messages().is_empty(), "live frames wait");
    let (id, get) = rig.get("conversations");
    assert_eq!(get, json!({"what": "conversations", "limit": 100, "before": "n1"}));
    rig.reply(&id, 200, json!({"conversations": [view(OTHER, 9, 9)]}));
    assert_eq!(rig.messages(), [3]);
    assert!(rig.saw(|event| matches!(event, Event::Synced)));
    assert!(rig.quiet() && rig.client.state().conversations().len() == 2);
    let view = rig.conversation().view();
    assert_eq!((view.rev.0, view.last_seq.0, view.unread), (5, 3, 1));
}

#[test]
fn later_only_what_changed_is_read_in_the_order_of_the_recipe() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 1), view(OTHER, 1, 1)]));
    rig.break_and_log_in();
    let (id, get) = rig.get("conversations");
    assert_eq!(get, json!({"what": "conversations", "limit": 100, "since": "s1"}));
    rig.recv(data(CONV, 4, 4));
    rig.recv(data(OTHER, 2, 2));
    rig.reply(&id, 200, json!({"conversations": [view(CONV, 3, 3)], "since": "s2", "more": true}));
    assert!(rig.messages().is_empty());
    let (id, get) = rig.get("conversations");
    assert_eq!(get["since"], "s2");
    rig.reply(&id, 200, json!({"conversations": [], "since": "s3", "more": false}));
    assert_eq!(rig.messages(), [2], "what did not change is released at once");
    let (id, get) = rig.get("changes");
    assert_eq!(get, json!({"what": "changes", "conv": CONV, "since": 1, "own": 0, "limit": 200}));
    rig.recv(data(CONV, 5, 5));
    assert!(rig.quiet() && !rig.client.is_synced());
    rig.reply(&id, 200, json!({"rev": 3, "own": 0, "more": false, "items": [item(2, 2), item(3, 3)]}));
    assert_eq!(rig.messages(), [2, 2, 3, 4, 5]);
    assert!(rig.client.is_synced() && rig.quiet());
    rig.break_and_log_in();
    assert_eq!(rig.get("conversations").1["since"], "s3");
}

#[test]
fn what_was_not_finished_when_the_connection_broke_is_asked_again() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 1)]));
    rig.break_and_log_in();
    rig.list(json!([view(CONV, 3, 3)]));
    rig.get("changes");
    rig.break_and_log_in();
    rig.list(json!([]));
    assert_eq!(rig.get("changes").1["since"], 1);
}

#[test]
fn a_gap_is_filled_before_what_came_after_it() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 1)]));
    rig.recv(data(CONV, 4, 4));
    rig.recv(data(CONV, 5, 5));
    rig.recv(data(CONV, 5, 5));
    assert!(rig.messages().is_empty());
    let (id, get) = rig.get("changes");
    assert_eq!(get["since"], 1);
    assert!(rig.quiet(), "one question at a time");
    rig.reply(
        &id,
        200,
        json!({"rev": 4, "own": 0, "more": false, "items": [item(2, 2), item(3, 3), item(4, 4)]}),
    );
    assert_eq!(rig.messages(), [2, 3, 4, 5]);
    rig.recv(data(CONV, 3, 3));
    assert_eq!(rig.messages(), [2, 3, 4, 5], "what was seen is dropped");
    assert!(rig.quiet());
}

#[test]
fn many_changes_come_in_pages() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 1)]));
    rig.recv(data(CONV, 6, 6));
    let (id, _) = rig.get("changes");
    rig.reply(&id, 200, json!({"rev": 3, "own": 0, "more": true, "items": [item(2, 2), item(3, 3)]}));
    let (id, get) = rig.get("changes");
    assert_eq!(get["since"], 3);
    rig.reply(&id, 200, json!({"rev": 5, "own": 0, "more": false, "items": [item(4, 4), item(5, 5)]}));
    assert_eq!(rig.messages(), [2, 3, 4, 5, 6]);
}

#[test]
fn too_many_changes_reload_the_newest_page() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 1)]));
    rig.recv(data(CONV, 900, 2_000));
    let (id, _) = rig.get("changes");
    rig.reply(&id, 200, json!({"rev": 2_000, "own": 0, "more": false, "items": [], "reset": true}));
    assert!(rig.saw(|event| matches!(event, Event::Reset(of) if *of == conv())));
    let (id, get) = rig.get("messages");
    assert_eq!(get, json!({"what": "messages", "conv": CONV, "limit": 50}));
    let page =
        json!({"messages": [message(900, 2_000), message(899, 1_999)], "more": true, "rev": 2_000, "own": 7});
    rig.reply(&id, 200, page);
    let (id, _) = rig.get("conversation");
    let mut fresh = view(CONV, 2_000, 900);
    fresh["own"] = json!(7);
    fresh["unread"] = json!(12);
    rig.reply(&id, 200, json!({"conversation": fresh}));
    let known = rig.conversation();
    assert_eq!((known.view().rev.0, known.view().own.0, known.view().unread), (2_000, 7, 12));
    assert_eq!(known.messages().len(), 2);
    assert!(rig.quiet() && rig.client.is_synced());
    rig.recv(data(CONV, 901, 2_001));
    assert_eq!(rig.messages(), [901]);
}

#[test]
fn an_unknown_conversation_is_asked_about_and_its_frames_are_not_lost() {
    let mut rig = Rig::ready(json!([]));
    rig.recv(data(CONV, 1, 1));
    let (id, _) = rig.get("conversation");
    rig.recv(data(CONV, 2, 2));
    let mut fresh = view(CONV, 2, 2);
    fresh["readSeq"] = json!(0);
    fresh["unread"] = json!(2);
    rig.reply(&id, 200, json!({"conversation": fresh}));
    assert_eq!((rig.messages(), rig.conversation().view().unread), (vec![1, 2], 2));
    assert!(rig.quiet());

    rig.recv(data(OTHER, 1, 1));
    let (id, _) = rig.get("conversation");
    rig.refuse(&id, 403, "not_member", json!(null));
    assert!(rig.quiet() && rig.client.is_synced());
}

#[test]
fn a_new_conversation_comes_with_its_view_and_goes_when_the_user_is_removed() {
    let mut rig = Rig::ready(json!([]));
    let mut added = info("conv_added", 5, json!({"own": 0, "content": view(CONV, 5, 3)}));
    rig.recv(added.clone());
    rig.recv(info("member_joined", 5, json!({"user": ME})));
    assert!(rig.quiet() && rig.conversation().view().rev.0 == 5);
    rig.recv(data(CONV, 4, 6));
    assert_eq!(rig.messages(), [4]);
    rig.recv(info("member_kicked", 9, json!({"user": ME})));
    assert!(rig.client.state().conversation(conv()).is_none());
    assert!(rig.saw(|event| matches!(event, Event::Conversation { change: ConvChange::Gone, .. })));
    assert!(rig.quiet());
    added["info"]["content"] = view(CONV, 11, 4);
    rig.recv(added);
    assert_eq!(rig.conversation().view().rev.0, 11);
}

#[test]
fn what_is_gone_from_the_list_is_gone() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 1), view(OTHER, 1, 1)]));
    rig.break_and_log_in();
    rig.list(json!([{"id": CONV, "gone": true}]));
    assert!(rig.client.state().conversation(conv()).is_none());
    rig.break_and_log_in();
    let (id, _) = rig.get("conversations");
    rig.refuse(&id, 400, "invalid", json!(null));
    let (id, get) = rig.get("conversations");
    assert_eq!(get.get("since"), None, "a cursor that is not understood begins anew");
    rig.reply(&id, 200, json!({"conversations": [], "since": "s9"}));
    let (id, _) = rig.get("conversation");
    rig.refuse(&id, 403, "not_member", json!(null));
    assert!(rig.client.state().conversations().is_empty());
}

#[test]
fn a_list_from_before_a_removal_does_not_bring_a_conversation_back() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 1)]));
    rig.break_and_log_in();
    rig.recv(json!({"info": {"conv": CONV, "user": ME, "what": "member_kicked", "rev": 2, "ts": TS}}));
    rig.list(json!([view(CONV, 1, 1)]));
    let (id, _) = rig.get("conversation");
    rig.refuse(&id, 403, "not_member", json!(null));
    assert!(rig.client.state().conversations().is_empty() && rig.client.is_synced() && rig.quiet());
}

#[test]
fn a_view_from_before_a_removal_does_not_bring_the_conversation_back() {
    let mut unread = view(CONV, 9, 9);
    (unread["readSeq"], unread["unread"]) = (json!(2), json!(7));
    let mut rig = Rig::ready(json!([unread]));
    let own = |own: u64, content: Value| json!({"info": {"conv": CONV, "what": "own", "own": own, "content": content, "ts": TS}});
    rig.recv(own(1, json!({"readSeq": 5})));
    let (before, _) = rig.get("conversation");
    rig.recv(json!({"info": {"conv": CONV, "user": ME, "what": "member_kicked", "rev": 10, "ts": TS}}));
    rig.recv(own(2, json!({"muted": true})));
    let (after, _) = rig.get("conversation");
    rig.reply(&before, 200, json!({"conversation": view(CONV, 9, 9)}));
    rig.refuse(&after, 403, "not_member", json!(null));
    assert!(rig.client.state().conversations().is_empty() && rig.client.is_synced() && rig.quiet());
}

#[test]
fn a_view_that_is_ahead_of_the_frames_before_it_is_caught_up_with() {
    let mut rig = Rig::new();
    rig.log_in();
    rig.recv(data(CONV, 2, 5));
    rig.list(json!([view(CONV, 8, 2)]));
    let (id, get) = rig.get("changes");
    assert_eq!(get["since"], 5);
    rig.reply(&id, 200, json!({"rev": 8, "own": 0, "more": false, "items": [item(1, 8)], "hidden": []}));
    assert_eq!(rig.conversation().view().rev.0, 8);
    assert!(rig.client.is_synced() && rig.quiet());
}

#[test]
fn what_was_hidden_before_a_conversation_was_known_stays_hidden() {
    let mut rig = Rig::new();
    rig.log_in();
    rig.recv(data(CONV, 1, 1));
    rig.recv(json!({"info": {"conv": CONV, "what": "own", "own": 1, "hidden": [1], "ts": TS}}));
    let mut listed = view(CONV, 1, 1);
    (listed["own"], listed["readSeq"], listed["recvSeq"]) = (json!(1), json!(0), json!(0));
    rig.list(json!([listed]));
    let (id, get) = rig.get("changes");
    assert_eq!((&get["since"], &get["own"]), (&json!(0), &json!(0)));
    rig.reply(&id, 200, json!({"rev": 1, "own": 1, "more": false, "items": [], "hidden": [1]}));
    assert_eq!((rig.conversation().view().unread, rig.conversation().messages().len()), (0, 0));
    assert!(rig.client.is_synced() && rig.quiet());
}

#[test]
fn private_changes_are_counted_too() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 1)]));
    let own = |own: u64, content: Value| json!({"info": {"conv": CONV, "what": "own", "own": own, "content": content, "ts": TS}});
    rig.recv(own(1, json!({"muted": true})));
    assert!(rig.conversation().view().muted && rig.quiet());
    rig.recv(own(1, json!({"muted": false})));
    assert!(rig.conversation().view().muted, "what was seen is dropped");
    rig.recv(own(4, json!({"favorite": true})));
    let (id, get) = rig.get("changes");
    assert_eq!((&get["since"], &get["own"]), (&json!(1), &json!(1)));
    rig.reply(&id, 200, json!({"rev": 1, "own": 4, "more": false, "items": [], "hidden": [1]}));
    let (id, _) = rig.get("conversation");
    let mut fresh = view(CONV, 1, 1);
    (fresh["own"], fresh["favorite"], fresh["archived"]) = (json!(4), json!(true), json!(true));
    rig.reply(&id, 200, json!({"conversation": fresh}));
    let view = rig.conversation().view();
    assert_eq!((view.own.0, view.favorite, view.archived), (4, true, true));
    assert!(rig.client.is_synced() && rig.quiet());
}

#[test]
fn the_answer_to_an_own_request_has_its_place_among_the_changes() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 1)]));
    let edit = Request::Edit(crate::proto::Edit {
        conv: Some(CONV.into()),
        seq: Some(Int(1)),
        content: crate::proto::Json::parse("\"new\"").ok(),
        cid: None,
    });
    rig.act(|client, now| client.request(edit, now));
    let (id, _) = rig.asked("edit");
    rig.reply(&id, 200, json!({"conv": CONV, "seq": 1, "rev": 3, "editedAt": TS}));
    assert!(rig.saw(|event| matches!(event, Event::Reply { .. })));
    assert!(!rig.saw(|event| matches!(event, Event::Edited { .. })), "rev 2 is missing");
    let (id, _) = rig.get("changes");
    rig.reply(&id, 200, json!({"rev": 2, "own": 0, "more": false, "items": [item(2, 2)]}));
    assert!(rig.saw(|event| matches!(event, Event::Edited { content, .. } if content.as_str() == r#"{"v":1,"text":"new"}"#)));
    assert_eq!(rig.conversation().view().rev.0, 3);
}

#[test]
fn a_late_answer_still_counts_for_the_model() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 1)]));
    let pin = Request::Pin(crate::proto::Pin { conv: Some(CONV.into()), seq: Some(Int(1)) });
    rig.act(|client, now| client.request(pin, now));
    let (id, _) = rig.asked("pin");
    rig.pass(10_000);
    rig.reply(&id, 200, json!({"conv": CONV, "seq": 1, "pinnedAt": TS, "rev": 2}));
    assert_eq!(rig.conversation().view().pinned_seq, Some(Seq(1)));
    assert_eq!(rig.events.iter().filter(|event| matches!(event, Event::Reply { .. })).count(), 1);
}

#[test]
fn a_failing_question_is_asked_again_later() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 1)]));
    rig.recv(data(CONV, 3, 3));
    let (id, _) = rig.get("changes");
    rig.refuse(&id, 503, "busy", json!({"retryAfter": 2_500}));
    rig.pass(2_499);
    assert!(rig.quiet());
    rig.pass(1);
    let (id, _) = rig.get("changes");
    rig.refuse(&id, 403, "not_member", json!(null));
    assert!(rig.client.state().conversations().is_empty());
}

#[test]
fn a_server_that_never_delivers_what_it_mentioned_does_not_stop_the_conversation() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 1)]));
    rig.recv(data(CONV, 5, 5));
    for _ in 0..3 {
        let (id, _) = rig.get("changes");
        rig.reply(&id, 200, json!({"rev": 1, "own": 0, "more": false, "items": []}));
        rig.pass(2_000);
    }
    assert_eq!(rig.messages(), [5]);
    assert!(rig.quiet() && rig.client.is_synced());
}

#[test]
fn frames_beyond_the_buffer_are_asked_for_instead() {
    let mut config = ClientConfig::new(Credentials::basic("alice", "pass"));
    config.max_buffered = 300;
    let mut rig = Rig::with(config);
    rig.log_in();
    for rev in 2..6 {
        rig.recv(data(CONV, rev, rev));
    }
    rig.list(json!([view(CONV, 1, 1)]));
    let (id, get) = rig.get("changes");
    assert_eq!(get["since"], 1);
    rig.reply(
        &id,
        200,
        json!({"rev": 5, "own": 0, "more": false,
        "items": [item(2, 2), item(3, 3), item(4, 4), item(5, 5)]}),
    );
    assert_eq!(rig.messages(), [2, 3, 4, 5]);
    assert!(rig.client.is_synced());
}

#[test]
fn history_that_is_older_than_the_model_is_brought_up_to_date() {
    let mut rig = Rig::ready(json!([view(CONV, 5, 5)]));
    let get = GetRequest { what: Some("messages".into()), conv: Some(CONV.into()), ..GetRequest::default() };
    rig.act(|client, now| client.request(Request::Get(get), now));
    let (id, _) = rig.get("messages");
    rig.recv(info("edit", 6, json!({"seq": 5, "content": {"v": 1, "text": "newer"}})));
    rig.reply(
        &id,
        200,
        json!({"messages": [message(5, 5), message(4, 4)], "more": true, "rev": 5, "own": 0}),
    );
    let (id, get) = rig.get("changes");
    assert_eq!(get["since"], 5);
    let mut newer = item(5, 6);
    newer["message"]["content"]["text"] = json!("newer");
    rig.reply(&id, 200, json!({"rev": 6, "own": 0, "more": false, "items": [newer]}));
    assert_eq!(rig.texts(), [r#"{"text":"m4","v":1}"#, r#"{"text":"newer","v":1}"#]);
    assert!(rig.client.is_synced());
}

#[test]
fn a_conversation_that_the_user_s_own_request_opened_is_asked_for() {
    let invite = crate::proto::Invite { redeem: Some("code".into()), ..crate::proto::Invite::default() };
    let dm = crate::proto::Dm { user: Some(BOB.into()), ..crate::proto::Dm::default() };
    for (key, request) in [("invite", Request::Invite(invite)), ("dm", Request::Dm(dm))] {
        let mut rig = Rig::ready(json!([]));
        rig.act(|client, now| client.request(request, now));
        let (id, _) = rig.asked(key);
        rig.reply(&id, 200, json!({"conv": CONV}));
        let (id, get) = rig.get("conversation");
        assert_eq!(get["conv"], CONV);
        rig.reply(&id, 200, json!({"conversation": view(CONV, 1, 1)}));
        assert_eq!(rig.conversation().view().last_seq, Seq(1));
    }
}
