use super::*;
use crate::error::ErrorKind;
use crate::irido::{Irido, Rules};
use crate::proto::{ConvId, Epoch, Limits, MsgId, ReactOp, Rev, Role, Seq, UserId};
use crate::time::Timestamp;
use bytes::Bytes;
use uuid::Uuid;

const SECOND: i64 = 1_000_000;

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn member(role: Role) -> Member {
    Member {
        role,
        standing: Standing::Active,
        blocks: false,
        muted_until: None,
        joined_at: Timestamp::default(),
        rev: Rev(0),
    }
}

fn conversation(kind: ConvKind, roles: &[(u128, Role)]) -> Conversation {
    Conversation {
        id: ConvId(Uuid::from_u128(99)),
        kind,
        epoch: Epoch(1),
        owner: None,
        created_at: Timestamp::default(),
        settings: ConvSettings::default(),
        members: roles.iter().map(|(id, role)| (user(*id), member(*role))).collect(),
    }
}

fn message(from: u128) -> Message {
    Message {
        seq: Seq(1),
        rev: Rev(1),
        id: MsgId(Uuid::from_u128(7)),
        from: Some(user(from)),
        ts: Timestamp::from_micros(0),
        body: MessageBody::new(Bytes::new(), vec![]),
        reply_to: None,
        view_once: None,
        expires_at: None,
        event: None,
        cid: None,
    }
}

fn text() -> Irido {
    Irido::parse("\"x\"", &Rules::default()).unwrap()
}

struct World {
    conv: Conversation,
    limits: Limits,
}

impl World {
    fn dm() -> Self {
        let conv = conversation(ConvKind::Dm, &[(1, Role::Member), (2, Role::Member)]);
        Self { conv, limits: Limits::default() }
    }
    fn group() -> Self {
        let roles =
            [(1, Role::Owner), (2, Role::Admin), (3, Role::Admin), (4, Role::Member), (5, Role::Member)];
        Self { conv: conversation(ConvKind::Group, &roles), limits: Limits::default() }
    }
    fn access(&self, id: u128, at: i64) -> Access<'_> {
        Access::of(Some(&self.conv), user(id), Timestamp::from_micros(at), &self.limits).unwrap()
    }
}

fn refused<T: std::fmt::Debug>(result: crate::Result<T>) -> (ErrorKind, String) {
    let error = result.unwrap_err();
    (error.kind(), error.detail().to_owned())
}

#[test]
fn the_gate_lets_only_active_members_in() {
    let mut world = World::dm();
    let limits = Limits::default();
    let out =
        |conv: Option<&Conversation>, id| Access::of(conv, user(id), Timestamp::default(), &limits).is_err();
    assert!(out(Some(&world.conv), 3) && out(None, 1) && !out(Some(&world.conv), 1));
    world.conv.members.get_mut(&user(1)).unwrap().standing = Standing::Left;
    assert!(out(Some(&world.conv), 1));
}

#[test]
fn windows_are_exact_at_their_boundary() {
    let world = World::dm();
    let edit = |at| may_edit(&world.access(1, at), &message(1), &text(), None);
    assert_eq!(edit(15 * 60 * SECOND).unwrap(), EditVerdict::Edit);
    assert_eq!(refused(edit(15 * 60 * SECOND + 1)).1, "edit window expired");
    let unsend = |at| may_unsend(&world.access(1, at), &message(1));
    assert!(unsend(10 * 60 * SECOND).unwrap().is_some());
    assert_eq!(refused(unsend(10 * 60 * SECOND + 1)).1, "unsend window expired");
}

#[test]
fn the_eleventh_edit_is_refused() {
    let world = World::dm();
    let mut message = message(1);
    for _ in 0..10 {
        assert_eq!(may_edit(&world.access(1, 0), &message, &text(), None).unwrap(), EditVerdict::Edit);
        message.body = edited(&message, Bytes::new(), vec![], None, Timestamp::default());
    }
    assert_eq!(refused(may_edit(&world.access(1, 0), &message, &text(), None)).1, "max edits reached");
}

#[test]
fn an_edit_with_the_last_cid_is_a_replay_or_a_mistake() {
    let world = World::dm();
    let mut message = message(1);
    message.body.edit_cid = Some(("c".into(), [1; 32]));
    let edit =
        |print| may_edit(&world.access(1, i64::MAX), &message, &text(), Some(&("c".into(), [print; 32])));
    assert_eq!(edit(1).unwrap(), EditVerdict::Replay);
    assert_eq!(refused(edit(2)).0, ErrorKind::CidReused);
}

#[test]
fn what_is_gone_is_not_edited_nor_reacted_to_and_is_taken_back_only_once() {
    let world = World::dm();
    let mut message = message(1);
    message.body = MessageBody::tombstone(MessageState::Unsent);
    assert_eq!(refused(may_edit(&world.access(1, 0), &message, &text(), None)).0, ErrorKind::Gone);
    assert_eq!(refused(reacted(&world.access(2, 0), &message, "x", ReactOp::Add)).0, ErrorKind::Gone);
    assert_eq!(may_unsend(&world.access(1, i64::MAX), &message).unwrap(), None);
    assert_eq!(refused(may_unsend(&world.access(2, 0), &message)).1, "not your message");
}

#[test]
fn a_block_stops_both_sides_with_its_own_text() {
    let mut world = World::dm();
    world.conv.members.get_mut(&user(2)).unwrap().blocks = true;
    assert_eq!(refused(may_send(&world.access(1, 0), &text())), (ErrorKind::Blocked, "blocked".into()));
    assert_eq!(refused(may_send(&world.access(2, 0), &text())), (ErrorKind::Blocked, "unblock first".into()));
    assert_eq!(refused(may_edit(&world.access(1, 0), &message(1), &text(), None)).0, ErrorKind::Blocked);
    assert_eq!(refused(may_pin(&world.access(1, 0), Some(Seq(1)), Some(&message(1)))).0, ErrorKind::Blocked);
    assert_eq!(refused(may_set_ttl(&world.access(2, 0))).1, "unblock first");
    assert!(may_unsend(&world.access(1, 0), &message(1)).unwrap().is_some());
    assert!(may_delete_for_everyone(&world.access(1, 0), &message(1)).unwrap().is_some());
}

#[test]
fn mentions_name_members_and_files_are_unknown() {
    let world = World::dm();
    let stranger =
        format!(r#"{{"v":1,"text":"@a","mentions":[{{"userId":"{}","offset":0,"length":2}}]}}"#, user(3));
    let content = Irido::parse(&stranger, &Rules::default()).unwrap();
    let error = may_send(&world.access(1, 0), &content).unwrap_err();
    let params = error.params().unwrap();
    assert_eq!(
        (params.path.as_deref(), params.rule.as_deref()),
        (Some("mentions[0].userId"), Some("unknown_member"))
    );
    let file = format!(r#"{{"v":1,"media":[{{"type":"image","ref":"{}"}}]}}"#, user(9));
    let content = Irido::parse(&file, &Rules::default()).unwrap();
    let error = may_send(&world.access(1, 0), &content).unwrap_err();
    assert_eq!(error.params().unwrap().rule.as_deref(), Some("unknown_file"));
}

#[test]
fn reactions_toggle_and_are_idempotent_with_an_op() {
    let world = World::dm();
    let mut message = message(1);
    let first = reacted(&world.access(2, 0), &message, "👍", ReactOp::Toggle).unwrap();
    assert_eq!((first.add, first.count), (true, 1));
    message.body = first.body.unwrap();
    assert_eq!(reacted(&world.access(2, 0), &message, "👍", ReactOp::Add).unwrap().body, None);
    assert_eq!(reacted(&world.access(1, 0), &message, "👍", ReactOp::Add).unwrap().count, 2);
    let back = reacted(&world.access(2, 0), &message, "👍", ReactOp::Toggle).unwrap();
    assert_eq!((back.add, back.count, back.body.unwrap().reactions.len()), (false, 0, 0));
    message.body.reactions = (0..20).map(|n| (n.to_string(), vec![user(1)])).collect();
    assert_eq!(refused(reacted(&world.access(2, 0), &message, "👍", ReactOp::Add)).1, "too many reactions");
}

#[test]
fn moderators_delete_what_lower_roles_wrote() {
    let world = World::group();
    let may = |id, from| may_delete_for_everyone(&world.access(id, 0), &message(from)).is_ok();
    assert!(may(1, 2) && may(2, 4) && may(4, 4));
    assert!(!may(2, 1) && !may(2, 3) && !may(4, 5) && !may(4, 1));
    assert!(!World::dm().conv.members.is_empty());
    let dm = World::dm();
    assert!(may_delete_for_everyone(&dm.access(1, 0), &message(2)).is_err());
}

#[test]
fn group_rights_follow_roles() {
    let world = World::group();
    let a = |id| world.access(id, 0);
    assert!(may_invite(&a(2), user(9)).unwrap());
    assert!(!may_invite(&a(2), user(1)).unwrap());
    assert_eq!(refused(may_invite(&a(4), user(9))).1, "only owner or admin can invite");
    assert_eq!(refused(may_leave(&a(1))).1, "owner cannot leave room");
    assert!(may_leave(&a(4)).is_ok());
    assert_eq!(refused(may_kick(&a(4), user(5))).1, "only owner or admin can kick");
    assert_eq!(refused(may_kick(&a(2), user(9))).1, "user not a member");
    assert_eq!(refused(may_kick(&a(2), user(1))).1, "cannot kick owner");
    assert_eq!(refused(may_kick(&a(2), user(3))).1, "admin cannot kick admin");
    assert!(may_kick(&a(1), user(3)).is_ok() && may_kick(&a(2), user(4)).is_ok());
    assert_eq!(refused(may_set_role(&a(2), user(4), Role::Admin)).1, "only owner can change roles");
    assert_eq!(refused(may_set_role(&a(1), user(1), Role::Admin)).1, "invalid role");
    assert!(may_set_role(&a(1), user(4), Role::Admin).unwrap());
    assert!(!may_set_role(&a(1), user(2), Role::Admin).unwrap());
    assert_eq!(refused(may_transfer(&a(2), user(4))).1, "only owner can transfer");
    assert!(may_transfer(&a(1), user(4)).unwrap());
    assert_eq!(refused(may_update(&a(4))).1, "only owner or admin can update");
    assert_eq!(refused(may_pin(&a(4), Some(Seq(1)), None)).1, "only owner or admin can pin");
    assert_eq!(refused(may_pin(&a(2), Some(Seq(1)), None)).1, "message not found");
}

#[test]
fn pinning_what_is_pinned_changes_nothing() {
    let mut world = World::group();
    let pins = |world: &World, seq: Option<Seq>| {
        let message = seq.map(|_| message(1));
        may_pin(&world.access(2, 0), seq, message.as_ref()).unwrap()
    };
    assert!(pins(&world, Some(Seq(1))) && !pins(&world, None));
    world.conv.settings.pinned = Some(Pinned { seq: Seq(1), at: Timestamp::default(), by: user(1) });
    assert!(!pins(&world, Some(Seq(1))) && pins(&world, Some(Seq(2))) && pins(&world, None));
}

#[test]
fn a_group_goes_to_the_highest_role_and_then_to_the_oldest_member() {
    let mut world = World::group();
    let joined = |world: &mut World, id, at| {
        world.conv.members.get_mut(&user(id)).unwrap().joined_at = Timestamp::from_micros(at);
    };
    (2..=5).for_each(|id| joined(&mut world, id, 10 - id as i64));
    assert_eq!(heir(&world.conv), Some(user(3)), "an administrator, and the one who came first");
    for id in [2, 3] {
        world.conv.members.get_mut(&user(id)).unwrap().standing = Standing::Left;
    }
    assert_eq!(heir(&world.conv), Some(user(5)));
    world.conv.members.retain(|id, _| *id == user(1));
    assert_eq!(heir(&world.conv), None);
}

#[test]
fn group_actions_are_refused_in_direct_conversations() {
    let world = World::dm();
    let a = world.access(1, 0);
    for result in [may_leave(&a), may_kick(&a, user(2)), may_update(&a), may_invite(&a, user(3)).map(drop)] {
        assert_eq!(refused(result).1, "not a group");
    }
    assert!(may_block(&a).is_ok() && may_set_ttl(&a).is_ok());
}

#[test]
fn a_full_group_takes_nobody() {
    let mut world = World::group();
    world.limits.max_subscriber_count = 5;
    assert_eq!(refused(may_invite(&world.access(1, 0), user(9))).0, ErrorKind::GroupFull);
}

#[test]
fn slow_mode_is_for_plain_members_who_may_speak() {
    let mut world = World::group();
    assert_eq!(slow_mode(&world.access(4, 0)), None);
    world.conv.settings.slow_mode = Some(30);
    assert_eq!(slow_mode(&world.access(4, 0)), Some(30));
    assert_eq!(slow_mode(&world.access(2, 0)), None);
    world.conv.members.get_mut(&user(4)).unwrap().muted_until = Some(Timestamp::from_micros(10));
    assert_eq!(slow_mode(&world.access(4, 9)), None);
    assert_eq!(refused(may_send(&world.access(4, 9), &text())).0, ErrorKind::Muted);
    assert!(may_send(&world.access(4, 10), &text()).is_ok(), "the end of a mute is exact");
}
