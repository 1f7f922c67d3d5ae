//! Password hashes: Argon2id (RFC 9106) as PHC strings, a bounded number at a time. Older forms are read.

mod memory;
mod params;
mod stored;
mod threads;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::PasswordHasher;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use self::memory::hash_into;
use self::stored::Stored;

pub use self::params::PasswordParams;
use self::threads::Threads;

/// Hashes and checks passwords. Cheap to clone; clones share one queue.
///
/// A hash costs tens of milliseconds and of megabytes, so half of the machine's cores work on them at most. Others
/// wait: up to 64, each for up to two seconds.
#[derive(Debug, Clone)]
pub struct Passwords {
    params: PasswordParams,
    slots: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    threads: Arc<Threads>,
}

/// What [`Passwords::verify`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// The password is right.
    Ok {
        /// The hash was made with other parameters than the present ones: hash the password again and store that.
        rehash: bool,
    },
    /// The password is wrong, or there is no such user.
    Wrong,
}

/// Why a password was neither hashed nor checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Too many are waiting, or waited for too long. Trying again later helps.
    #[error("too many passwords are being checked")]
    Busy,
    /// The stored hash is of no known form, or would cost more than is bearable.
    #[error("the stored password hash cannot be read")]
    Corrupt,
    /// The parameters are outside the bounds of [`PasswordParams`].
    #[error("the parameters of password hashing are out of bounds")]
    Params,
    /// The operating system gave no memory, no entropy or no thread.
    #[error("hashing a password failed")]
    Failed,
}

const MAX_WAITING: usize = 64;
const MAX_WAIT: Duration = Duration::from_secs(2);
/// What a password is hashed with when there is no user: no secret, only as costly.
const DUMMY_SALT: &[u8; 16] = b"no such user!!!!";

impl Passwords {
    /// Makes a hasher.
    ///
    /// # Errors
    /// `Params`.
    pub fn new(params: PasswordParams) -> Result<Passwords, PasswordError> {
        params.check()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Passwords {
            params,
            slots: Arc::new(Semaphore::new((cores / 2).max(1))),
            waiting: Arc::default(),
            threads: Arc::default(),
        })
    }

    /// Hashes a new password into a PHC string with a random salt. Takes any length and any bytes: what passwords may
    /// look like is decided by the caller.
    ///
    /// # Errors
    /// `Busy`, `Failed`.
    pub async fn hash(&self, password: impl Into<Zeroizing<String>>) -> Result<String, PasswordError> {
        let (password, argon2) = (password.into(), self.params.argon2()?);
        self.run(move || match argon2.hash_password(password.as_bytes()) {
            Ok(hash) => Ok(hash.to_string()),
            Err(_) => Err(PasswordError::Failed),
        })
        .await
    }

    /// Checks a password against a stored hash: a PHC string of Argon2id, the three-part form of mvChat2, or bcrypt. The
    /// last two always ask for a new hash; until then, the time that a check takes tells that the account was imported.
    /// Without a hash it takes as long as with one made of the present parameters, and the answer is `Wrong`; so the
    /// time does not tell whether a user exists.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`, `Failed`.
    pub async fn verify(
        &self,
        password: impl Into<Zeroizing<String>>,
        stored: Option<&str>,
    ) -> Result<Verdict, PasswordError> {
        let (password, params) = (password.into(), self.params);
        let stored = stored.map(|stored| Stored::parse(stored, params)).transpose()?;
        self.run(move || match stored {
            Some(stored) => stored.verify(password.as_bytes(), params),
            None => verify_nobody(params, password.as_bytes()),
        })
        .await
    }

    /// Passes a hash that [`verify`](Self::verify) can check: for the import of accounts.
    ///
    /// # Errors
    /// `Corrupt` for any other, also for one that would cost too much.
    pub fn check_stored(&self, stored: &str) -> Result<(), PasswordError> {
        Stored::parse(stored, self.params).map(drop)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let slot = self.slot().await?;
        // The slot goes along: a caller that leaves does not stop the thread, so it must not free its place either.
        let threads = Arc::clone(&self.threads);
        let work = move || {
            let _slot = slot;
            // The runtime knows that this thread works; the hash is made on one of few.
            threads.run(work).unwrap_or(Err(PasswordError::Failed))
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| PasswordError::Failed)?
    }

    async fn slot(&self) -> Result<OwnedSemaphorePermit, PasswordError> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(slot);
        }
        let _place = Place::take(&self.waiting)?;
        match tokio::time::timeout(MAX_WAIT, Arc::clone(&self.slots).acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) => Err(PasswordError::Failed),
            Err(_) => Err(PasswordError::Busy),
        }
    }
}

/// A place in the queue; given back when dropped, also by a caller that leaves.
struct Place<'a>(&'a AtomicUsize);

impl Place<'_> {
    fn take(waiting: &AtomicUsize) -> Result<Place<'_>, PasswordError> {
        let place = Place(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            return Err(PasswordError::Busy);
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn verify_nobody(params: PasswordParams, password: &[u8]) -> Result<Verdict, PasswordError> {
    let mut out = Zeroizing::new([0; argon2::Params::DEFAULT_OUTPUT_LEN]);
    let done = hash_into(&params.argon2()?, password, DUMMY_SALT, out.as_mut());
    std::hint::black_box(&out);
    done.map(|()| Verdict::Wrong)
}
