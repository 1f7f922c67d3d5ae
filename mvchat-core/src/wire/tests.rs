//! Records and words.

use super::{read, write};
use crate::proto::{Json, What};

crate::record! {
    #[derive(Clone, Debug, PartialEq)]
    struct Thing {
        first_one: u32,
        kept: Option<bool>,
        #[serde(skip_serializing_if = "absent", default)]
        left_out: Option<bool>,
        #[serde(rename = "TTL", skip_serializing_if = "absent", serialize_with = "inner", deserialize_with = "some_option", default)]
        three: Option<Option<u32>>,
        #[serde(skip_serializing_if = "absent", deserialize_with = "present", default)]
        json: Option<Json>,
        #[serde(skip_serializing_if = "absent", default)]
        list: Vec<u32>,
    }
}

fn thing(text: &str) -> Result<Thing, String> {
    read(text).map_err(|bad| bad.to_string())
}

#[test]
fn what_is_absent_may_be_missing_or_null() {
    let only = Thing { first_one: 1, kept: None, left_out: None, three: None, json: None, list: Vec::new() };
    assert_eq!(thing(r#"{"firstOne":1}"#).unwrap(), only);
    assert_eq!(
        thing(r#" { "kept" : null , "leftOut":null,"firstOne":1.0e0, "x":{"firstOne":[]} } "#).unwrap(),
        only
    );
    assert_eq!(write(&only), r#"{"firstOne":1,"kept":null}"#);
}

#[test]
fn null_is_a_value_where_that_is_said() {
    let all =
        thing(r#"{"firstOne":1,"kept":true,"leftOut":false,"TTL":null,"json":null,"list":[7]}"#).unwrap();
    assert_eq!((all.three, all.json.as_ref().map(Json::as_str)), (Some(None), Some("null")));
    assert_eq!(
        write(&all),
        r#"{"firstOne":1,"kept":true,"leftOut":false,"TTL":null,"json":null,"list":[7]}"#
    );
}

#[test]
fn what_is_wrong_is_said() {
    for (text, reason) in [
        ("{}", "a member is missing, at byte 2"),
        ("[1]", "not an object, at byte 0"),
        (r#"{"firstOne":1,"firstOne":1}"#, "a member stands twice, at byte 25"),
        (r#"{"first\u004fne":1,"firstOne":1}"#, "a member stands twice, at byte 30"),
        (r#"{"firstOne":null}"#, "not an integer of this range, at byte 12"),
        (r#"{"firstOne":4294967296}"#, "not an integer of this range, at byte 22"),
        (r#"{"firstOne":1,"list":null}"#, "not an array, at byte 21"),
        (r#"{"firstOne":1,"kept":0}"#, "neither true nor false, at byte 21"),
        (r#"{"firstOne":1,}"#, "not a string, at byte 14"),
        (r#"{"firstOne":1} x"#, "something behind the value, at byte 15"),
        (r#"{"firstOne":1"#, "not closed, at byte 13"),
    ] {
        assert_eq!(thing(text), Err(reason.to_owned()), "{text}");
    }
}

#[test]
fn words_are_exact() {
    assert_eq!(read(r#""member_left""#), Ok(What::MemberLeft));
    assert_eq!(read(r#""Member_left""#), Ok(What::Unknown));
    assert_eq!(write(&What::ConvAdded), r#""conv_added""#);
    assert!(read::<crate::proto::Role>(r#""Admin""#).is_err());
}

#[test]
fn deep_values_do_not_exhaust_the_stack() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(read::<Json>(&deep).unwrap().as_str().len(), 200_000);
    assert!(read::<Json>(&deep[1..]).is_err());
}

#[test]
fn serde_goes_the_same_way() {
    let things: Vec<Thing> = serde_json::from_str(r#"[{"firstOne":1e1}]"#).unwrap();
    assert_eq!(serde_json::to_value(&things).unwrap(), serde_json::json!([{"firstOne": 10, "kept": null}]));
    assert_eq!(serde_json::from_value::<Vec<Thing>>(serde_json::to_value(&things).unwrap()).unwrap(), things);
    assert!(serde_json::from_str::<Thing>("{}").unwrap_err().to_string().contains("a member is missing"));
}
