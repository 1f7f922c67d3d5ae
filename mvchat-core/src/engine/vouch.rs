//! Who may still do something, asked of a store that others write to.

use super::chat::Inner;
use crate::proto::{SessionId, UserId};
use crate::seam::{SessionRow, Store, StoreError, StoreErrorKind, StoreResult, UserRow};
use crate::session::Identity;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::oneshot;

/// The most sessions that one read asks for.
const BATCH: usize = 512;

/// A session, if it is one that asks, and its user, as they are now.
pub(super) type Vouched = (Option<SessionRow>, Option<UserRow>);

/// Questions about sessions and their users. Whoever asks gets an answer from a read that began afterwards; whatever came
/// while the last read was under way shares the next one.
#[derive(Debug, Default)]
pub(super) struct Vouch {
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    asked: Vec<Asked>,
    /// A task reads.
    busy: bool,
}

#[derive(Debug)]
struct Asked {
    user: UserId,
    session: Option<SessionId>,
    answer: oneshot::Sender<Result<Vouched, StoreErrorKind>>,
}

impl Vouch {
    /// Reads a session and its user.
    pub(super) async fn ask(
        &self,
        store: &Arc<dyn Store>,
        user: UserId,
        session: Option<SessionId>,
    ) -> StoreResult<Vouched> {
        let (answer, answered) = oneshot::channel();
        let begins = {
            let mut waiting = self.waiting.lock();
            waiting.asked.push(Asked { user, session, answer });
            !std::mem::replace(&mut waiting.busy, true)
        };
        if begins {
            // In a task of its own: others wait for it, too.
            tokio::spawn(read(store.clone(), self.waiting.clone()));
        }
        let failed = |kind| StoreError::new(kind, "sessions could not be looked up");
        answered.await.unwrap_or(Err(StoreErrorKind::Unavailable)).map_err(failed)
    }
}

async fn read(store: Arc<dyn Store>, waiting: Arc<Mutex<Waiting>>) {
    loop {
        let asked: Vec<Asked> = {
            let mut waiting = waiting.lock();
            let count = waiting.asked.len().min(BATCH);
            waiting.busy = count > 0;
            waiting.asked.drain(..count).collect()
        };
        if asked.is_empty() {
            return;
        }
        // A store that panics leaves those without an answer who asked now, and nobody who asks later.
        let (store, waiting) = (store.clone(), waiting.clone());
        let answered = tokio::spawn(async move { answer(&*store, asked).await }).await;
        if let Err(error) = answered {
            tracing::error!(%error, "looking sessions up panicked");
        }
        drop(waiting);
    }
}

async fn answer(store: &dyn Store, asked: Vec<Asked>) {
    let sessions: BTreeSet<_> = asked.iter().filter_map(|asked| asked.session).collect();
    let users: BTreeSet<_> = asked.iter().map(|asked| asked.user).collect();
    let (sessions, users) = (Vec::from_iter(sessions), Vec::from_iter(users));
    let read = async {
        tokio::try_join!(
            async { if sessions.is_empty() { Ok(Vec::new()) } else { store.sessions(&sessions).await } },
            store.users(&users)
        )
    };
    let known = read.await.map_err(|error| error.kind());
    for Asked { user, session, answer } in asked {
        let vouched = known.as_ref().map_err(|kind| *kind).map(|(rows, accounts)| {
            let row = session.and_then(|id| sessions.binary_search(&id).ok()).and_then(|at| rows.get(at));
            let account = users.binary_search(&user).ok().and_then(|at| accounts.get(at));
            (row.cloned().flatten(), account.cloned().flatten())
        });
        // Whoever asked may be gone.
        drop(answer.send(vouched));
    }
}

impl Inner {
    /// Ends the connections here of all sessions that are over, wherever they were ended and whoever has said so.
    pub(super) async fn sweep_sessions(&self) -> Result<(), StoreError> {
        let identities = self.closing.identities();
        for batch in identities.chunks(BATCH) {
            let ids: Vec<_> = batch.iter().map(|identity| identity.session).collect();
            let rows = self.store.sessions(&ids).await?;
            for (Identity { user, session, .. }, row) in batch.iter().zip(rows) {
                if row.is_none() {
                    self.end_here(*user, &[*session], None);
                }
            }
        }
        Ok(())
    }
}
