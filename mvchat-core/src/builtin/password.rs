//! Password hashes: Argon2id (RFC 9106) as PHC strings, a bounded number at a time.

mod params;
mod threads;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::{Algorithm, Argon2, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

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
    /// The stored hash is not one of Argon2id with bearable parameters.
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

    /// Checks a password against a stored PHC string. Without one it takes as long as with one made of the present
    /// parameters, and the answer is `Wrong`; so the time does not tell whether a user exists.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`, `Failed`.
    pub async fn verify(
        &self,
        password: impl Into<Zeroizing<String>>,
        phc: Option<&str>,
    ) -> Result<Verdict, PasswordError> {
        let (password, phc, params) = (password.into(), phc.map(str::to_owned), self.params);
        self.run(move || match phc {
            Some(phc) => verify(params, password.as_bytes(), &phc),
            None => verify_nobody(params, password.as_bytes()),
        })
        .await
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

fn verify(params: PasswordParams, password: &[u8], phc: &str) -> Result<Verdict, PasswordError> {
    let hash = PasswordHash::new(phc).map_err(|_| PasswordError::Corrupt)?;
    let stored = PasswordParams::of(&hash)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, argon2::Params::DEFAULT);
    match argon2.verify_password(password, &hash) {
        Ok(()) => Ok(Verdict::Ok { rehash: stored != params }),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
        Err(_) => Err(PasswordError::Failed),
    }
}

fn verify_nobody(params: PasswordParams, password: &[u8]) -> Result<Verdict, PasswordError> {
    let mut out = Zeroizing::new([0; argon2::Params::DEFAULT_OUTPUT_LEN]);
    let done = params.argon2()?.hash_password_into(password, DUMMY_SALT, out.as_mut());
    std::hint::black_box(&out);
    done.map(|()| Verdict::Wrong).map_err(|_| PasswordError::Failed)
}
