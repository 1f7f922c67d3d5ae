//! What disappears by itself.

use super::bed::Bed;
use crate::policy::{ConvSettings, MessageBody, MessageState, Standing};
use crate::proto::{ConvId, Own, Seq, UserId};
use crate::seam::{Amend, Append, ChangesQuery, Expired, ExpiredFor, LogEvent, Marks, Op, PageQuery, Revise};
use crate::testkit::Law;
use crate::testkit::runner::law;
use crate::time::Timestamp;
use std::time::Duration;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(reading_starts_the_time),
    law!(what_was_read_before_stays),
    law!(what_has_expired_is_hidden_from_its_reader),
    law!(nothing_expires_for_its_sender),
    law!(what_nobody_else_can_read_is_spent),
    law!(who_leaves_reads_no_more),
    law!(a_message_can_have_an_end),
    law!(a_conversation_keeps_no_longer),
    law!(the_spent_are_named_until_they_are_gone),
    law!(expiry_goes_in_steps),
    law!(times_survive_reopening, reopens),
    law!(an_ended_conversation_is_erased),
];

const NOTHING: [u64; 0] = [];

/// The time at which everything is read, and seconds after it.
fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000) + Duration::from_secs(seconds)
}

impl Bed {
    async fn reads(&self, user: UserId, conv: ConvId, seq: u64) -> Option<Timestamp> {
        self.mark(user, conv, Marks { read: Some(Seq(seq)), at: at(0), ..Marks::default() }).await.due
    }

    async fn disappearing(&self, conv: ConvId, actor: UserId, ttl: u32) {
        self.done(self.setting_ttl(conv, actor, ttl).await).await;
    }

    async fn keeping(&self, conv: ConvId, actor: UserId, retention: Option<u32>, at: Timestamp) {
        let settings = ConvSettings { retention, ..self.conv(conv).await.settings.clone() };
        let amend = Amend { settings: Some(settings), ..Amend::new(LogEvent::RetentionSet(retention)) };
        let change = self.change(conv, actor, Op::Amend(amend)).await;
        self.done(crate::seam::Change { at, ..change }).await;
    }

    async fn sends(&self, conv: ConvId, from: UserId, append: impl Fn(&mut Append)) -> Seq {
        let mut text = self.text(from);
        append(&mut text);
        let change = crate::seam::Change { at: at(0), ..self.change(conv, from, Op::Append(text)).await };
        self.done(change).await.message.expect("a send answers with its message").seq
    }

    async fn expire(&self, seconds: u64) -> Expired {
        self.store.expire(at(seconds), 100).await.unwrap()
    }

    /// Lets everything expire and makes tombstones of what is spent; returns what was hidden and what was spent.
    async fn expire_all(&self, seconds: u64) -> (Vec<(UserId, Vec<u64>)>, Vec<u64>) {
        let (mut hidden, mut spent) = (Vec::new(), Vec::new());
        loop {
            let expired = self.expire(seconds).await;
            hidden.extend(
                expired.hidden.into_iter().map(|it| (it.user, it.seqs.iter().map(|seq| seq.0).collect())),
            );
            for (conv, message) in expired.spent {
                spent.push(message.seq.0);
                self.bury(conv, message.seq, message.rev).await;
            }
            if !expired.more {
                return (hidden, spent);
            }
        }
    }

    async fn bury(&self, conv: ConvId, seq: Seq, expect: crate::proto::Rev) {
        let body = MessageBody::tombstone(MessageState::Expired);
        let revise = Revise { seq, expect, body, event: LogEvent::Expired };
        let change = self.change(conv, self.user(), Op::Revise(revise)).await;
        self.done(change).await;
    }

    async fn sees(&self, user: UserId, conv: ConvId) -> Vec<u64> {
        super::bed::seqs(&self.page(user, conv, PageQuery::Newest, 100).await)
    }
}

async fn reading_starts_the_time(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let conv = bed.group(a, &[b, c]).await;
    bed.disappearing(conv, a, 60).await;
    bed.send_many(conv, a, 1).await;
    let once = bed.sends(conv, a, |append| append.view_once = Some(Some(30))).await;
    bed.sends(conv, a, |append| append.view_once = Some(None)).await;
    bed.send_many(conv, a, 1).await;
    assert_eq!(bed.expire(0).await.next, None, "nobody has read anything");
    assert_eq!(bed.reads(b, conv, once.0).await, Some(at(30)), "the first that is over");
    assert_eq!(bed.expire(29).await.next, Some(at(30)));
    assert_eq!(bed.expire_all(30).await.0, [(b, vec![2])]);
    assert_eq!(bed.expire_all(59).await.0, []);
    assert_eq!(bed.expire_all(60).await.0, [(b, vec![1])]);
    assert_eq!(bed.reads(b, conv, once.0).await, None, "a mark that stays starts nothing");
    assert_eq!(bed.reads(b, conv, 4).await, Some(at(10)), "ten seconds, if the message does not say");
    assert_eq!(bed.expire_all(60).await.0, [(b, vec![3]), (b, vec![4])]);
    assert_eq!(bed.sees(c, conv).await, [4, 3, 2, 1], "for each reader by itself");
}

async fn what_was_read_before_stays(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, a, 3).await;
    assert_eq!(bed.reads(b, conv, 2).await, None);
    bed.disappearing(conv, a, 10).await;
    assert_eq!(bed.reads(b, conv, 3).await, Some(at(10)));
    assert_eq!(bed.expire_all(100).await, (vec![(b, vec![3])], vec![3]));
    assert_eq!(bed.sees(a, conv).await, [3, 2, 1]);
}

async fn what_has_expired_is_hidden_from_its_reader(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let conv = bed.group(a, &[b, c]).await;
    bed.disappearing(conv, a, 10).await;
    bed.send_many(conv, a, 4).await;
    bed.store.hide(b, conv, Seq(2)).await.unwrap();
    let rev = bed.view(b, conv).await.conv.rev;
    bed.reads(b, conv, 3).await;
    let expired = bed.expire(10).await;
    let hidden = ExpiredFor { user: b, conv, own: Own(3), seqs: vec![Seq(1), Seq(3)] };
    assert_eq!((expired.hidden, expired.spent.len()), (vec![hidden], 0), "one own for both");
    assert_eq!(bed.sees(b, conv).await, [4]);
    assert_eq!((bed.sees(a, conv).await.len(), bed.sees(c, conv).await.len()), (4, 4));
    assert_eq!(bed.store.message(b, conv, Seq(1)).await.unwrap(), None);
    let query = ChangesQuery { since: rev, own: Some(Own(1)), limit: 100, max_span: 100 };
    let changes = bed.store.changes(b, conv, query).await.unwrap().unwrap();
    assert_eq!((changes.hidden, changes.own), (vec![Seq(1), Seq(3)], Own(3)));
    assert_eq!(bed.view(b, conv).await.conv.rev, rev, "it is no shared change");
    assert_eq!(bed.view(b, conv).await.unread, 1);
}

async fn nothing_expires_for_its_sender(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let conv = bed.group(a, &[b, c]).await;
    bed.disappearing(conv, a, 10).await;
    bed.send(conv, a).await;
    bed.send(conv, b).await;
    for user in [a, b] {
        bed.reads(user, conv, 2).await;
    }
    assert_eq!(bed.expire_all(10).await.1, NOTHING, "one more can read them");
    assert_eq!((bed.sees(a, conv).await, bed.sees(b, conv).await), (vec![1], vec![2]));
}

async fn what_nobody_else_can_read_is_spent(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let conv = bed.group(a, &[b, c]).await;
    bed.disappearing(conv, a, 10).await;
    bed.send_many(conv, a, 3).await;
    bed.reads(b, conv, 3).await;
    assert_eq!(bed.expire_all(10).await.1, NOTHING);
    bed.store.hide(c, conv, Seq(2)).await.unwrap();
    assert_eq!(bed.expire_all(10).await.1, [2], "hidden is as good as expired");
    bed.clear(c, conv, 1).await;
    assert_eq!(bed.expire_all(10).await.1, [1], "and so is cleared");
    bed.reads(c, conv, 3).await;
    assert_eq!(bed.expire_all(9).await.1, NOTHING);
    assert_eq!(bed.expire_all(10).await, (vec![(c, vec![3])], vec![3]));
    let left = bed.page(a, conv, PageQuery::Newest, 9).await.messages;
    assert!(
        left.iter()
            .all(|message| message.body.content.is_none() && message.body.state == MessageState::Expired)
    );
    bed.send(conv, a).await;
    bed.store.hide(b, conv, Seq(4)).await.unwrap();
    bed.store.hide(c, conv, Seq(4)).await.unwrap();
    assert_eq!(bed.expire_all(99).await.1, NOTHING, "what has expired for nobody stays");
}

async fn who_leaves_reads_no_more(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let conv = bed.group(a, &[b, c]).await;
    bed.disappearing(conv, a, 10).await;
    bed.send(conv, a).await;
    bed.reads(b, conv, 1).await;
    assert_eq!(bed.expire_all(10).await.1, NOTHING);
    bed.stand(conv, c, Standing::Left).await;
    assert_eq!(bed.expire_all(10).await.1, [1]);
    bed.send(conv, a).await;
    bed.reads(b, conv, 2).await;
    bed.stand(conv, b, Standing::Kicked).await;
    assert_eq!(bed.expire_all(10).await.0, [], "who is gone is told nothing");
}

async fn a_message_can_have_an_end(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let seq = bed.sends(conv, a, |append| append.expires_in = Some(20)).await;
    let message = bed.store.message(b, conv, seq).await.unwrap().unwrap();
    assert_eq!(message.expires_at, Some(at(20)));
    assert_eq!(bed.expire(19).await.next, Some(at(20)));
    assert_eq!(bed.expire_all(20).await, (vec![], vec![1]), "for everybody, read or not");
    assert_eq!(bed.expire(99).await.next, None);
    let unsent = bed.sends(conv, a, |append| append.expires_in = Some(20)).await;
    bed.unsend(conv, a, unsent).await;
    assert_eq!(bed.expire_all(20).await, (vec![], vec![]), "what is gone does not expire");
}

async fn a_conversation_keeps_no_longer(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.sends(conv, a, |_| ()).await;
    bed.sends(conv, b, |_| ()).await;
    bed.unsend(conv, a, Seq(1)).await;
    bed.keeping(conv, a, Some(100), at(1)).await;
    assert_eq!(bed.expire_all(99).await.1, NOTHING);
    assert_eq!(bed.expire(99).await.next, Some(at(100)));
    assert_eq!(bed.expire_all(100).await.1, [2], "also what was sent before");
    assert_eq!(bed.expire(100).await.next, None, "nothing is left");
    bed.sends(conv, a, |_| ()).await;
    assert_eq!(bed.expire(50).await.next, Some(at(100)));
    bed.keeping(conv, a, Some(60), at(50)).await;
    assert_eq!(bed.expire(50).await.next, Some(at(60)), "sooner");
    bed.keeping(conv, a, None, at(51)).await;
    assert_eq!(bed.expire_all(1_000).await.1, NOTHING, "for ever");
    bed.keeping(conv, a, Some(60), at(52)).await;
    assert_eq!(bed.expire_all(1_000).await.1, [3]);
}

async fn the_spent_are_named_until_they_are_gone(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.sends(conv, a, |append| append.expires_in = Some(10)).await;
    bed.keeping(conv, a, Some(10), at(0)).await;
    bed.sends(conv, a, |_| ()).await;
    for _ in 0..3 {
        let expired = bed.expire(20).await;
        let spent: std::collections::BTreeSet<_> = expired.spent.iter().map(|(_, it)| it.seq.0).collect();
        assert_eq!(spent.into_iter().collect::<Vec<_>>(), [1, 2], "what is spent is named again");
        assert!(expired.more);
    }
    let rev = bed.store.message(a, conv, Seq(1)).await.unwrap().unwrap().rev;
    bed.bury(conv, Seq(1), rev).await;
    let rev = bed.store.message(a, conv, Seq(2)).await.unwrap().unwrap().rev;
    bed.bury(conv, Seq(2), rev).await;
    let expired = bed.expire(20).await;
    assert_eq!((expired.spent.len(), expired.more, expired.next), (0, false, None));
}

async fn expiry_goes_in_steps(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let conv = bed.group(a, &[b, c]).await;
    bed.disappearing(conv, a, 10).await;
    bed.send_many(conv, a, 10).await;
    bed.reads(b, conv, 10).await;
    let mut steps = Vec::new();
    loop {
        let expired = bed.store.expire(at(10), 4).await.unwrap();
        steps.extend(expired.hidden.iter().map(|it| it.seqs.len()));
        if !expired.more {
            break;
        }
    }
    assert_eq!(steps, [4, 4, 2]);
    bed.sends(conv, a, |append| append.expires_in = Some(10)).await;
    bed.sends(conv, a, |append| append.expires_in = Some(10)).await;
    let expired = bed.store.expire(at(10), 1).await.unwrap();
    assert_eq!((expired.spent.len(), expired.more), (1, true));
    assert_eq!(bed.expire_all(10).await.1.len(), 2);
}

async fn times_survive_reopening(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let conv = bed.group(a, &[b, c]).await;
    bed.disappearing(conv, a, 10).await;
    bed.send_many(conv, a, 2).await;
    bed.reads(b, conv, 1).await;
    let bed = bed.reopen().await;
    assert_eq!(bed.expire(0).await.next, Some(at(10)));
    assert_eq!(bed.expire_all(10).await.0, [(b, vec![1])]);
    let bed = bed.reopen().await;
    assert_eq!(bed.sees(b, conv).await, [2]);
    bed.reads(c, conv, 2).await;
    let expired = bed.expire(10).await;
    assert_eq!(expired.hidden.len(), 1);
    let bed = bed.reopen().await;
    assert_eq!(bed.expire_all(10).await.1, [1], "what was not made a tombstone yet is named again");
}

async fn an_ended_conversation_is_erased(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    let seq = bed.sends(conv, a, |append| append.mentions = vec![b]).await;
    bed.disappearing(conv, a, 10).await;
    bed.reads(b, conv, seq.0).await;
    let position = bed.store.position().await.unwrap();
    let committed = bed.done(bed.change(conv, a, Op::Close(LogEvent::Ended)).await).await;
    let ended = committed.conv.expect("the epoch has changed");
    assert_eq!(ended.active_members().count(), 0);
    assert_eq!((&ended.settings, ended.owner), (&ConvSettings::ended(), None));
    for user in [a, b] {
        assert!(bed.store.page(user, conv, PageQuery::Newest, 9).await.unwrap().is_none());
        let since = crate::seam::ViewQuery::Since { position, limit: 9 };
        let views = bed.store.views(user, since).await.unwrap().rows;
        assert!(views.iter().any(|view| view.conv.id == conv && view.gone));
        assert_eq!(bed.store.mentions(user, 9).await.unwrap(), []);
    }
    for _ in 0..100 {
        if !bed.store.expire(at(0), 1).await.unwrap().more {
            break;
        }
    }
    assert_eq!(bed.expire_all(100).await, (vec![], vec![]), "nothing of it is left to expire");
    // Whoever gets in by a way that does not exist sees nothing.
    bed.stand(conv, b, Standing::Active).await;
    assert_eq!(bed.sees(b, conv).await, NOTHING);
    let changes = bed.changes(b, conv, crate::proto::Rev(0), 100).await;
    assert!(changes.items.iter().all(|(_, item)| !matches!(item, crate::seam::Changed::Message(_))));
}
