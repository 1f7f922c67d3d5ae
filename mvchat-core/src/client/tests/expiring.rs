//! Messages and conversations that go, and messages of the server itself.

use super::*;
use crate::client::{ConvChange, MemberChange};

#[test]
fn what_has_expired_for_the_user_is_forgotten() {
    let mut rig = Rig::ready(json!([view(CONV, 0, 0)]));
    for seq in 1..=3 {
        rig.recv(data(CONV, seq, seq));
    }
    rig.events.clear();
    let hidden = json!({"conv": CONV, "what": "expired", "own": 1, "hidden": [1, 3], "ts": TS});
    rig.recv(json!({"info": hidden}));
    assert_eq!(rig.conversation().messages().keys().map(|seq| seq.0).collect::<Vec<_>>(), [2]);
    assert!(rig.saw(|event| matches!(event, Event::Hidden { seqs, .. } if seqs.len() == 2)));
    assert_eq!(rig.conversation().view().own.0, 1);
    assert!(rig.quiet(), "nothing has to be asked");
}

#[test]
fn what_has_expired_for_all_is_a_tombstone() {
    let mut rig = Rig::ready(json!([view(CONV, 0, 0)]));
    rig.recv(data(CONV, 1, 1));
    rig.events.clear();
    rig.recv(json!({"info": {"conv": CONV, "what": "expired", "seq": 1, "rev": 2, "ts": TS}}));
    let left = rig.conversation().messages().values().next().unwrap();
    assert_eq!((left.deleted, left.content.is_none()), (Some(true), true));
    assert_eq!(left.head.as_ref().unwrap().expired, Some(true));
    assert!(rig.saw(|event| matches!(event, Event::Deleted { unsent: false, .. })));
    assert_eq!((rig.conversation().view().unread, rig.conversation().view().rev.0), (0, 2));
    assert!(rig.quiet());
}

#[test]
fn a_conversation_that_has_ended_is_gone() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 1), view(OTHER, 1, 1)]));
    rig.recv(info("conv_deleted", 2, json!({})));
    assert!(rig.client.state().conversation(conv()).is_none());
    assert_eq!(rig.client.state().conversations().len(), 1);
    assert!(rig.saw(|event| matches!(event, Event::Conversation { change: ConvChange::Gone, .. })));
    assert!(rig.quiet());
}

#[test]
fn who_is_banned_is_out_at_once() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 1)]));
    rig.recv(info("member_banned", 2, json!({"user": ME})));
    assert!(rig.client.state().conversation(conv()).is_none());
    assert!(rig.saw(|event| matches!(event, Event::Member { change: MemberChange::Kicked, .. })));
}

#[test]
fn messages_of_the_server_are_kept_and_not_counted() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 0)]));
    let event = json!({"what": "member_joined", "by": BOB, "user": ME});
    let content = json!({"v": 1, "text": "member_joined"});
    rig.recv(json!({"data": {
        "conv": CONV, "seq": 1, "rev": 2, "content": content, "head": {"event": event}, "ts": TS,
    }}));
    let message = rig.conversation().messages().values().next().unwrap();
    let told = message.head.as_ref().unwrap().event.unwrap();
    assert_eq!((message.from, told.what), (None, crate::proto::What::MemberJoined));
    assert_eq!(rig.conversation().view().unread, 0);
    assert_eq!(rig.messages(), [1]);
}

#[test]
fn settings_of_a_group_are_taken_from_their_notice() {
    let mut rig = Rig::ready(json!([view(CONV, 1, 0)]));
    rig.recv(info("group_updated", 2, json!({"content": {"slowMode": 30}})));
    rig.recv(info("group_updated", 3, json!({"content": {"joinable": false}})));
    rig.recv(info("group_updated", 4, json!({"content": {"retention": 60}})));
    rig.recv(info("group_updated", 5, json!({"content": {"systemMessages": true}})));
    let seen = |rig: &Rig| {
        let view = rig.conversation().view();
        (view.slow_mode, view.joinable, view.retention, view.system_messages)
    };
    assert_eq!(seen(&rig), (Some(30), Some(false), Some(60), Some(true)));
    rig.recv(info("group_updated", 6, json!({"content": {"slowMode": null}})));
    rig.recv(info("group_updated", 7, json!({"content": {"retention": null}})));
    rig.recv(info("group_updated", 8, json!({"content": {"joinable": true}})));
    assert_eq!(seen(&rig), (None, None, None, Some(true)));
    assert!(rig.quiet(), "nothing has to be asked");
}
