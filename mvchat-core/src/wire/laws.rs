//! Laws: the reader and the writer agree with `serde_json` on what both know.

use super::{Bad, Read, Reader, base64, read, write};
use crate::proto::{Int, Json, Own, Rev, Seq, What};
use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

/// Texts that are JSON, nearly JSON, or pieces of it in any order.
fn near_json() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"b\":",
        "null",
        "true",
        "false",
        "nul",
        "0",
        "-0",
        "-",
        "1.5",
        "01",
        "1.",
        ".5",
        "1e5",
        "1E-2",
        "1e",
        "1e+",
        "-1.25e+3",
        " ",
        "\n",
        "\t",
        "\u{b}",
        "\\",
        "\"\\u0041\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83dx\"",
        "\"\\ud83d\\n\"",
        "\"\\ud83d\\u0041\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12é4\"",
        "\"\\\\\"",
        "\"\\\"\"",
        "\"\\/\\b\\f\\n\\r\\t\"",
        "\"é😀\"",
        "\"\u{1}\"",
        "\"\u{7f}\"",
        "\u{feff}",
        "é",
    ]);
    let pieces = proptest::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat());
    prop_oneof![2 => pieces, 3 => any_json(), 1 => "[\\[\\]{}\",:\\\\u0-9a-f. -]{0,30}"]
}

/// JSON with white space and escapes wherever they may be.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        any::<String>().prop_map(|text| Value::from(text).to_string()),
        "(\\\\u[0-9a-fA-F]{4}|\\\\[\"\\\\/bfnrt]|[ -!#-\\[\\]-~]){0,6}"
            .prop_map(|inside| format!("\"{inside}\"")),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[ {} ]", items.join(" ,\n"))),
            proptest::collection::vec(("[a-c]{0,2}", inner), 0..4).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(key, value)| format!("\t\"{key}\" :{value}")).collect();
                format!("{{{}}}", members.join(", "))
            }),
        ]
    })
}

/// Reads one value of any kind.
fn any_value(text: &str) -> Result<&str, Bad> {
    let mut reader = Reader::new(text);
    match reader.any() {
        Some(value) if reader.ends() => Ok(value),
        _ => Err(reader.bad()),
    }
}

proptest! {
    #[test]
    fn what_is_json_is_passed_over_and_nothing_else(text in near_json()) {
        let raw = serde_json::from_str::<&RawValue>(&text).ok().map(RawValue::get);
        prop_assert_eq!(any_value(&text).ok(), raw, "{:?}", text);
        let kept = read::<Json>(&text).ok();
        prop_assert_eq!(kept.as_ref().map(Json::as_str), raw);
    }

    #[test]
    fn strings_stand_for_the_same(text in prop_oneof![any_json(), near_json()]) {
        prop_assert_eq!(read::<String>(&text).ok(), serde_json::from_str::<String>(&text).ok(), "{:?}", text);
    }

    #[test]
    fn what_is_written_is_read(text in any::<String>(), number in any::<i64>(), items in any::<Vec<bool>>()) {
        prop_assert_eq!(serde_json::from_str::<String>(&write(&text)).unwrap(), text.clone());
        prop_assert_eq!(read::<String>(&write(&text)).unwrap(), text);
        prop_assert_eq!(write(&number), number.to_string());
        prop_assert_eq!(write(&number.unsigned_abs()), number.unsigned_abs().to_string());
        prop_assert_eq!(read::<Vec<bool>>(&write(&items)).unwrap(), items);
    }

    #[test]
    fn integers_are_exact(value in -9_007_199_254_740_991..9_007_199_254_740_992_i64, zeros in 0_usize..25, down in 0_u32..16) {
        let point = ".".repeat(zeros.min(1));
        for text in [
            format!("{value}{point}{}", "0".repeat(zeros)),
            format!("{value}{}e-{zeros}", "0".repeat(zeros)),
        ] {
            prop_assert_eq!(read::<Int>(&text), Ok(Int(value)), "{}", text);
        }
        let shifted = value / 10_i64.pow(down);
        let up = if value % 10_i64.pow(down) == 0 { Some(Int(shifted)) } else { None };
        prop_assert_eq!(read::<Int>(&format!("{value}e-{down}")).ok(), up);
    }

    #[test]
    fn integers_are_those_that_floating_point_knows(text in "-?(0|[1-9][0-9]{0,4})(\\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?") {
        let value: f64 = text.parse().unwrap();
        let integral = value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
        // Digits so small that floating point loses them are no integer here.
        prop_assume!(value != 0.0 || !text.contains(|digit: char| ('1'..='9').contains(&digit)) || !text.contains('e'));
        prop_assert_eq!(read::<Int>(&text).ok(), integral.then_some(Int(value as i64)), "{}", text);
    }

    #[test]
    fn bytes_are_standard_base64(bytes in any::<Vec<u8>>()) {
        prop_assert_eq!(base64(&bytes), STANDARD.encode(&bytes));
    }

    #[test]
    fn nothing_panics(text in near_json()) {
        let _ = (read::<Seq>(&text), read::<Rev>(&text), read::<Own>(&text), read::<What>(&text));
        let _ = (read::<crate::proto::ServerMsg>(&text), read::<Vec<Option<u32>>>(&text));
        let mut reader = Reader::new(&text);
        while reader.any().is_some() {}
        String::blank().read(&mut reader);
    }
}
