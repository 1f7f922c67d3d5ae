//! Whether what is stored fits together.

use crate::PgStore;
use crate::rows::get;
use mvchat_core::seam::StoreResult;
use uuid::Uuid;

/// Each finds conversations in which something is wrong, and says what.
pub(crate) const CHECKS: [(&str, &str); 5] = [
    (
        "messages have gaps",
        "select c.id from @.conversations c where c.last_seq <> (select count(*) from @.messages m \
         where m.conv = c.id and m.seq between 1 and c.last_seq)",
    ),
    (
        "changes have gaps",
        "select c.id from @.conversations c where c.rev + 1 <> (select count(*) from @.log l where l.conv = c.id \
         and l.rev between 0 and c.rev) + (select count(*) from @.messages m where m.conv = c.id \
         and m.born_rev between 1 and c.rev)",
    ),
    (
        "two changes have one number",
        "select m.conv from @.messages m join @.log l on l.conv = m.conv and l.rev = m.born_rev",
    ),
    (
        "the number of members is another",
        "select c.id from @.conversations c where c.active <> (select count(*) from @.members m \
         where m.conv = c.id and m.standing = 1)",
    ),
    (
        "marks are beyond the last message",
        "select m.conv from @.members m join @.conversations c on c.id = m.conv \
         where greatest(m.read_seq, m.recv_seq, m.clear_seq) > c.last_seq or m.read_seq > m.recv_seq",
    ),
];

impl PgStore {
    /// Looks for gaps and contradictions, and describes those that it finds; reads everything, which takes its time.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn verify(&self) -> StoreResult<Vec<String>> {
        let mut problems = Vec::new();
        for (what, check) in CHECKS {
            for row in self.read(|| sqlx::query(self.sql(check))).await? {
                let conv: Uuid = get(&row, 0)?;
                problems.push(format!("conversation {conv}: {what}"));
            }
        }
        Ok(problems)
    }
}
