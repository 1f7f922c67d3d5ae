//! Walks through a conversation, page by page, while others write to it.

use super::host::Host;
use super::script::request;
use super::trace::Seen;
use crate::client::{ClientError, RequestId};
use crate::proto::{ConvId, Ctrl, MessagesParams};
use serde_json::json;

/// A walk that is under way.
#[derive(Debug)]
pub(super) struct Walk {
    number: usize,
    conv: ConvId,
    forward: bool,
    limit: u64,
    asked: RequestId,
}

impl Host {
    /// Begins to walk, unless it walks already.
    pub(super) fn walk(&mut self, conv: ConvId) {
        if self.walk.is_some() {
            return;
        }
        let (forward, limit) = (self.rng.chance(500), self.rng.between(1, 9));
        let number = usize::try_from(self.rng.next() >> 16).unwrap_or(0);
        let start = forward.then_some(0);
        self.world.trace.note(Seen::Walks(number));
        let asked = self.ask_page(conv, forward, limit, start);
        self.walk = Some(Walk { number, conv, forward, limit, asked });
    }

    fn ask_page(&mut self, conv: ConvId, forward: bool, limit: u64, from: Option<u64>) -> RequestId {
        let mut get = json!({"what": "messages", "conv": conv.to_string(), "limit": limit});
        if let Some(from) = from {
            get[if forward { "after" } else { "before" }] = from.into();
        }
        let now = self.now();
        self.client.request(request(&json!({ "get": get })), now)
    }

    /// Goes on with the page that came; a walk that fails is not taken up again.
    pub(super) fn walk_on(&mut self, id: RequestId, result: Result<Ctrl, ClientError>) {
        let Some(walk) = self.walk.take_if(|walk| walk.asked == id) else { return };
        let page = result.ok().and_then(|ctrl| ctrl.params);
        let page = page.and_then(|params| serde_json::from_str::<MessagesParams>(params.as_str()).ok());
        let Some(page) = page else { return };
        let seqs: Vec<u64> = page.messages.iter().map(|message| message.seq.0).collect();
        // A page without a message leads nowhere, whatever it says of more; the oracle is told of both.
        let end = if walk.forward { seqs.iter().max() } else { seqs.iter().min() };
        let next = end.copied().filter(|_| page.more);
        self.world.trace.note(Seen::Walked {
            user: self.user,
            walk: walk.number,
            conv: walk.conv.to_string(),
            forward: walk.forward,
            seqs,
            done: !page.more,
        });
        if let Some(from) = next {
            let asked = self.ask_page(walk.conv, walk.forward, walk.limit, Some(from));
            self.walk = Some(Walk { asked, ..walk });
        }
    }
}
