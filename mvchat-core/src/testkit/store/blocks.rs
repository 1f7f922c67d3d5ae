//! Blocks, and who is near whom.

use super::bed::Bed;
use crate::policy::Standing;
use crate::proto::{Own, Rev};
use crate::seam::{Counted, MemberPatch, Outcome};
use crate::testkit::Law;
use crate::testkit::runner::law;
use std::collections::BTreeSet;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(a_block_is_no_shared_change),
    law!(a_block_makes_decisions_stale),
    law!(blocks_exist_in_dms_only),
    law!(blocked_with_looks_both_ways),
    law!(peers_share_a_conversation),
    law!(a_block_ends_nearness_everywhere),
];

pub(super) fn blocked(blocked: bool) -> MemberPatch {
    MemberPatch { blocked: Some(blocked), ..MemberPatch::default() }
}

async fn a_block_is_no_shared_change(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send(conv, a).await;
    let (before, position) = (bed.conv(conv).await, bed.store.position().await.unwrap());
    let own = bed.view(a, conv).await.me.own;
    let peers_own = bed.view(b, conv).await.me.own;
    let (after, changed) = bed.store.configure(a, conv, blocked(true)).await.unwrap().unwrap();
    let changed = changed.expect("a block answers with the conversation");
    assert_eq!(after, Counted { own: own.next(), moved: true });
    assert_ne!(changed.epoch, before.epoch);
    assert!(changed.members[&a].blocks && !changed.members[&b].blocks);
    assert_eq!(changed.members[&a].rev, before.members[&a].rev);
    assert_eq!(bed.conv(conv).await, changed);
    let (mine, peers) = (bed.view(a, conv).await, bed.view(b, conv).await);
    assert_eq!((mine.conv.rev, peers.me.own), (Rev(1), peers_own));
    assert_eq!((mine.me.blocked, mine.peer), (true, Some((b, false))));
    assert_eq!((peers.me.blocked, peers.peer), (false, Some((a, true))));
    assert_eq!(bed.store.log(position, 10).await.unwrap().entries, [], "a block is in no log");
    assert_eq!(bed.changes(b, conv, Rev(1), 10).await.items.len(), 0);
    let (_, changed) = bed.store.configure(a, conv, blocked(true)).await.unwrap().unwrap();
    assert!(changed.is_none(), "blocking twice changes nothing");
    let (_, changed) = bed.store.configure(a, conv, blocked(false)).await.unwrap().unwrap();
    assert!(!changed.unwrap().members[&a].blocks);
}

async fn a_block_makes_decisions_stale(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let decided = bed.sending(conv, a).await;
    bed.store.configure(b, conv, blocked(true)).await.unwrap().unwrap();
    let Outcome::Stale { conv: Some(fresh), message: None } = bed.commit(decided).await else {
        panic!("a send that was decided before a block was carried out after it");
    };
    assert!(fresh.members[&b].blocks);
    let decided = bed.sending(conv, a).await;
    bed.store
        .configure(b, conv, MemberPatch { muted: Some(true), ..MemberPatch::default() })
        .await
        .unwrap()
        .unwrap();
    bed.done(decided).await;
}

async fn blocks_exist_in_dms_only(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    let epoch = bed.conv(conv).await.epoch;
    let (own, changed) = bed.store.configure(a, conv, blocked(true)).await.unwrap().unwrap();
    assert_eq!((own, changed.is_some()), (Counted { own: Own(0), moved: false }, false));
    assert_eq!((bed.conv(conv).await.epoch, bed.view(a, conv).await.me.blocked), (epoch, false));
    assert_eq!(bed.store.blocked_with(a).await.unwrap(), []);
    assert_eq!(bed.store.peers(a, 10).await.unwrap(), [b]);
}

async fn blocked_with_looks_both_ways(bed: Bed) {
    let (a, b, c, d) = (bed.user(), bed.user(), bed.user(), bed.user());
    let (ab, ac) = (bed.dm(a, b).await, bed.dm(c, a).await);
    bed.dm(a, d).await;
    bed.store.configure(a, ab, blocked(true)).await.unwrap().unwrap();
    bed.store.configure(c, ac, blocked(true)).await.unwrap().unwrap();
    let with: BTreeSet<_> = bed.store.blocked_with(a).await.unwrap().into_iter().collect();
    assert_eq!(with, BTreeSet::from([b, c]));
    assert_eq!(bed.store.blocked_with(b).await.unwrap(), [a]);
    assert_eq!(bed.store.blocked_with(c).await.unwrap(), [a]);
    assert_eq!(bed.store.blocked_with(d).await.unwrap(), []);
    bed.store.configure(b, ab, blocked(true)).await.unwrap().unwrap();
    bed.store.configure(a, ab, blocked(false)).await.unwrap().unwrap();
    assert_eq!(bed.store.blocked_with(b).await.unwrap(), [a], "the block in the other direction stands");
}

async fn peers_share_a_conversation(bed: Bed) {
    let (a, dm, near, far, gone) = (bed.user(), bed.user(), bed.user(), bed.user(), bed.user());
    bed.dm(a, dm).await;
    let small = bed.group(near, &[a, gone, dm]).await;
    let big = bed.group(far, &[a, near, dm]).await;
    let sorted = async |max| {
        let peers = bed.store.peers(a, max).await.unwrap();
        let set: BTreeSet<_> = peers.iter().copied().collect();
        assert_eq!(set.len(), peers.len(), "each once");
        set
    };
    assert_eq!(sorted(4).await, BTreeSet::from([dm, near, far, gone]));
    assert_eq!(sorted(3).await, BTreeSet::from([dm]));
    bed.stand(small, gone, Standing::Left).await;
    assert_eq!(sorted(3).await, BTreeSet::from([dm, near]), "only active members count, and are peers");
    bed.stand(big, a, Standing::Left).await;
    assert_eq!(sorted(100).await, BTreeSet::from([dm, near]));
    assert_eq!(sorted(0).await, BTreeSet::from([dm]), "direct conversations are always near");
    assert_eq!(bed.store.peers(bed.user(), 100).await.unwrap(), []);
}

async fn a_block_ends_nearness_everywhere(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let dm = bed.dm(a, b).await;
    bed.group(a, &[b, c]).await;
    bed.store.configure(b, dm, blocked(true)).await.unwrap().unwrap();
    assert_eq!(bed.store.peers(a, 100).await.unwrap(), [c]);
    assert_eq!(bed.store.peers(b, 100).await.unwrap(), [c]);
    let near_c: BTreeSet<_> = bed.store.peers(c, 100).await.unwrap().into_iter().collect();
    assert_eq!(near_c, BTreeSet::from([a, b]));
}
