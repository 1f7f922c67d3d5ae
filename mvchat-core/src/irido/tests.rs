//! Tables of what is refused and what is kept.

use serde_json::{Value, json};

use super::{Invalid, Irido, MediaKind, Rule, Rules, grapheme};

pub(super) const ID: &str = "0190B5a2-7b1e-7c30-8a4e-2f1d5c6b7a89";

pub(super) fn parse(raw: &str) -> Result<Irido, Invalid> {
    Irido::parse(raw, &Rules::default())
}

fn valid(content: &Value) -> Irido {
    parse(&content.to_string()).unwrap_or_else(|invalid| panic!("{invalid} in {content}"))
}

#[track_caller]
fn refused(raw: &str, path: &str, rule: &str) {
    let invalid = parse(raw).expect_err(raw);
    assert_eq!((invalid.path.as_str(), invalid.rule.as_str()), (path, rule), "{raw}");
}

#[track_caller]
fn media_refused(media: &Value, path: &str, rule: &str) {
    refused(
        &json!({"v": 1, "media": [{"type": "x-poll"}, media]}).to_string(),
        &format!("media[1]{path}"),
        rule,
    );
}

#[track_caller]
fn mention_refused(mention: &Value, path: &str, rule: &str) {
    let fine = json!({"userId": ID, "offset": 0, "length": 1});
    let content = json!({"v": 1, "text": "a👨‍👩‍👧b", "mentions": [fine, mention]});
    refused(&content.to_string(), &format!("mentions[1]{path}"), rule);
}

fn nested(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

#[test]
fn the_root_is_a_versioned_object_or_a_string() {
    for raw in ["", "nul", "{", r#"{"v":1,"text":"a"} x"#, r#"{"v":1,"text":"a",}"#, "'a'", "\u{feff}\"a\""] {
        refused(raw, "", "malformed");
    }
    // Wrapping must not turn what follows a string into members.
    refused(r#""a","media":[{"type":"x-poll"}]"#, "", "malformed");
    for raw in ["null", "42", "true", "[]", r#"["a"]"#] {
        refused(raw, "", "not_an_object");
    }
    for raw in ["{}", r#"{"text":"a"}"#, r#"{"V":1,"text":"a"}"#] {
        refused(raw, "v", "wrong_version");
    }
    for version in ["9", "0", "2", "1.5", "-1", r#""1""#, "null", "[1]", "1e400"] {
        refused(&format!(r#"{{"v":{version},"text":"a"}}"#), "v", "wrong_version");
    }
    for version in ["1", "1.0", "10e-1"] {
        assert!(parse(&format!(r#"{{"v":{version},"text":"a"}}"#)).is_ok(), "{version}");
    }
}

#[test]
fn there_is_text_or_media() {
    for raw in [
        r#"{"v":1}"#,
        r#""""#,
        r#"" \n\u2003""#,
        r#"{"v":1,"text":"  ","media":[]}"#,
        r#"{"v":1,"text":null}"#,
    ] {
        refused(raw, "", "empty");
    }
    assert_eq!(valid(&json!({"v": 1, "text": "", "media": [{"type": "x-poll"}]})).text(), "");
    assert_eq!(valid(&json!({"v": 1, "text": " a ", "media": null})).text(), " a ");
}

#[test]
fn members_have_their_types() {
    for (member, path) in [
        (r#""text":5"#, "text"),
        (r#""text":["a"]"#, "text"),
        (r#""text":"a","media":{}"#, "media"),
        (r#""text":"a","media":[null]"#, "media[0]"),
        (r#""text":"a","media":["image"]"#, "media[0]"),
        (r#""text":"a","mentions":"all""#, "mentions"),
        (r#""text":"a","mentions":[1]"#, "mentions[0]"),
        (r#""text":"a","reply":7"#, "reply"),
    ] {
        refused(&format!(r#"{{"v":1,{member}}}"#), path, "wrong_type");
    }
}

#[test]
fn keys_occur_once_in_objects_of_the_format() {
    for (raw, path) in [
        (r#"{"v":1,"text":"a","text":"b"}"#, "text"),
        (r#"{"v":1,"text":"a","te\u0078t":"b"}"#, "text"),
        (r#"{"v":1,"text":"a","x":1,"x":1}"#, "x"),
        (r#"{"v":1,"text":"a","reply":{"seq":1,"seq":2}}"#, "reply.seq"),
        (r#"{"v":1,"media":[{"type":"x-poll","type":"image"}]}"#, "media[0].type"),
        (
            r#"{"v":1,"media":[{"type":"embed","embed":{"url":"http://a","url":"http://b"}}]}"#,
            "media[0].embed.url",
        ),
        (r#"{"v":1,"text":"a","mentions":[{"length":1,"length":1}]}"#, "mentions[0].length"),
    ] {
        refused(raw, path, "duplicate_key");
    }
    assert!(
        parse(r#"{"v":1,"text":"a","x":{"y":1,"y":2}}"#).is_ok(),
        "an unknown object is the client's own"
    );
}

#[test]
fn strings_are_clean_everywhere() {
    for (raw, path) in [
        (r#""a\u0000""#, "text"),
        (r#""a\ud800""#, "text"),
        (r#"{"v":1,"text":"a","x":{"y":["\u0000"]}}"#, "x"),
        (r#"{"v":1,"text":"a","x":{"\u0000":1}}"#, "x"),
        (r#"{"v":1,"text":"a","x":"\udc00\ud800"}"#, "x"),
        (r#"{"v":1,"text":"a","\u0000":1}"#, ""),
        (r#"{"v":1,"media":[{"type":"x-poll","name":"\u0000"}]}"#, "media[0].name"),
        (r#"{"v":1,"media":[{"type":"x-poll","question":"\u0000"}]}"#, "media[0].question"),
        (r#"{"v":1,"text":"a","reply":{"seq":1,"preview":"\u0000"}}"#, "reply.preview"),
    ] {
        refused(raw, path, "bad_string");
    }
    refused(r#"{"v":1,"text":"a","\ud800":1}"#, "", "malformed");
    refused(r#"{"v":1,"text":"a","x":[1e400]}"#, "x", "out_of_range");
    assert!(parse(r#"{"v":1,"text":"\\u0000 \ud83d\ude00","x":["\\u0000\"\\",-1.5e3,true,"[{"]}"#).is_ok());
}

#[test]
fn nesting_ends_at_32() {
    let root = |levels| format!(r#"{{"v":1,"text":"a","x":{}}}"#, nested(levels));
    assert!(parse(&root(31)).is_ok());
    refused(&root(32), "x", "too_deep");
    refused(&root(20_000), "x", "too_deep");
    refused(&format!(r#"{{"v":1,"text":{}}}"#, nested(20_000)), "text", "wrong_type");
    let media = |levels| format!(r#"{{"v":1,"media":[{{"type":"x-poll","x":{}}}]}}"#, nested(levels));
    assert!(parse(&media(29)).is_ok());
    refused(&media(30), "media[0].x", "too_deep");
}

#[test]
fn the_path_does_not_grow_with_the_senders_keys() {
    let invalid = parse(&format!(r#"{{"v":1,"text":"a","{}":"\u0000"}}"#, "k".repeat(9_000))).unwrap_err();
    assert_eq!(invalid.path, "k".repeat(64));
}

#[test]
fn text_has_at_most_5000_clusters() {
    for cluster in ["a", "é", "👨‍👩‍👧", "\r\n", "🇯🇵"] {
        let text = |count: usize| "x".to_owned() + &cluster.repeat(count - 1);
        assert!(parse(&json!(text(5_000)).to_string()).is_ok(), "{cluster:?}");
        refused(&json!(text(5_001)).to_string(), "text", "too_long");
        refused(&json!(text(7_000)).to_string(), "text", "too_long");
    }
}

#[test]
fn media_rules() {
    let many = |count| json!({"v": 1, "media": vec![json!({"type": "x-poll"}); count]}).to_string();
    assert_eq!(parse(&many(10)).unwrap().media().len(), 10);
    refused(&many(11), "media", "too_many");

    media_refused(&json!({}), ".type", "missing");
    media_refused(&json!({"type": 1}), ".type", "wrong_type");
    media_refused(&json!({"type": format!("x-{}", "a".repeat(127))}), ".type", "too_long");
    for kind in ["hologram", "Image", "IMAGE", "", "x-", "x"] {
        media_refused(&json!({"type": kind}), ".type", "unknown_media_type");
    }
    for kind in ["image", "video", "audio", "file"] {
        media_refused(&json!({"type": kind}), ".ref", "missing");
        media_refused(&json!({"type": kind, "ref": null}), ".ref", "missing");
        media_refused(&json!({"type": kind, "ref": 1}), ".ref", "wrong_type");
        let media = valid(&json!({"v": 1, "media": [{"type": kind, "ref": ID}]}));
        assert_eq!(media.media()[0].kind.as_str(), kind);
        let files: Vec<_> = media.file_refs().map(|(index, file)| (index, file.to_string())).collect();
        assert_eq!(files, [(0, ID.to_lowercase())]);
    }
    for id in ["", "x", "0190b5a27b1e7c308a4e2f1d5c6b7a89", "{0190b5a2-7b1e-7c30-8a4e-2f1d5c6b7a89}"] {
        media_refused(&json!({"type": "x-poll", "ref": id}), ".ref", "bad_id");
        media_refused(&json!({"type": "image", "ref": format!("urn:uuid:{id}")}), ".ref", "bad_id");
    }
    media_refused(&json!({"type": "image", "ref": "0190b5a2-7b1e-7c30-8a4e-2f1d5c6b7a8g"}), ".ref", "bad_id");
}

#[test]
fn media_numbers_and_names() {
    let with = |key: &str, value: Value| json!({"type": "x-poll", key: value});
    for key in ["size", "width", "height", "duration"] {
        media_refused(&with(key, json!(-1)), &format!(".{key}"), "negative");
        media_refused(&with(key, json!(-0.5)), &format!(".{key}"), "negative");
        media_refused(&with(key, json!("1")), &format!(".{key}"), "wrong_type");
        refused(
            &format!(r#"{{"v":1,"media":[{{"type":"x-a","{key}":1e999}}]}}"#),
            &format!("media[0].{key}"),
            "out_of_range",
        );
    }
    media_refused(&with("size", json!(1.5)), ".size", "wrong_type");
    media_refused(&with("size", json!(1_u64 << 53)), ".size", "out_of_range");
    media_refused(&with("size", json!(1e300)), ".size", "out_of_range");
    media_refused(&with("name", json!("é".repeat(257))), ".name", "too_long");
    media_refused(&with("name", json!(1)), ".name", "wrong_type");
    media_refused(&with("mime", json!("a".repeat(129))), ".mime", "too_long");

    let raw = r#"{"v":1,"media":[{"type":"x-a","size":9007199254740991.0,"width":0,"height":-0,"duration":1.5e1,"thumb":[]}]}"#;
    let content = parse(raw).unwrap();
    let media = &content.media()[0];
    assert_eq!(media.kind, MediaKind::Custom("x-a".into()));
    assert_eq!((media.size, media.duration), (Some((1 << 53) - 1), Some(15.0)));
    assert_eq!((media.width, media.height), (Some(0.0), Some(0.0)));
    assert_eq!(content.raw(), raw);
}

#[test]
fn embeds_have_a_web_address() {
    media_refused(&json!({"type": "embed"}), ".embed", "missing");
    media_refused(&json!({"type": "embed", "embed": "http://a"}), ".embed", "wrong_type");
    media_refused(&json!({"type": "embed", "embed": {}}), ".embed.url", "missing");
    media_refused(
        &json!({"type": "embed", "embed": {"url": "http://a", "title": 1}}),
        ".embed.title",
        "wrong_type",
    );
    media_refused(
        &json!({"type": "embed", "embed": {"url": "http://a", "thumbnail": 1}}),
        ".embed.thumbnail",
        "wrong_type",
    );
    let long = format!("http://a/{}", "b".repeat(2_040));
    media_refused(&json!({"type": "embed", "embed": {"url": long}}), ".embed.url", "too_long");
    let embed = |url: &str| json!({"type": "embed", "embed": {"url": url}});
    for url in [
        "",
        "a",
        "example.org",
        "//example.org",
        "javascript:alert(1)",
        "javascript://a/%0aalert(1)",
        "ftp://a",
        "data:,a",
        " http://a",
        "http:/a",
        "http:a",
        "http://",
        "https:///a",
        "http://?q",
        "http://#f",
        "http://:80",
        "http://u@",
        "http://u:p@:80/",
        "http://\\a",
        "http:\\\\a",
        "http://a b",
        "http://a/\n",
        "http://a/\u{85}",
        "http://a\u{3000}",
        "http://a:b",
        "http://a:65536",
        "http://a:+8",
        "http://[::1",
        "http://[x]",
        "http://[::1]x",
        "http://[]",
    ] {
        media_refused(&embed(url), ".embed.url", "bad_url");
    }
    for url in [
        "http://a",
        "HTTPS://Example.org",
        "https://a.b/c?d#e",
        "http://a?b",
        "http://u:p@a:80/",
        "http://[::1]:80/",
        "https://例え.jp/パス",
        "http://127.0.0.1:",
        "http://a/http://",
    ] {
        let content = valid(&json!({"v": 1, "media": [embed(url)]}));
        assert_eq!(content.media()[0].embed.as_ref().unwrap().url, url);
    }
}

#[test]
fn locations_are_on_earth() {
    let place = |lat: f64, lon: f64| json!({"type": "location", "lat": lat, "lon": lon});
    media_refused(&json!({"type": "location"}), ".lat", "missing");
    media_refused(&json!({"type": "location", "lat": 1}), ".lon", "missing");
    media_refused(&json!({"type": "location", "lat": "1", "lon": 1}), ".lat", "wrong_type");
    media_refused(&place(90.001, 0.0), ".lat", "out_of_range");
    media_refused(&place(-91.0, 0.0), ".lat", "out_of_range");
    media_refused(&place(0.0, 180.5), ".lon", "out_of_range");
    media_refused(&place(0.0, -181.0), ".lon", "out_of_range");
    let content = valid(&json!({"v": 1, "media": [place(-90.0, 180.0)]}));
    let location = content.media()[0].location.unwrap();
    assert_eq!((location.lat, location.lon), (-90.0, 180.0));
    assert!(
        valid(&json!({"v": 1, "media": [{"type": "x-poll", "lat": "north"}]})).media()[0].location.is_none()
    );
}

#[test]
fn replies_name_a_message() {
    for seq in ["0", "-1", "1.5", r#""1""#, "null", "9007199254740992"] {
        refused(&format!(r#"{{"v":1,"text":"a","reply":{{"seq":{seq}}}}}"#), "reply.seq", "bad_reply");
    }
    refused(r#"{"v":1,"text":"a","reply":{}}"#, "reply.seq", "bad_reply");
    refused(r#"{"v":1,"reply":{"seq":1}}"#, "", "empty");
    assert_eq!(parse(r#"{"v":1,"text":"a","reply":{"seq":7.0}}"#).unwrap().reply(), Some(7));
    assert_eq!(parse(r#"{"v":1,"text":"a","reply":null}"#).unwrap().reply(), None);
}

#[test]
fn what_the_sender_quotes_is_dropped() {
    for (sent, stored) in [
        (r#"{"seq":1}"#, r#"{"seq":1}"#),
        (r#"{ "seq" : 1 , "x":[1, 2] }"#, r#"{ "seq" : 1 , "x":[1, 2] }"#),
        (r#"{"preview":"a","seq":1,"from":"b"}"#, r#"{"seq":1}"#),
        (r#"{ "from" : {"preview":1} , "seq" : 1 , "preview":",}" }"#, r#"{ "seq" : 1 }"#),
        (r#"{ "seq":1, "from":2 }"#, r#"{ "seq":1 }"#),
        (r#"{"seq":1,"\u0066rom":null,"x":"from"}"#, r#"{"seq":1,"x":"from"}"#),
        (r#"{"from":1,"preview":2,"x":",","seq":1 , "From":3}"#, r#"{"x":",","seq":1 , "From":3}"#),
    ] {
        let raw = |reply: &str| format!(r#" {{"y":1, "v":1,"reply":  {reply} ,"text":"a" }} "#);
        let content = parse(&raw(sent)).unwrap();
        assert_eq!(content.raw(), raw(stored).trim(), "{sent}");
        assert_eq!(content.reply(), Some(1));
        assert_eq!(parse(content.raw()).unwrap(), content);
    }
}

#[test]
fn mention_rules() {
    let many = |count| {
        json!({"v": 1, "text": "a", "mentions": vec![json!({"userId": ID, "length": 1}); count]}).to_string()
    };
    assert_eq!(parse(&many(50)).unwrap().mentions().len(), 50);
    refused(&many(51), "mentions", "too_many");
    let alone = json!({"v": 1, "media": [{"type": "x-poll"}], "mentions": [{"userId": ID, "length": 1}]});
    refused(&alone.to_string(), "text", "missing");

    let at = |offset: Value, length: Value| json!({"userId": ID, "offset": offset, "length": length});
    mention_refused(&json!({"offset": 0, "length": 1}), ".userId", "missing");
    mention_refused(&json!({"userId": 1, "length": 1}), ".userId", "wrong_type");
    mention_refused(&json!({"userId": "bob", "length": 1}), ".userId", "bad_id");
    mention_refused(&json!({"userId": ID, "offset": 0}), ".length", "missing");
    mention_refused(
        &json!({"userId": ID, "length": 1, "username": "a".repeat(129)}),
        ".username",
        "too_long",
    );
    mention_refused(&json!({"userId": ID, "length": 1, "username": 1}), ".username", "wrong_type");
    mention_refused(&at(json!(-5), json!(999)), ".offset", "negative");
    mention_refused(&at(json!(4), json!(1)), ".offset", "out_of_range");
    mention_refused(&at(json!(3), json!(1)), ".length", "out_of_range");
    mention_refused(&at(json!(2), json!(2)), ".length", "out_of_range");
    mention_refused(&at(json!(0), json!(0)), ".length", "out_of_range");
    mention_refused(&at(json!(0), json!(-1)), ".length", "negative");
    mention_refused(&at(json!(0.5), json!(1)), ".offset", "wrong_type");
    mention_refused(&at(json!(0), json!(u64::MAX)), ".length", "out_of_range");
    mention_refused(&at(json!("0"), json!(1)), ".offset", "wrong_type");
}

#[test]
fn mentions_print_their_offset_even_when_zero() {
    let content = valid(&json!({"v": 1, "text": "ab", "mentions": [
        {"userId": ID, "length": 2.0},
        {"userId": ID, "username": "kim", "offset": 1.0, "length": 1, "x": null},
    ]}));
    let id = ID.to_lowercase();
    let expected = json!([
        {"userId": id, "offset": 0, "length": 2},
        {"userId": id, "username": "kim", "offset": 1, "length": 1},
    ]);
    assert_eq!(serde_json::to_value(content.mentions()).unwrap(), expected);
}

#[test]
fn opaque_content_needs_permission() {
    let raw = r#"{"v":1,"enc":{"alg":"mls","ct":"AA=="}}"#;
    refused(raw, "enc", "opaque_not_allowed");
    refused(r#"{"v":1,"text":"a","enc":1}"#, "enc", "opaque_not_allowed");
    assert!(!parse(r#"{"v":1,"text":"a","enc":null}"#).unwrap().is_opaque());

    let rules = Rules { opaque: true, ..Rules::default() };
    let content = Irido::parse(raw, &rules).unwrap();
    assert!(content.is_opaque() && content.raw() == raw);
    assert_eq!((content.plain_text(), content.preview(9)), (String::new(), String::new()));
    let rule = |raw: &str| Irido::parse(raw, &rules).unwrap_err().rule;
    assert_eq!(rule(r#"{"v":1,"enc":"AA=="}"#), Rule::WrongType);
    assert_eq!(rule(r#"{"v":1,"enc":{"a":"\u0000"}}"#), Rule::BadString);
    assert_eq!(rule(r#"{"v":1}"#), Rule::Empty);
    assert_eq!(rule(&format!(r#"{{"v":1,"enc":{{"a":{}}}}}"#, nested(31))), Rule::TooDeep);
}

#[test]
fn raw_is_what_was_sent() {
    let raw = "{ \"z\":1,\t\"v\" : 1.0, \"text\":\"\\u0061\\/\", \"a\":{\"b\" : [ ]} }";
    let content = parse(&format!("\n{raw} ")).unwrap();
    assert_eq!((content.raw(), content.text()), (raw, "a/"));
    assert_eq!(parse(r#" "\u0061" "#).unwrap().raw(), r#"{"v":1,"text":"\u0061"}"#);
    assert!(!format!("{:?}", parse(r#""secret""#).unwrap()).contains("secret"));
}

#[test]
fn plain_text_and_preview_follow_the_table() {
    let web = |extra: Value| {
        let mut embed = json!({"url": "http://a/"});
        embed.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({"type": "embed", "embed": embed})
    };
    for (media, expected) in [
        (json!({"type": "image", "ref": ID, "name": "cat.jpg"}), "[IMAGE 'cat.jpg']"),
        (json!({"type": "video", "ref": ID}), "[VIDEO 'attachment']"),
        (json!({"type": "audio", "ref": ID, "name": ""}), "[AUDIO 'attachment']"),
        (json!({"type": "file", "ref": ID, "name": "a b"}), "[FILE 'a b']"),
        (web(json!({})), "[LINK 'http://a/']"),
        (web(json!({"title": "A"})), "[LINK 'A']"),
        (web(json!({"title": ""})), "[LINK 'http://a/']"),
        (json!({"type": "location", "lat": 0, "lon": 0, "name": "Null Island"}), "[LOCATION 'Null Island']"),
        (json!({"type": "x-poll"}), "[X-POLL 'attachment']"),
    ] {
        let alone = valid(&json!({"v": 1, "media": [media, {"type": "x-b"}]}));
        assert_eq!(alone.plain_text(), format!("{expected} [X-B 'attachment']"));
        assert_eq!(alone.preview(3), expected);
        let with_text = valid(&json!({"v": 1, "text": " a ", "media": [media]}));
        assert_eq!(with_text.plain_text(), format!("a  {expected}"));
        assert_eq!(with_text.preview(3), " a ");
    }
    for (text, graphemes, expected) in [
        ("abc", 3, "abc"),
        ("abc", 2, "ab…"),
        ("abc", 0, "…"),
        ("a\r\nb", 2, "a\r\n…"),
        ("e\u{301}e\u{301}", 1, "e\u{301}…"),
        ("👨‍👩‍👧👨‍👩‍👧", 1, "👨‍👩‍👧…"),
        ("👨‍👩‍👧👨‍👩‍👧", 2, "👨‍👩‍👧👨‍👩‍👧"),
    ] {
        assert_eq!(valid(&json!(text)).preview(graphemes), expected);
    }
}

#[test]
fn clusters_are_those_of_unicode_17() {
    for (text, count) in [
        ("", 0),
        ("a\r\nb\n\rc", 6),
        ("\r\n\r\n", 2),
        ("\r\r\n\n", 3),
        ("é\r\né\r", 4),
        ("👨‍👩‍👧‍👦", 1),
        ("👩🏽‍🚀a", 2),
        ("🇯🇵🇩🇪🇧", 3),
        ("1\u{fe0f}\u{20e3}#", 2),
        ("क्षि", 1),
        ("क्‍ष", 1),
        ("நி", 1),
        ("각", 1),
        ("\u{600}1a", 2),
        ("a\u{301}\u{301}b", 2),
        ("\u{301}", 1),
        ("a\u{200b}b", 3),
    ] {
        assert_eq!(grapheme::count_up_to(text, 9), Some(count), "{text:?}");
        assert_eq!(grapheme::is_single(text), count == 1, "{text:?}");
    }
}
