//! Pages of messages.

use super::bed::{Bed, seqs};
use crate::proto::{ConvId, Own, Rev, Seq, UserId};
use crate::seam::{Append, Op, PageQuery};
use crate::testkit::Law;
use crate::testkit::runner::law;
use std::sync::Arc;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(an_empty_conversation_has_an_empty_page),
    law!(the_newest_come_first),
    law!(pages_before_end_at_the_first),
    law!(pages_after_end_at_the_last),
    law!(pages_around_have_both_halves),
    law!(walks_of_every_size_meet_every_message_once),
    law!(what_is_not_seen_ends_no_walk),
    law!(tombstones_are_in_pages),
    law!(what_is_answered_comes_along),
    law!(a_page_tells_where_it_was_taken),
    law!(a_page_is_one_snapshot, threads),
];

/// Makes a conversation with so many messages.
async fn filled(bed: &Bed, count: usize) -> (UserId, UserId, ConvId) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, b, count).await;
    (a, b, conv)
}

async fn taken(bed: &Bed, viewer: UserId, conv: ConvId, query: PageQuery, limit: usize) -> (Vec<u64>, bool) {
    let page = bed.page(viewer, conv, query, limit).await;
    (seqs(&page), page.more)
}

async fn an_empty_conversation_has_an_empty_page(bed: Bed) {
    let (a, _, conv) = filled(&bed, 0).await;
    for query in
        [PageQuery::Newest, PageQuery::Before(Seq(5)), PageQuery::After(Seq(0)), PageQuery::Around(Seq(1))]
    {
        let page = bed.page(a, conv, query, 10).await;
        assert_eq!((page.messages.len(), page.replied.len(), page.more), (0, 0, false));
        assert_eq!((page.rev, page.own), (Rev(0), Own(0)));
    }
}

async fn the_newest_come_first(bed: Bed) {
    let (a, _, conv) = filled(&bed, 5).await;
    assert_eq!(taken(&bed, a, conv, PageQuery::Newest, 1).await, (vec![5], true));
    assert_eq!(taken(&bed, a, conv, PageQuery::Newest, 4).await, (vec![5, 4, 3, 2], true));
    assert_eq!(taken(&bed, a, conv, PageQuery::Newest, 5).await, (vec![5, 4, 3, 2, 1], false));
    assert_eq!(taken(&bed, a, conv, PageQuery::Newest, 6).await, (vec![5, 4, 3, 2, 1], false));
}

async fn pages_before_end_at_the_first(bed: Bed) {
    let (a, _, conv) = filled(&bed, 5).await;
    let before = async |seq, limit| taken(&bed, a, conv, PageQuery::Before(Seq(seq)), limit).await;
    assert_eq!(before(0, 3).await, (vec![], false));
    assert_eq!(before(1, 3).await, (vec![], false));
    assert_eq!(before(2, 3).await, (vec![1], false));
    assert_eq!(before(4, 3).await, (vec![3, 2, 1], false));
    assert_eq!(before(5, 3).await, (vec![4, 3, 2], true));
    assert_eq!(before(6, 1).await, (vec![5], true));
    assert_eq!(before(1 << 52, 3).await, (vec![5, 4, 3], true));
}

async fn pages_after_end_at_the_last(bed: Bed) {
    let (a, _, conv) = filled(&bed, 5).await;
    let after = async |seq, limit| taken(&bed, a, conv, PageQuery::After(Seq(seq)), limit).await;
    assert_eq!(after(0, 3).await, (vec![3, 2, 1], true), "the oldest of those after, the newest first");
    assert_eq!(after(1, 1).await, (vec![2], true));
    assert_eq!(after(2, 3).await, (vec![5, 4, 3], false));
    assert_eq!(after(4, 3).await, (vec![5], false));
    assert_eq!(after(5, 3).await, (vec![], false));
    assert_eq!(after(1 << 52, 3).await, (vec![], false));
}

async fn pages_around_have_both_halves(bed: Bed) {
    let (a, _, conv) = filled(&bed, 9).await;
    let around = async |seq, limit| taken(&bed, a, conv, PageQuery::Around(Seq(seq)), limit).await;
    assert_eq!(around(5, 4).await, (vec![7, 6, 5, 4], true));
    assert_eq!(around(5, 5).await, (vec![7, 6, 5, 4, 3], true));
    assert_eq!(around(5, 1).await, (vec![5], true), "at least the message itself");
    assert_eq!(around(1, 4).await, (vec![3, 2, 1], false));
    assert_eq!(around(2, 4).await, (vec![4, 3, 2, 1], false));
    assert_eq!(around(9, 4).await, (vec![9, 8], true));
    assert_eq!(around(0, 4).await, (vec![2, 1], false));
    assert_eq!(around(50, 4).await, (vec![9, 8], true));
    // Around one that is not seen are those beside it.
    bed.store.hide(a, conv, Seq(5)).await.unwrap().unwrap();
    assert_eq!(around(5, 4).await, (vec![7, 6, 4, 3], true));
}

async fn walk(bed: &Bed, viewer: UserId, conv: ConvId, limit: usize, forwards: bool) -> Vec<u64> {
    let mut walked: Vec<u64> = Vec::new();
    let mut query = if forwards { PageQuery::After(Seq(0)) } else { PageQuery::Newest };
    loop {
        let (mut seqs, more) = taken(bed, viewer, conv, query, limit).await;
        assert!(seqs.len() <= limit);
        assert!(!more || !seqs.is_empty(), "a page that is not the last is empty");
        if forwards {
            seqs.reverse();
        }
        walked.extend(seqs);
        let Some(last) = walked.last().filter(|_| more) else { break };
        query = if forwards { PageQuery::After(Seq(*last)) } else { PageQuery::Before(Seq(*last)) };
    }
    walked
}

async fn walks_of_every_size_meet_every_message_once(bed: Bed) {
    let (a, _, conv) = filled(&bed, 12).await;
    let forwards: Vec<u64> = (1..=12).collect();
    let backwards: Vec<u64> = (1..=12).rev().collect();
    for limit in 1..=13 {
        assert_eq!(walk(&bed, a, conv, limit, true).await, forwards, "limit {limit}");
        assert_eq!(walk(&bed, a, conv, limit, false).await, backwards, "limit {limit}");
    }
}

async fn what_is_not_seen_ends_no_walk(bed: Bed) {
    let (a, b, conv) = filled(&bed, 30).await;
    bed.clear(a, conv, 4).await;
    // Longer runs than a page, at both ends and in the middle.
    for seq in (5..9).chain(12..23).chain(28..31) {
        bed.store.hide(a, conv, Seq(seq)).await.unwrap().unwrap();
    }
    let seen: Vec<u64> = (9..12).chain(23..28).collect();
    for limit in 1..=9 {
        assert_eq!(walk(&bed, a, conv, limit, true).await, seen, "limit {limit}");
        let mut backwards = walk(&bed, a, conv, limit, false).await;
        backwards.reverse();
        assert_eq!(backwards, seen, "limit {limit}");
    }
    assert_eq!(taken(&bed, a, conv, PageQuery::Before(Seq(12)), 3).await, (vec![11, 10, 9], false));
    assert_eq!(taken(&bed, a, conv, PageQuery::After(Seq(22)), 5).await, (vec![27, 26, 25, 24, 23], false));
    assert_eq!(walk(&bed, b, conv, 7, true).await.len(), 30, "others see all");
}

async fn tombstones_are_in_pages(bed: Bed) {
    let (a, b, conv) = filled(&bed, 3).await;
    bed.unsend(conv, b, Seq(2)).await;
    let page = bed.page(a, conv, PageQuery::Newest, 10).await;
    assert_eq!(seqs(&page), [3, 2, 1]);
    assert_eq!(page.messages[1].body.content, None);
    for message in &page.messages {
        assert_eq!(bed.store.message(a, conv, message.seq).await.unwrap().as_ref(), Some(message));
    }
}

async fn what_is_answered_comes_along(bed: Bed) {
    let (a, b, conv) = filled(&bed, 6).await;
    for reply_to in [5, 2, 2, 3, 4, 99] {
        let append = Append { reply_to: Some(Seq(reply_to)), ..bed.text(b) };
        bed.done(bed.change(conv, b, Op::Append(append)).await).await;
    }
    bed.edit(conv, b, Seq(2), "as it is now").await;
    bed.store.hide(a, conv, Seq(3)).await.unwrap().unwrap();
    let replied = async |viewer| {
        let page = bed.page(viewer, conv, PageQuery::Newest, 6).await;
        assert_eq!(seqs(&page), [12, 11, 10, 9, 8, 7]);
        for message in &page.replied {
            let now = bed.store.message(viewer, conv, message.seq).await.unwrap();
            assert_eq!(now.as_ref(), Some(message));
        }
        page.replied.iter().map(|message| message.seq.0).collect::<Vec<_>>()
    };
    assert_eq!(replied(a).await, [2, 4, 5], "each once, and none that is not seen");
    assert_eq!(replied(b).await, [2, 3, 4, 5]);
    bed.clear(a, conv, 4).await;
    assert_eq!(replied(a).await, [5]);
    let page = bed.page(a, conv, PageQuery::Around(Seq(6)), 4).await;
    assert_eq!((seqs(&page), page.replied.len()), (vec![8, 7, 6, 5], 1), "also if it is in the page");
}

async fn a_page_tells_where_it_was_taken(bed: Bed) {
    let (a, b, conv) = filled(&bed, 2).await;
    bed.read(a, conv, 1).await;
    bed.edit(conv, b, Seq(1), "other").await;
    let page = bed.page(a, conv, PageQuery::Before(Seq(2)), 1).await;
    assert_eq!((page.rev, page.own), (Rev(3), Own(1)));
    let page = bed.page(b, conv, PageQuery::Newest, 1).await;
    assert_eq!((page.rev, page.own), (Rev(3), Own(0)));
}

/// Takes pages while others write: the number of a page is never before what is in it.
async fn a_page_is_one_snapshot(bed: Bed) {
    let (a, b, conv) = filled(&bed, 1).await;
    let bed = Arc::new(bed);
    let writer = tokio::spawn({
        let bed = bed.clone();
        async move {
            for _ in 0..60 {
                let sent = bed.send(conv, b).await;
                bed.edit(conv, b, sent.seq, "other").await;
            }
        }
    });
    while !writer.is_finished() {
        let page = bed.page(a, conv, PageQuery::Newest, 1_000).await;
        let newest = page.messages.iter().map(|message| message.rev).max().unwrap();
        assert_eq!(newest, page.rev, "the last change is in the page");
        assert_eq!(page.messages.len() as u64, page.messages[0].seq.0, "no message is missing");
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}
