//! Lists of conversations.

use super::bed::Bed;
use crate::policy::Standing;
use crate::proto::{ConvId, Seq, UserId};
use crate::seam::{MemberPatch, NewConversation, View, ViewQuery, Views};
use crate::testkit::Law;
use crate::testkit::runner::law;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(views_come_the_newest_activity_first),
    law!(views_of_the_same_time_come_by_id),
    law!(pages_of_views_fit_together),
    law!(walking_views_misses_nothing, threads),
    law!(a_view_shows_the_other_of_a_dm),
];

pub(super) async fn page(
    bed: &Bed,
    viewer: UserId,
    before: Option<(Timestamp, ConvId)>,
    limit: usize,
) -> Views {
    bed.store.views(viewer, ViewQuery::Page { before, limit }).await.unwrap()
}

pub(super) fn ids(views: &Views) -> Vec<ConvId> {
    views.rows.iter().map(|row| row.conv.id).collect()
}

fn place(view: &View) -> (Timestamp, ConvId) {
    (view.conv.activity(), view.conv.id)
}

pub(super) async fn dms(bed: &Bed, user: UserId, count: usize) -> Vec<ConvId> {
    let mut convs = Vec::new();
    for _ in 0..count {
        convs.push(bed.dm(user, bed.user()).await);
    }
    convs
}

async fn views_come_the_newest_activity_first(bed: Bed) {
    let a = bed.user();
    let [one, two, three] = dms(&bed, a, 3).await.try_into().unwrap();
    assert_eq!(ids(&page(&bed, a, None, 10).await), [three, two, one]);
    let sent = bed.send(one, a).await;
    let views = page(&bed, a, None, 10).await;
    assert_eq!(ids(&views), [one, three, two]);
    assert_eq!((views.rows[0].conv.last_seq, views.rows[0].conv.last_at), (Seq(1), Some(sent.ts)));
    bed.edit(one, a, Seq(1), "other").await;
    bed.done(bed.setting_ttl(two, a, 5).await).await;
    bed.store.configure(a, three, MemberPatch { muted: Some(true), ..Default::default() }).await.unwrap();
    assert_eq!(ids(&page(&bed, a, None, 10).await), [one, three, two], "only sending is activity");
}

async fn views_of_the_same_time_come_by_id(bed: Bed) {
    let a = bed.user();
    let at = bed.now();
    let mut convs = Vec::new();
    for _ in 0..6 {
        convs.push(bed.create(NewConversation { at, ..bed.new_dm(a, bed.user()) }).await);
    }
    convs.sort();
    convs.reverse();
    assert_eq!(ids(&page(&bed, a, None, 10).await), convs);
    let rest = page(&bed, a, Some((at, convs[2])), 10).await;
    assert_eq!(ids(&rest), convs[3..]);
}

async fn pages_of_views_fit_together(bed: Bed) {
    let a = bed.user();
    dms(&bed, a, 6).await;
    let all = page(&bed, a, None, 100).await;
    assert_eq!((all.rows.len(), all.more), (6, false));
    for limit in 1..=7 {
        let (mut walked, mut before) = (Vec::new(), None);
        loop {
            let views = page(&bed, a, before, limit).await;
            assert!(views.rows.len() <= limit);
            before = views.rows.last().map(place);
            walked.extend(views.rows);
            if !views.more {
                break;
            }
        }
        assert_eq!(walked, all.rows, "limit {limit}");
    }
    assert!(!page(&bed, a, None, 6).await.more, "a page that ends with the last has no more");
    assert_eq!(page(&bed, a, Some(place(&all.rows[5])), 6).await.rows, []);
}

async fn walking_views_misses_nothing(bed: Bed) {
    let a = bed.user();
    let convs = dms(&bed, a, 40).await;
    let bed = Arc::new(bed);
    let (busy, quiet) = convs.split_at(10);
    let writer = tokio::spawn({
        let (bed, busy) = (bed.clone(), busy.to_vec());
        async move {
            for i in 0..100 {
                bed.send(busy[i % busy.len()], a).await;
                tokio::task::yield_now().await;
            }
        }
    });
    while !writer.is_finished() {
        let (mut seen, mut before) = (BTreeMap::new(), None);
        loop {
            let views = page(&bed, a, before, 3).await;
            before = views.rows.last().map(place);
            for row in &views.rows {
                *seen.entry(row.conv.id).or_insert(0) += 1;
            }
            if !views.more {
                break;
            }
        }
        for conv in quiet {
            assert_eq!(seen.get(conv), Some(&1), "a conversation that nobody touched");
        }
    }
    writer.await.unwrap();
}

async fn a_view_shows_the_other_of_a_dm(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    assert_eq!(bed.view(a, conv).await.peer, Some((b, false)));
    assert_eq!(bed.view(b, conv).await.peer, Some((a, false)));
    let group = bed.group(a, &[b]).await;
    assert_eq!((bed.view(a, group).await.peer, bed.view(a, group).await.members), (None, 2));
    bed.stand(group, b, Standing::Left).await;
    assert_eq!(bed.view(a, group).await.members, 1);
    let views = page(&bed, a, None, 10).await;
    for row in views.rows {
        assert_eq!(row, bed.view(a, row.conv.id).await, "a list and one view agree");
    }
}
