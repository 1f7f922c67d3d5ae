//! Mentions.

use super::bed::Bed;
use crate::policy::{MessageBody, MessageState, Standing};
use crate::proto::{ConvId, Seq, UserId};
use crate::seam::{Append, Change, Mention, Op};
use crate::testkit::Law;
use crate::testkit::runner::law;
use crate::time::Timestamp;
use bytes::Bytes;
use std::time::Duration;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(mentions_are_listed_newest_first),
    law!(mentions_follow_edits_and_deletions),
    law!(mentions_are_seen_like_messages),
    law!(mentions_come_with_what_they_answer),
    law!(mentions_survive_reopening, reopens),
];

impl Bed {
    async fn mention(&self, conv: ConvId, from: UserId, mentions: &[UserId]) -> Seq {
        let append = Append { mentions: mentions.to_vec(), ..self.text(from) };
        self.done(self.change(conv, from, Op::Append(append)).await).await.message.unwrap().seq
    }

    async fn mentions(&self, viewer: UserId) -> Vec<Mention> {
        self.store.mentions(viewer, 100).await.unwrap()
    }

    async fn mentioned_in(&self, viewer: UserId) -> Vec<(ConvId, Seq)> {
        self.mentions(viewer).await.into_iter().map(|mention| (mention.conv, mention.message.seq)).collect()
    }
}

async fn mentions_are_listed_newest_first(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let (dm, group) = (bed.dm(a, b).await, bed.group(a, &[b]).await);
    let first = bed.mention(dm, a, &[b, a, b]).await;
    bed.send(dm, a).await;
    let second = bed.mention(group, a, &[b]).await;
    let third = bed.mention(dm, b, &[b]).await;
    let all = [(dm, third), (group, second), (dm, first)];
    assert_eq!(bed.mentioned_in(b).await, all, "each once");
    assert_eq!(bed.mentioned_in(a).await, [(dm, first)]);
    for limit in 0..3 {
        let some = bed.store.mentions(b, limit).await.unwrap();
        assert_eq!(some, bed.mentions(b).await[..limit]);
    }
    let message = bed.store.message(b, dm, first).await.unwrap().unwrap();
    assert_eq!(bed.mentions(b).await[2], Mention { conv: dm, message, replied: None });
    // Of those at the same time the higher conversation comes first, then the higher number.
    let at = bed.now() + Duration::from_secs(60);
    for conv in [dm, group, dm] {
        let append = Append { mentions: vec![b], ..bed.text(a) };
        bed.done(Change { at, ..bed.change(conv, a, Op::Append(append)).await }).await;
    }
    let mut same = [(dm, third.next()), (group, second.next()), (dm, third.next().next())];
    same.sort_by(|one, other| other.cmp(one));
    assert_eq!(bed.mentioned_in(b).await[..3], same[..]);
    // A clock before 1970 is no reason to lose anything.
    let early = bed.group(a, &[b]).await;
    let append = Append { mentions: vec![b], ..bed.text(a) };
    let change = bed.change(early, a, Op::Append(append)).await;
    bed.done(Change { at: Timestamp::from_micros(-5), ..change }).await;
    assert_eq!(bed.mentioned_in(b).await.last(), Some(&(early, Seq(1))));
}

async fn mentions_follow_edits_and_deletions(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let conv = bed.group(a, &[b, c]).await;
    let seq = bed.mention(conv, a, &[b]).await;
    let body = |mentions| MessageBody { edits: 1, ..MessageBody::new(Bytes::from_static(b"new"), mentions) };
    bed.done(bed.revising(conv, a, seq, body(vec![c])).await).await;
    assert_eq!(bed.mentioned_in(b).await, [], "an edit took the mention back");
    assert_eq!(bed.mentioned_in(c).await, [(conv, seq)], "an edit mentions");
    assert_eq!(bed.mentions(c).await[0].message.body, body(vec![c]));
    bed.done(bed.revising(conv, a, seq, body(vec![b, c])).await).await;
    assert_eq!((bed.mentions(b).await.len(), bed.mentions(c).await.len()), (1, 1));
    bed.unsend(conv, a, seq).await;
    assert_eq!((bed.mentions(b).await, bed.mentions(c).await), (vec![], vec![]));
    let seq = bed.mention(conv, a, &[b]).await;
    let kept = MessageBody { state: MessageState::Deleted, ..body(vec![b]) };
    bed.done(bed.revising(conv, a, seq, kept).await).await;
    assert_eq!(bed.mentions(b).await, [], "a tombstone mentions nobody, whatever it holds");
}

async fn mentions_are_seen_like_messages(bed: Bed) {
    let (a, b, outsider) = (bed.user(), bed.user(), bed.user());
    let (conv, other) = (bed.group(a, &[b]).await, bed.group(a, &[b]).await);
    for _ in 0..4 {
        bed.mention(conv, a, &[b, outsider]).await;
    }
    let elsewhere = bed.mention(other, a, &[b]).await;
    assert_eq!(bed.mentions(outsider).await, []);
    bed.clear(b, conv, 2).await;
    bed.store.hide(b, conv, Seq(4)).await.unwrap().unwrap();
    assert_eq!(bed.mentioned_in(b).await, [(other, elsewhere), (conv, Seq(3))]);
    assert_eq!(bed.store.mentions(b, 2).await.unwrap().len(), 2, "what is not seen takes no place");
    bed.stand(conv, b, Standing::Left).await;
    assert_eq!(bed.mentioned_in(b).await, [(other, elsewhere)]);
    bed.stand(conv, b, Standing::Active).await;
    assert_eq!(bed.mentioned_in(b).await, [(other, elsewhere), (conv, Seq(3))]);
}

async fn mentions_come_with_what_they_answer(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let question = bed.send(conv, a).await;
    let append = Append { mentions: vec![a], reply_to: Some(question.seq), ..bed.text(b) };
    bed.done(bed.change(conv, b, Op::Append(append)).await).await;
    assert_eq!(bed.mentions(a).await[0].replied, Some(question.clone()));
    bed.store.hide(a, conv, question.seq).await.unwrap().unwrap();
    assert_eq!(bed.mentions(a).await[0].replied, None);
}

async fn mentions_survive_reopening(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    for mentions in [vec![b], vec![a, b], vec![a]] {
        bed.mention(conv, a, &mentions).await;
    }
    bed.unsend(conv, a, Seq(2)).await;
    let before = (bed.mentions(a).await, bed.mentions(b).await);
    assert_eq!((before.0.len(), before.1.len()), (1, 1));
    let bed = bed.reopen().await;
    assert_eq!((bed.mentions(a).await, bed.mentions(b).await), before);
}
