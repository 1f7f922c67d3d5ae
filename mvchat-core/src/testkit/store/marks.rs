//! Marks and receipts.

use super::bed::Bed;
use crate::policy::Standing;
use crate::proto::{Own, Rev, Seq};
use crate::seam::{Marked, Marks, PageQuery};
use crate::testkit::Law;
use crate::testkit::runner::law;
use futures_util::future::join_all;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(marks_are_clamped),
    law!(a_read_mark_passes_own_messages),
    law!(marks_never_go_back_under_contention, threads),
    law!(reading_is_receiving),
    law!(marks_that_stay_change_nothing),
    law!(marks_are_no_shared_change),
    law!(a_send_moves_the_marks_of_a_sender_who_read_all),
    law!(a_send_leaves_the_marks_of_a_sender_who_is_behind),
    law!(clearing_hides_what_is_before),
    law!(receipts_are_paged_in_the_order_of_ids),
    law!(receipts_are_of_active_members),
];

fn marks(read: Option<u64>, recv: Option<u64>, clear: Option<u64>) -> Marks {
    Marks { read: read.map(Seq), recv: recv.map(Seq), clear: clear.map(Seq), ..Marks::default() }
}

fn of(marked: Marked) -> (u64, u64, u64, u64, bool) {
    (marked.read.0, marked.recv.0, marked.clear.0, marked.own.0, marked.moved)
}

async fn marks_are_clamped(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let mark = async |read, recv, clear| of(bed.mark(a, conv, marks(read, recv, clear)).await);
    assert_eq!(mark(Some(5), Some(5), Some(5)).await, (0, 0, 0, 0, false), "nothing is there to be read");
    bed.send_many(conv, b, 4).await;
    assert_eq!(mark(Some(2), None, None).await, (2, 2, 0, 1, true));
    assert_eq!(mark(Some(1), None, None).await, (2, 2, 0, 1, false), "no mark goes back");
    assert_eq!(mark(None, Some(1), None).await, (2, 2, 0, 1, false));
    assert_eq!(mark(None, None, Some(3)).await, (2, 2, 3, 2, true));
    assert_eq!(mark(None, None, Some(1)).await, (2, 2, 3, 2, false));
    assert_eq!(mark(Some(0), Some(3), Some(0)).await, (2, 3, 3, 3, true));
    let last = (1 << 53) - 1;
    assert_eq!(mark(Some(last), Some(last), Some(last)).await, (4, 4, 4, 4, true), "no mark passes the last");
    let me = bed.view(a, conv).await.me;
    assert_eq!((me.read, me.recv, me.clear, me.own), (Seq(4), Seq(4), Seq(4), Own(4)));
}

async fn a_read_mark_passes_own_messages(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, b, 2).await;
    bed.send_many(conv, a, 3).await;
    bed.send(conv, b).await;
    bed.send(conv, a).await;
    assert_eq!(bed.view(a, conv).await.me.read, Seq(0), "what was not read is not passed");
    assert_eq!(of(bed.mark(a, conv, marks(Some(1), None, None)).await), (1, 1, 0, 1, true));
    assert_eq!(of(bed.mark(a, conv, marks(Some(2), None, None)).await), (5, 5, 0, 2, true));
    assert_eq!(of(bed.mark(a, conv, marks(Some(3), None, None)).await), (5, 5, 0, 2, false));
    assert_eq!(of(bed.mark(a, conv, marks(Some(6), None, None)).await), (7, 7, 0, 3, true));
    assert_eq!(of(bed.mark(b, conv, marks(Some(5), None, None)).await), (6, 6, 0, 1, true));
}

async fn marks_never_go_back_under_contention(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, b, 100).await;
    let moves = (0..8).map(|lane| {
        let store = bed.store.clone();
        tokio::spawn(async move {
            let mut last = (0, 0, 0);
            for step in 0..50_u64 {
                let to = (step * 37 + lane * 13) % 101;
                let asked = match lane % 3 {
                    0 => marks(Some(to), None, None),
                    1 => marks(None, Some(to), None),
                    _ => marks(None, None, Some(to)),
                };
                let (read, recv, clear, ..) = of(store.mark(a, conv, asked).await.unwrap().unwrap());
                assert!(read >= last.0 && recv >= last.1 && clear >= last.2, "a mark went back");
                assert!(recv >= read);
                last = (read, recv, clear);
            }
        })
    });
    join_all(moves).await.into_iter().for_each(Result::unwrap);
}

async fn reading_is_receiving(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, b, 5).await;
    assert_eq!(of(bed.mark(a, conv, marks(Some(3), Some(1), None)).await), (3, 3, 0, 1, true));
    assert_eq!(of(bed.mark(a, conv, marks(None, Some(5), None)).await), (3, 5, 0, 2, true));
    assert_eq!(of(bed.mark(a, conv, marks(Some(4), None, None)).await), (4, 5, 0, 3, true));
}

async fn marks_that_stay_change_nothing(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, b, 2).await;
    bed.read(a, conv, 2).await;
    let position = bed.store.position().await.unwrap();
    assert_eq!(of(bed.mark(a, conv, Marks::default()).await), (2, 2, 0, 1, false));
    assert_eq!(of(bed.read(a, conv, 2).await), (2, 2, 0, 1, false));
    let query = crate::seam::ViewQuery::Since { position, limit: 10 };
    assert_eq!(bed.store.views(a, query).await.unwrap().rows, []);
}

async fn marks_are_no_shared_change(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send(conv, b).await;
    let (epoch, position) = (bed.conv(conv).await.epoch, bed.store.position().await.unwrap());
    let peer = bed.view(b, conv).await;
    bed.mark(a, conv, marks(Some(1), Some(1), Some(1))).await;
    assert_eq!(bed.conv(conv).await.epoch, epoch);
    assert_eq!(bed.view(a, conv).await.conv.rev, Rev(1));
    assert_eq!(bed.store.log(position, 10).await.unwrap().entries, []);
    assert_eq!(bed.view(b, conv).await, peer);
}

async fn a_send_moves_the_marks_of_a_sender_who_read_all(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let me = async |user| {
        let me = bed.view(user, conv).await.me;
        (me.read.0, me.recv.0, me.own.0)
    };
    bed.send(conv, a).await;
    assert_eq!(me(a).await, (1, 1, 0), "moved without a new own");
    bed.send_many(conv, a, 3).await;
    assert_eq!(me(a).await, (4, 4, 0), "each message of a batch moves them");
    assert_eq!(me(b).await, (0, 0, 0));
    bed.read(b, conv, 4).await;
    bed.send(conv, b).await;
    assert_eq!((me(a).await, me(b).await), ((4, 4, 0), (5, 5, 1)));
}

async fn a_send_leaves_the_marks_of_a_sender_who_is_behind(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, b, 3).await;
    bed.mark(a, conv, marks(Some(2), Some(3), None)).await;
    bed.send(conv, a).await;
    let view = bed.view(a, conv).await;
    assert_eq!((view.me.read, view.me.recv, view.unread), (Seq(2), Seq(3), 1), "one is still unread");
    bed.read(a, conv, 4).await;
    bed.send(conv, a).await;
    assert_eq!(bed.view(a, conv).await.me.read, Seq(5));
}

async fn clearing_hides_what_is_before(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, b, 4).await;
    bed.clear(a, conv, 2).await;
    let page = bed.page(a, conv, PageQuery::Newest, 10).await;
    assert_eq!((super::bed::seqs(&page), page.more), (vec![4, 3], false));
    for seq in 1..=4 {
        assert_eq!(bed.store.message(a, conv, Seq(seq)).await.unwrap().is_some(), seq > 2);
        assert!(bed.store.message(b, conv, Seq(seq)).await.unwrap().is_some());
    }
    let view = bed.view(a, conv).await;
    assert_eq!((view.me.read, view.unread), (Seq(0), 2), "clearing is not reading");
    bed.clear(a, conv, 4).await;
    assert_eq!(bed.page(a, conv, PageQuery::Newest, 10).await.messages, []);
    bed.send(conv, b).await;
    assert_eq!(super::bed::seqs(&bed.page(a, conv, PageQuery::Newest, 10).await), [5]);
}

async fn receipts_are_paged_in_the_order_of_ids(bed: Bed) {
    let users = bed.users(7);
    let conv = bed.group(users[0], &users[1..]).await;
    bed.send_many(conv, users[0], 7).await;
    for (i, user) in users.iter().enumerate().skip(1) {
        bed.mark(*user, conv, marks(Some(i as u64), Some(i as u64 + 1), None)).await;
    }
    let all = bed.store.receipts(users[3], conv, None, 100).await.unwrap().unwrap();
    let mut expected: Vec<_> = users
        .iter()
        .enumerate()
        .map(|(i, user)| if i == 0 { (*user, 7, 7) } else { (*user, i as u64, 7.min(i as u64 + 1)) })
        .collect();
    expected.sort();
    let rows: Vec<_> = all.iter().map(|row| (row.user, row.read.0, row.recv.0)).collect();
    assert_eq!(rows, expected);
    for limit in 1..=8 {
        let mut walked = Vec::new();
        loop {
            let after = walked.last().map(|row: &crate::seam::ReceiptRow| row.user);
            let page = bed.store.receipts(users[3], conv, after, limit).await.unwrap().unwrap();
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            walked.extend(page);
        }
        assert_eq!(walked, all, "limit {limit}");
    }
}

async fn receipts_are_of_active_members(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let conv = bed.group(a, &[b, c]).await;
    bed.send(conv, a).await;
    bed.read(b, conv, 1).await;
    bed.stand(conv, b, Standing::Kicked).await;
    let mut rows: Vec<_> = bed.store.receipts(a, conv, None, 10).await.unwrap().unwrap();
    rows.retain(|row| row.user != a);
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].user, rows[0].read), (c, Seq(0)));
    // The place to go on may be that of one who is gone.
    let after = bed.store.receipts(a, conv, Some(b), 10).await.unwrap().unwrap();
    assert_eq!(after.iter().filter(|row| row.user < b).count(), 0);
    assert_eq!(after.len(), [a, c].iter().filter(|user| **user > b).count());
}
