//! Laws of the format over arbitrary input.

use proptest::prelude::*;
use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation;

use super::tests::{ID, parse};
use super::{Irido, Rule, Rules, grapheme};

/// Pieces that meet every rule of segmentation, next to plain characters.
fn prose() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(vec![
            "a", " ", "#", "1", "\r", "\n", "\r\n", "\t", "\u{7f}", "é", "\u{301}", "\u{200d}", "\u{fe0f}", "\u{20e3}", "\u{600}",
            "👨‍👩‍👧", "👍", "🏽", "🇯🇵", "🇩", "क", "\u{94d}", "ष", "ि", "க", "ி", "ᄀ", "ᅡ", "ᆨ", "가", "\u{e0001}", "©", "中",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[ -~\r\n]{0,9}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Any JSON, small.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        "-?[1-9][0-9]{0,16}(\\.[0-9])?(e[0-9]{1,2})?",
        prose().prop_map(|text| json!(text).to_string()),
        Just(r#""\ud800""#.to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3)
                .prop_map(|items| format!("[{}]", items.join(" ,"))),
            proptest::collection::vec(inner, 0..3).prop_map(|values| {
                let members: Vec<String> =
                    values.iter().enumerate().map(|(n, value)| format!("\"{n}\" : {value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// Content whose members are mostly right, in any order, with anything else between them.
fn near_content() -> impl Strategy<Value = String> {
    let media = (0_usize..7, any_json()).prop_map(|(kind, other)| match kind {
        0 => format!(r#"{{"type":"image","ref":"{ID}","name":{other}}}"#),
        1 => format!(r#"{{"x":{other}, "type":"file","ref":"{ID}" }}"#),
        2 => format!(r#"{{"type":"embed","embed":{{"url":"http://a/","x":{other}}}}}"#),
        3 => format!(r#"{{"type":"location","lat":1.5,"lon":-2e1,"size":{other}}}"#),
        4 => format!(r#"{{"type":"x-a","ref":null,"embed":{other}}}"#),
        5 => r#"{"type":"x-b"}"#.to_owned(),
        _ => other,
    });
    let mention = (0_u8..4, 1_u8..4, any_json()).prop_map(|(offset, length, other)| {
        format!(r#"{{"userId":"{ID}","offset":{offset}.0,"length":{length},"x":{other}}}"#)
    });
    let reply = (Just(vec!["seq", "preview", "from", "x"]).prop_shuffle(), 1_usize..5, any_json()).prop_map(
        |(keys, count, other)| {
            let value = |key: &str| if key == "seq" { "7".to_owned() } else { other.clone() };
            let members: Vec<String> =
                keys[..count].iter().map(|key| format!(" \"{key}\":{}", value(key))).collect();
            format!("{{{}}}", members.join(" ,"))
        },
    );
    let members = (
        prose().prop_map(|text| format!(r#""text":{}"#, json!(text))),
        proptest::collection::vec(media, 0..3).prop_map(|items| format!(r#""media":[{}]"#, items.join(","))),
        proptest::collection::vec(mention, 0..2)
            .prop_map(|items| format!(r#""mentions":[{}]"#, items.join(","))),
        reply.prop_map(|reply| format!(r#""reply" : {reply}"#)),
        prop_oneof![
            6 => Just(r#""enc" : null"#.to_owned()),
            1 => any_json().prop_map(|other| format!(r#""enc":{{"x":{other}}}"#)),
        ],
        any_json().prop_map(|other| format!(r#""x":{other}"#)),
    );
    let orders = proptest::sample::subsequence(vec![0, 1, 2, 3, 4, 5], 0..=6).prop_shuffle();
    let object = (members, orders).prop_map(|((text, media, mentions, reply, enc, other), order)| {
        let all = [text, media, mentions, reply, enc, other];
        let chosen: String = order.into_iter().map(|index: usize| format!(", {}", all[index])).collect();
        format!(r#"{{"v":1{chosen}}}"#)
    });
    prop_oneof![8 => object, 1 => any_json()]
}

proptest! {
    #[test]
    fn counting_agrees_with_full_segmentation(text in prose(), limit in 0_usize..40) {
        let count = text.graphemes(true).count();
        prop_assert_eq!(grapheme::count_up_to(&text, usize::MAX), Some(count));
        prop_assert_eq!(grapheme::count_up_to(&text, limit), (count <= limit).then_some(count));
        prop_assert_eq!(grapheme::is_single(&text), count == 1);
        let head: String = text.graphemes(true).take(limit).collect();
        prop_assert_eq!(grapheme::head(&text, limit), (head.as_str(), count > limit));
    }

    #[test]
    fn a_mention_fits_exactly_when_it_ends_within_the_text(text in prose(), offset in 0_usize..12, length in 1_usize..12) {
        let count = text.graphemes(true).count();
        prop_assume!(!text.trim().is_empty() && !text.contains('\0'));
        let content = json!({"v": 1, "text": text, "mentions": [{"userId": ID, "offset": offset, "length": length}]});
        prop_assert_eq!(parse(&content.to_string()).is_ok(), offset + length <= count);
    }

    #[test]
    fn a_string_is_wrapped_and_read_back(text in prose()) {
        let sent = json!(text).to_string();
        match parse(&sent) {
            Ok(content) => {
                prop_assert_eq!(content.text(), &text);
                prop_assert_eq!(content.raw(), format!(r#"{{"v":1,"text":{sent}}}"#));
                prop_assert_eq!(content.plain_text(), text.trim());
            }
            Err(invalid) => match invalid.rule {
                Rule::Empty => prop_assert!(text.trim().is_empty()),
                rule => prop_assert!(rule == Rule::BadString && text.contains('\0')),
            },
        }
    }

    #[test]
    fn what_is_accepted_is_json_and_parses_to_itself(raw in near_content(), opaque: bool) {
        let rules = Rules { opaque, ..Rules::default() };
        if let Ok(content) = Irido::parse(&raw, &rules) {
            let again = Irido::parse(content.raw(), &rules);
            prop_assert_eq!(again.as_ref(), Ok(&content));
            let stored: Value = serde_json::from_str(content.raw()).unwrap();
            let mut expected: Value = serde_json::from_str(&raw).unwrap();
            if let Some(text) = expected.as_str() {
                expected = json!({"v": 1, "text": text});
            }
            if let Some(reply) = expected.get_mut("reply").and_then(Value::as_object_mut) {
                reply.remove("preview");
                reply.remove("from");
            }
            prop_assert_eq!(stored, expected);
            content.preview(3);
        }
    }

    #[test]
    fn quotes_vanish_from_replies_and_nothing_else(
        keys in Just(vec!["preview", "seq", "x", "from", "y"]).prop_shuffle(),
        spaces in proptest::collection::vec(" {0,2}", 20),
    ) {
        let mut space = spaces.iter().cycle();
        let mut space = || space.next().unwrap().as_str();
        let members: Vec<String> =
            keys.iter().map(|key| format!(r#"{}"{key}"{}:{}7{}"#, space(), space(), space(), space())).collect();
        let raw = format!(r#"{{"v":1,"text":"a","reply":{{{}}},"z":[ ]}}"#, members.join(","));
        let content = parse(&raw).unwrap();
        let reply: Value = serde_json::from_str::<Value>(content.raw()).unwrap()["reply"].clone();
        prop_assert_eq!(reply, json!({"seq": 7, "x": 7, "y": 7}));
        let is_end_kept = content.raw().ends_with(r#","z":[ ]}"#);
        prop_assert!(is_end_kept);
    }

    #[test]
    fn nothing_panics(raw in any::<String>(), noise in "[\\[\\]{}\",:\\\\u0-9a-f. -]{0,60}") {
        for raw in [raw, format!(r#"{{"v":1,"text":"a",{noise}}}"#), format!(r#"{{"v":1,"text":"a","x":"{noise}"}}"#)] {
            if let Ok(content) = parse(&raw) {
                prop_assert!(serde_json::from_str::<Value>(content.raw()).is_ok());
            }
        }
    }
}
