//! The memory that a hash works in.

use super::PasswordError;
use argon2::{Argon2, Block};
use std::cell::RefCell;

/// The most memory that a thread keeps for its next hash, in KiB.
const KEPT: usize = 64 * 1024;

thread_local! {
    static BLOCKS: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// Hashes a password, in memory that the thread keeps: taken anew for each hash, it would come back to the system late
/// or never. Nothing of the password stays in it.
///
/// # Errors
/// `Failed`.
pub(super) fn hash_into(
    argon2: &Argon2<'_>,
    password: &[u8],
    salt: &[u8],
    out: &mut [u8],
) -> Result<(), PasswordError> {
    let count = argon2.params().block_count();
    BLOCKS.with_borrow_mut(|kept| {
        if kept.len() < count {
            // Given back first, so that there are never two.
            *kept = Vec::new();
            kept.try_reserve_exact(count).map_err(|_| PasswordError::Failed)?;
            kept.resize(count, Block::new());
        }
        let blocks = kept.get_mut(..count).ok_or(PasswordError::Failed)?;
        let done = argon2.hash_password_into_with_memory(password, salt, out, &mut *blocks);
        blocks.fill(Block::new());
        if kept.len() > KEPT {
            *kept = Vec::new();
        }
        done.map_err(|_| PasswordError::Failed)
    })
}
