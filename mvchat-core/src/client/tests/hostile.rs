//! No server can make the machine panic, spin or grow without bound.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Bytes(Vec<u8>),
    Frame(Value),
    /// Answers one of the open requests with any of these parameters.
    Answer(prop::sample::Index, u16, Value),
    Open,
    Close(Option<u16>),
    Pass(u64),
    Online,
    Send(bool),
    Ask(u8),
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => (0..12_u64).prop_map(Value::from),
        1 => Just(json!(u64::MAX)),
        1 => Just(json!(crate::proto::MAX_COUNTER)),
    ]
}

fn conv_id() -> impl Strategy<Value = Value> {
    prop_oneof![Just(json!(CONV)), Just(json!(OTHER))]
}

fn user() -> impl Strategy<Value = Value> {
    prop_oneof![Just(json!(ME)), Just(json!(BOB)), Just(Value::Null)]
}

fn any_view() -> impl Strategy<Value = Value> {
    (conv_id(), prop::collection::vec(number(), 7)).prop_map(|(conv, numbers)| {
        let mut view = view(CONV, 0, 0);
        view["id"] = conv;
        for (key, number) in ["rev", "own", "lastSeq", "readSeq", "recvSeq", "clearSeq"].iter().zip(numbers) {
            view[*key] = number;
        }
        view
    })
}

fn any_message() -> impl Strategy<Value = Value> {
    (number(), number(), user(), any::<bool>()).prop_map(|(seq, rev, from, deleted)| {
        let mut message = json!({"seq": seq, "rev": rev, "from": from, "ts": TS, "content": {"v": 1}});
        if deleted {
            message["deleted"] = json!(true);
        }
        message
    })
}

fn any_params() -> impl Strategy<Value = Value> {
    let messages = || prop::collection::vec(any_message(), 0..4);
    let views = prop::collection::vec(any_view(), 0..3);
    let marks = (conv_id(), number(), number(), number(), user());
    prop_oneof![
        Just(account("tok")),
        (views, any::<bool>(), any::<bool>()).prop_map(|(views, more, next)| {
            let next = if next { json!("n") } else { Value::Null };
            json!({"conversations": views, "since": "s", "more": more, "next": next})
        }),
        any_view().prop_map(|view| json!({"conversation": view})),
        (messages(), any_view(), number(), number(), any::<(bool, bool)>()).prop_map(
            |(messages, view, rev, own, (more, reset))| {
                let mut items: Vec<_> = messages.into_iter().map(|it| json!({"rev": 1, "message": it})).collect();
                items.push(json!({"rev": 2, "conversation": view}));
                json!({"rev": rev, "own": own, "more": more, "items": items, "hidden": [1, u64::MAX],
                    "reset": if reset { json!(true) } else { Value::Null }})
            }
        ),
        (messages(), number(), number(), any::<bool>()).prop_map(|(messages, rev, own, more)| {
            json!({"messages": messages, "rev": rev, "own": own, "more": more})
        }),
        marks.prop_map(|(conv, seq, rev, own, user)| {
            json!({"conv": conv, "seq": seq, "rev": rev, "own": own, "user": user, "emoji": "x", "role": "owner"})
        }),
        Just(json!({"retryAfter": u64::MAX})),
        Just(Value::Null),
    ]
}

fn any_frame() -> impl Strategy<Value = Value> {
    let what = prop::sample::select(vec![
        "typing",
        "read",
        "edit",
        "unsend",
        "delete",
        "react",
        "pin",
        "unpin",
        "member_joined",
        "member_left",
        "member_kicked",
        "role_changed",
        "owner_changed",
        "room_updated",
        "conv_added",
        "own",
        "login",
        "other",
    ]);
    let content = prop_oneof![
        any_view(),
        Just(json!({"readSeq": u64::MAX, "clearSeq": 3})),
        Just(json!({"role": "owner"}))
    ];
    prop_oneof![
        (conv_id(), number(), number(), user()).prop_map(|(conv, seq, rev, from)| {
            json!({"data": {"conv": conv, "seq": seq, "rev": rev, "from": from, "content": {"v": 1}, "ts": TS}})
        }),
        (what, conv_id(), prop::collection::vec(number(), 3), user(), content, any::<[bool; 3]>()).prop_map(
            |(what, conv, numbers, user, content, has)| {
                let pick = |has: bool, value: &Value| if has { value.clone() } else { Value::Null };
                json!({"info": {"what": what, "conv": conv, "from": user, "user": user, "seq": numbers[0],
                    "rev": pick(has[0], &numbers[1]), "own": pick(has[1], &numbers[2]), "emoji": "x",
                    "content": pick(has[2], &content), "hidden": [1, 2], "ts": TS}})
            }
        ),
        user().prop_map(|user| json!({"pres": {"user": user, "what": "on"}})),
        (100..600_u16).prop_map(|code| json!({"ctrl": {"code": code, "text": "", "ts": TS}})),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let codes = prop::sample::select(vec![200, 200, 200, 200, 202, 400, 401, 403, 404, 429, 500, 503, 9]);
    let closes = prop::option::of(prop::sample::select(vec![1000, 1001, 1009, 4001, 4008, 4029, 7]));
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..60).prop_map(Step::Bytes),
        8 => any_frame().prop_map(Step::Frame),
        12 => (any::<prop::sample::Index>(), codes, any_params()).prop_map(|(at, code, params)| Step::Answer(at, code, params)),
        3 => Just(Step::Open),
        1 => closes.prop_map(Step::Close),
        3 => (0..40_000_u64).prop_map(Step::Pass),
        1 => Just(Step::Online),
        2 => any::<bool>().prop_map(Step::Send),
        2 => (0..5_u8).prop_map(Step::Ask),
    ]
}

fn request(kind: u8) -> crate::proto::Request {
    let text = match kind {
        0 => json!({"get": {"what": "messages", "conv": CONV}}),
        1 => json!({"edit": {"conv": CONV, "seq": 1, "content": "x"}}),
        2 => json!({"read": {"conv": CONV, "seq": 2}}),
        3 => json!({"group": {"action": "leave", "id": CONV}}),
        _ => json!({"dm": {"conv": CONV, "muted": true}}),
    };
    crate::proto::Envelope::decode(text.to_string().as_bytes()).unwrap().request
}

fn run(steps: Vec<Step>) {
    let mut config = ClientConfig::new(Credentials::basic("alice", "pass"));
    (config.max_messages, config.max_buffered, config.max_outbox) = (5, 2_000, 4);
    let mut rig = Rig::with(config);
    // Half of the runs begin where the interesting states are.
    if steps.len().is_multiple_of(2) {
        rig.log_in();
        rig.list(json!([view(CONV, 1, 1)]));
    }
    for step in steps {
        match step {
            Step::Bytes(bytes) => rig.input(Input::Text(&bytes)),
            Step::Frame(frame) => rig.recv(frame),
            Step::Answer(at, code, params) => {
                let open: Vec<_> = rig.sent.iter().filter_map(|frame| frame["id"].as_str()).collect();
                if !open.is_empty() {
                    let id = at.get(&open).to_string();
                    rig.sent.retain(|frame| frame["id"] != json!(id));
                    rig.reply(&id, code, params);
                }
            }
            Step::Open => rig.input(Input::Opened),
            Step::Close(code) => rig.input(Input::Closed(code.map(Close::from_code))),
            Step::Pass(millis) => rig.pass(millis),
            Step::Online => rig.input(Input::Online),
            Step::Send(first) => {
                let to = if first { conv() } else { other() };
                let _ = rig.act(|client, now| client.send(Draft::text(to, "hi"), now));
            }
            Step::Ask(kind) => {
                rig.act(|client, now| client.request(request(kind), now));
            }
        }
        assert!(rig.client.state().conversations().values().all(|known| known.messages().len() <= 5));
        assert!(rig.client.export_outbox().items.len() <= 4);
        if rig.sent.len() > 200 {
            rig.sent.drain(..100);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_frames_in_any_order_are_survived(steps in prop::collection::vec(any_step(), 0..80)) {
        run(steps);
    }
}

#[test]
fn a_frame_without_measure_ends_the_connection() {
    let mut config = ClientConfig::new(Credentials::basic("alice", "pass"));
    config.max_frame = 1_000;
    let mut rig = Rig::with(config);
    rig.log_in();
    rig.input(Input::Text(&[b' '; 1_001]));
    assert_eq!(rig.disconnects.len(), 1);
}

#[test]
fn unknown_conversations_are_bounded() {
    let mut config = ClientConfig::new(Credentials::basic("alice", "pass"));
    config.max_conversations = 3;
    let mut rig = Rig::with(config);
    rig.log_in();
    rig.list(json!([view(CONV, 1, 1)]));
    for number in 0..100 {
        rig.recv(data(&format!("00000000-0000-4000-8000-{number:012}"), 1, 1));
    }
    assert_eq!(rig.sent.len(), 2);
}
