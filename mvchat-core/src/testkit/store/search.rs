//! Searching accounts.

use super::bed::Bed;
use crate::proto::Json;
use crate::seam::{NewUser, UserPatch, UserRow, UserState};
use crate::testkit::Law;
use crate::testkit::runner::law;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(search_takes_text_literally),
    law!(search_ignores_case_in_every_script),
    law!(search_is_ordered_by_folded_name_then_id),
    law!(search_leaves_out_who_can_not_be_found),
];

async fn found(bed: &Bed, text: &str) -> Vec<String> {
    let rows = bed.store.search_users(text, &[], 100).await.unwrap();
    rows.iter().map(|row| row.display_name().unwrap()).collect()
}

async fn add(bed: &Bed, names: &[&str]) {
    for name in names {
        let new = NewUser { user: bed.row(name), credential: None, session: None };
        bed.store.create_user(new).await.unwrap();
    }
}

async fn search_takes_text_literally(bed: Bed) {
    add(&bed, &["100% Ana", "100 Ana", "a_b", "axb", r"c\d", "[e]", "e", "f*", "f", "'--"]).await;
    assert_eq!(found(&bed, "%").await, ["100% Ana"]);
    assert_eq!(found(&bed, "_").await, ["a_b"]);
    assert_eq!(found(&bed, "100% a").await, ["100% Ana"]);
    assert_eq!(found(&bed, r"\").await, [r"c\d"]);
    assert_eq!(found(&bed, "[e]").await, ["[e]"]);
    assert_eq!(found(&bed, "*").await, ["f*"]);
    assert_eq!(found(&bed, "'").await, ["'--"]);
    assert_eq!(found(&bed, "").await.len(), 10, "an empty text is in every name");
}

async fn search_ignores_case_in_every_script(bed: Bed) {
    add(&bed, &["ÄRGER", "Élodie", "Борис", "İpek", "ΓΙΏΡΓΟΣ", "日本"]).await;
    assert_eq!(found(&bed, "ärg").await, ["ÄRGER"]);
    assert_eq!(found(&bed, "éLO").await, ["Élodie"]);
    assert_eq!(found(&bed, "бОРИС").await, ["Борис"]);
    assert_eq!(found(&bed, "γιώργο").await, ["ΓΙΏΡΓΟΣ"]);
    assert_eq!(found(&bed, "本").await, ["日本"]);
    assert_eq!(found(&bed, "elodie").await, Vec::<String>::new(), "accents count");
}

async fn search_is_ordered_by_folded_name_then_id(bed: Bed) {
    add(&bed, &["cleo x", "Bert x", "ana x", "Ana X", "BERT X", "zoe"]).await;
    let rows = bed.store.search_users("x", &[], 100).await.unwrap();
    let order: Vec<_> =
        rows.iter().map(|row| (crate::seam::fold(&row.display_name().unwrap()), row.id)).collect();
    assert_eq!(order.len(), 5);
    assert!(order.is_sorted(), "{order:?}");
    for limit in 0..=6 {
        let some = bed.store.search_users("x", &[], limit).await.unwrap();
        assert_eq!(some, rows[..limit.min(5)], "limit {limit}");
    }
    let except = [rows[0].id, rows[2].id];
    let others = bed.store.search_users("X", &except, 2).await.unwrap();
    assert_eq!(others, [rows[1].clone(), rows[3].clone()], "those left out don't count for the limit");
}

async fn search_leaves_out_who_can_not_be_found(bed: Bed) {
    add(&bed, &["Ana"]).await;
    for state in [UserState::Suspended, UserState::Deleted] {
        let user = UserRow { state, ..bed.row("Ana") };
        bed.store.create_user(NewUser { user, credential: None, session: None }).await.unwrap();
    }
    for public in [None, Some("null"), Some(r#""Ana""#), Some(r#"{"name":"Ana"}"#), Some(r#"{"fn":["Ana"]}"#)]
    {
        let public = public.map(|public| Json::parse(public).unwrap());
        let user = UserRow { public, ..bed.row("") };
        bed.store.create_user(NewUser { user, credential: None, session: None }).await.unwrap();
    }
    assert_eq!(found(&bed, "ana").await, ["Ana"]);
    let gone = bed.store.search_users("ana", &[], 1).await.unwrap().remove(0);
    let patch = UserPatch { public: Some(Json::parse(r#"{"fn":"Berta"}"#).unwrap()), ..UserPatch::default() };
    bed.store.update_user(gone.id, patch).await.unwrap();
    assert_eq!(found(&bed, "ana").await, Vec::<String>::new(), "the old name is forgotten");
    assert_eq!(found(&bed, "berta").await, ["Berta"]);
}
