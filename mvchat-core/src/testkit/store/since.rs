//! Conversations that were touched since.

use super::bed::Bed;
use crate::policy::Standing;
use crate::proto::{Position, Seq, UserId};
use crate::seam::{MemberPatch, ViewQuery, Views};
use crate::testkit::Law;
use crate::testkit::runner::law;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::views::{dms, ids, page};

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(views_since_miss_nothing, threads),
    law!(views_since_find_both_kinds_of_change),
    law!(views_since_are_paged_in_the_order_of_touch),
    law!(a_first_page_leads_to_what_comes_after),
    law!(a_removed_member_sees_it_gone),
    law!(nothing_touches_what_is_gone),
    law!(who_was_never_in_sees_nothing_gone),
];

async fn since(bed: &Bed, viewer: UserId, position: Position, limit: usize) -> Views {
    bed.store.views(viewer, ViewQuery::Since { position, limit }).await.unwrap()
}

/// Follows the cursor while others write, and keeps the latest state of everything.
async fn views_since_miss_nothing(bed: Bed) {
    let a = bed.user();
    let convs = dms(&bed, a, 10).await;
    let bed = Arc::new(bed);
    let writers: Vec<_> = (0..4)
        .map(|lane| {
            let (bed, convs) = (bed.clone(), convs.clone());
            tokio::spawn(async move {
                for i in 0..40 {
                    let conv = convs[(i * 7 + lane * 3) % convs.len()];
                    match (i + lane) % 3 {
                        0 => drop(bed.send(conv, a).await),
                        1 => drop(bed.read(a, conv, i as u64).await),
                        _ => {
                            let patch = MemberPatch { muted: Some(i % 2 == 0), ..Default::default() };
                            bed.store.configure(a, conv, patch).await.unwrap();
                        }
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let (mut known, mut position) = (BTreeMap::new(), Position(0));
    loop {
        let last = writers.iter().all(tokio::task::JoinHandle::is_finished);
        loop {
            let views = since(&bed, a, position, 3).await;
            assert!(views.position >= position, "a cursor went back");
            position = views.position;
            known.extend(views.rows.into_iter().map(|row| (row.conv.id, row)));
            if !views.more {
                break;
            }
        }
        if last {
            break;
        }
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    for conv in convs {
        assert_eq!(known[&conv], bed.view(a, conv).await, "the cursor passed a change");
    }
}

async fn views_since_find_both_kinds_of_change(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    dms(&bed, a, 2).await;
    let mut position = since(&bed, a, Position(0), 10).await.position;
    assert_eq!(since(&bed, a, position, 10).await.rows, []);
    for step in 0..7 {
        let seen_by_b = step < 4;
        match step {
            0 => drop(bed.send(conv, b).await),
            1 => drop(bed.edit(conv, b, Seq(1), "other").await),
            2 => drop(bed.done(bed.setting_ttl(conv, a, 9).await).await),
            3 => drop(bed.send(conv, a).await),
            4 => drop(bed.read(a, conv, 2).await),
            5 => drop(bed.store.hide(a, conv, Seq(1)).await.unwrap().unwrap()),
            _ => {
                let patch = MemberPatch { blocked: Some(true), ..MemberPatch::default() };
                bed.store.configure(a, conv, patch).await.unwrap().unwrap();
            }
        }
        let views = since(&bed, a, position, 10).await;
        assert_eq!(ids(&views), [conv], "step {step}");
        assert_eq!(views.rows[0], bed.view(a, conv).await);
        let of_b = since(&bed, b, position, 10).await;
        if seen_by_b {
            assert_eq!(ids(&of_b), [conv], "step {step}");
        }
        assert!(views.position > position);
        position = views.position;
    }
    assert_eq!(since(&bed, a, position, 10).await.rows, []);
}

async fn views_since_are_paged_in_the_order_of_touch(bed: Bed) {
    let a = bed.user();
    let [one, two, three] = dms(&bed, a, 3).await.try_into().unwrap();
    bed.send(two, a).await;
    bed.store.configure(a, one, MemberPatch { muted: Some(true), ..Default::default() }).await.unwrap();
    let all = since(&bed, a, Position(0), 10).await;
    assert_eq!((ids(&all), all.more), (vec![three, two, one], false));
    let mut position = Position(0);
    for (i, conv) in [three, two, one].into_iter().enumerate() {
        let views = since(&bed, a, position, 1).await;
        assert_eq!((ids(&views), views.more), (vec![conv], i < 2));
        position = views.position;
    }
    assert_eq!(since(&bed, a, position, 1).await.rows, []);
    assert!(!since(&bed, a, Position(0), 3).await.more);
}

async fn a_first_page_leads_to_what_comes_after(bed: Bed) {
    let a = bed.user();
    let [one, two, three] = dms(&bed, a, 3).await.try_into().unwrap();
    for query in [ViewQuery::Page { before: None, limit: 1 }, ViewQuery::One(one)] {
        let start = bed.store.views(a, query).await.unwrap();
        assert_eq!(since(&bed, a, start.position, 10).await.rows, []);
        bed.send(two, a).await;
        assert_eq!(ids(&since(&bed, a, start.position, 10).await), [two]);
        let made = bed.dm(a, bed.user()).await;
        assert_eq!(ids(&since(&bed, a, start.position, 10).await), [two, made]);
    }
    assert!(ids(&page(&bed, a, None, 10).await).contains(&three));
}

async fn a_removed_member_sees_it_gone(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    let start = page(&bed, b, None, 10).await.position;
    for standing in [Standing::Left, Standing::Kicked] {
        bed.stand(conv, b, standing).await;
        let views = since(&bed, b, start, 10).await;
        assert_eq!(ids(&views), [conv]);
        assert!(views.rows[0].gone);
        assert_eq!(page(&bed, b, None, 10).await.rows, []);
        bed.stand(conv, b, Standing::Active).await;
        let views = since(&bed, b, start, 10).await;
        assert_eq!((ids(&views), views.rows[0].gone), (vec![conv], false));
        let views = since(&bed, a, start, 10).await;
        assert_eq!((ids(&views), views.rows[0].gone), (vec![conv], false));
    }
}

async fn nothing_touches_what_is_gone(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    bed.send(conv, a).await;
    let removed = bed.stand(conv, b, Standing::Kicked).await.position;
    bed.send(conv, a).await;
    bed.done(bed.setting_ttl(conv, a, 4).await).await;
    assert_eq!(since(&bed, b, removed, 10).await.rows, [], "later changes are none of theirs");
    let before = Position(removed.0 - 1);
    let views = since(&bed, b, before, 10).await;
    assert_eq!((ids(&views), views.rows[0].gone), (vec![conv], true));
}

async fn who_was_never_in_sees_nothing_gone(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[]).await;
    bed.stand(conv, b, Standing::Kicked).await;
    assert_eq!(since(&bed, b, Position(0), 10).await.rows, []);
    assert_eq!(since(&bed, bed.user(), Position(0), 10).await.rows, []);
}
