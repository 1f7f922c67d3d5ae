//! What is done about what other nodes say.

use super::hint::{Kind, Message};
use super::own::make_up;
use super::peers::News;
use super::{BEAT, Hint, Nodes};
use crate::engine::chat::Inner;
use crate::proto::{Position, UserId, What};
use crate::seam::Heard;
use crate::session::Ended;
use std::sync::{Arc, Weak};

/// Hears the other nodes until the engine is dropped.
pub(super) async fn listen(inner: Weak<Inner>, nodes: Arc<Nodes>) {
    let Some(bus) = nodes.bus.clone() else { return };
    loop {
        let heard = tokio::select! { biased;
            heard = bus.hear() => Some(heard),
            () = tokio::time::sleep(BEAT) => None,
        };
        let Some(inner) = inner.upgrade() else { return };
        match heard {
            Some(Heard::Message(bytes)) => {
                let Some(message) = Message::decode(&bytes) else { continue };
                if message.node != nodes.id {
                    let now = inner.env.monotonic();
                    let news = nodes.peers.write().hear(message, now);
                    inner.take_news(news, false);
                }
            }
            Some(Heard::Lost) => {
                nodes.peers.write().lost();
                inner.missed(None);
            }
            None => {}
        }
    }
}

impl Inner {
    /// Notes where the store is, for when something is missed.
    pub(in crate::engine) fn reached(&self, position: Position) {
        if self.nodes.bus.is_some() {
            let now = self.env.monotonic();
            let well = self.nodes.peers.read().is_well(now, BEAT * 5 / 2);
            self.nodes.sure.lock().reached(position, well, now);
        }
    }

    pub(super) fn missed(self: &Arc<Self>, began: Option<Position>) {
        if self.nodes.sure.lock().missed(began) {
            tokio::spawn(make_up(Arc::downgrade(self)));
        }
    }

    /// Does what follows from what was said, or from silence. `notes` is whether this node writes down when users were
    /// here last.
    pub(super) fn take_news(self: &Arc<Self>, news: News, notes: bool) {
        let News { moved, missed, hints } = news;
        for user in moved {
            // Whoever is here, too, has neither come nor gone.
            if !self.hub.is_here(user) {
                self.announce_soon(user, self.nodes.has(user), notes);
            }
        }
        if let Some(began) = missed {
            self.missed(began);
        }
        hints.into_iter().for_each(|hint| self.follow_up(hint));
    }

    fn follow_up(self: &Arc<Self>, hint: Hint) {
        match hint {
            Hint::Ask(node) if node == self.nodes.id => self.nodes.answer(),
            Hint::Resync(user) => self.hub.end_all(user, Ended::Overflow, None),
            Hint::Ended { user, sessions } => self.end_here(user, &sessions, None),
            Hint::Account(user) => self.doubt_here(user),
            Hint::Conv(conv) => {
                self.convs.forget(conv);
                self.hub.sight_changed();
            }
            // Of others; and what says who is there has been heard.
            Hint::Ask(_) | Hint::Bye | Hint::On(_) | Hint::Off(_) | Hint::Here { .. } => {}
            // The rest needs the store.
            hint => self.look_up(hint),
        }
    }

    /// Follows a hint up in the store, unless too much is under way; then it counts as missed.
    fn look_up(self: &Arc<Self>, hint: Hint) {
        if !self.concerns(&hint) {
            return;
        }
        let Ok(permit) = self.nodes.work.clone().try_acquire_owned() else {
            if matches!(hint, Hint::Own { .. }) {
                self.missed(None);
            }
            return;
        };
        let inner = self.clone();
        self.closing.commands.spawn(async move {
            let _permit = permit;
            let done = match hint {
                Hint::Own { user, conv, own } => inner.retell_own(user, conv, own).await.inspect_err(|_| {
                    // It is looked for until the store answers.
                    inner.missed(None);
                }),
                Hint::Typing { user, conv } => inner.push_typing(user, conv, None).await,
                Hint::Mark { user, conv, kind, seq } => {
                    let what = match kind {
                        Kind::Read => What::Read,
                        Kind::Recv => What::Recv,
                    };
                    inner.push_mark(user, conv, what, seq, None).await
                }
                Hint::Privacy { user, before } => inner.retell_presence(user, before).await,
                Hint::Contact { user, other, heard } => inner.retell_contact(user, other, heard).await,
                _ => Ok(()),
            };
            if let Err(error) = done {
                tracing::debug!(?error, "what another node said could not be followed up");
            }
        });
    }

    /// Returns whether a hint can be of interest to anybody here.
    fn concerns(&self, hint: &Hint) -> bool {
        let is_here = |user: &UserId| self.hub.is_here(*user);
        match hint {
            Hint::Own { user, .. } => is_here(user),
            _ => self.hub.online() > 0,
        }
    }
}
