//! A reading of the whole database.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use mvchat_core::{
    Keys,
    proto::Position,
    seam::{Dump, DumpPage, Item, Part, StoreError, StoreErrorKind, StoreResult, fold},
};
use serde::de::DeserializeOwned;
use sqlx::{Connection, Executor, PgConnection, Row};
use uuid::Uuid;

use super::{
    content::ContentKey,
    rows::{Auth, User},
};

/// The database of an mvChat2 server, read in one transaction.
pub(crate) struct Mvchat2 {
    pub(super) connection: PgConnection,
    pub(super) content: ContentKey,
    /// With which what is read is sealed; without it, it is only looked at.
    pub(super) keys: Option<Keys>,
    /// All users.
    pub(super) users: HashSet<Uuid>,
    /// The first row that has a name, and the first user who has an address.
    pub(super) names: HashMap<String, Uuid>,
    pub(super) emails: HashMap<String, Uuid>,
    /// Those that are brought along, by id.
    pub(super) rooms: Vec<Plan>,
    pub(super) places: HashMap<Uuid, usize>,
    pub(super) counts: BTreeMap<Part, u64>,
    /// What was left out or changed, and how often.
    pub(super) remarks: BTreeMap<&'static str, u64>,
    identity: String,
    position: Position,
}

/// A conversation that is brought along.
pub(super) struct Plan {
    pub(super) id: Uuid,
    pub(super) last_seq: u64,
    pub(super) no_screenshots: bool,
    /// The place of its creation; that of a message is as far behind as its number says, and that of its settings behind
    /// the last one.
    pub(super) base: u64,
}

/// Tables that came later.
const MAYBE: [(&str, &str); 6] = [
    ("message_deletions", "message_id uuid, user_id uuid"),
    ("message_reads", "message_id uuid, user_id uuid, expires_at timestamptz, expired boolean"),
    ("contacts", "user_id uuid, contact_id uuid, source text, nickname text, created_at timestamptz"),
    ("invite_codes", "id uuid"),
    ("files", "id uuid"),
    ("file_metadata", "file_id uuid"),
];
const IDENTITY: &str = "select current_database(), (select min(created_at)::text from users)";

impl Mvchat2 {
    /// Connects, and looks at everything once: what there is, and what can't be brought along.
    ///
    /// # Errors
    /// If the database can't be read, or is none of mvChat2.
    pub(crate) async fn open(url: &str, content: ContentKey) -> Result<Self, String> {
        let said = |error: sqlx::Error| match error {
            // The address may hold a password.
            sqlx::Error::Configuration(_) => {
                "the address is malformed: postgres://user:password@host/database".to_owned()
            }
            error => format!("cannot read the database of mvChat2: {error}"),
        };
        let mut connection = PgConnection::connect(url).await.map_err(said)?;
        connection.execute("set timezone = 'UTC'; set statement_timeout = 0").await.map_err(said)?;
        for (table, columns) in MAYBE {
            // Older versions do not have all tables; one that is only this connection's stands for what is not there.
            let text = format!("select to_regclass('{table}') is null");
            if connection
                .fetch_one(sqlx::AssertSqlSafe(text))
                .await
                .map_err(said)?
                .try_get(0)
                .map_err(said)?
            {
                let text = format!("create temporary table {table} ({columns})");
                connection.execute(sqlx::AssertSqlSafe(text)).await.map_err(said)?;
            }
        }
        connection.execute("begin isolation level repeatable read read only").await.map_err(said)?;
        let row = connection.fetch_one(IDENTITY).await.map_err(said)?;
        let (name, first): (String, Option<String>) =
            (row.try_get(0).map_err(said)?, row.try_get(1).map_err(said)?);
        let mut source = Self {
            connection,
            content,
            keys: None,
            users: HashSet::new(),
            names: HashMap::new(),
            emails: HashMap::new(),
            rooms: Vec::new(),
            places: HashMap::new(),
            counts: BTreeMap::new(),
            remarks: BTreeMap::new(),
            identity: format!("mvchat2:{name}:{}", first.unwrap_or_default()),
            position: Position(0),
        };
        source.look().await.map_err(|error| format!("cannot read the database of mvChat2: {error}"))?;
        Ok(source)
    }

    /// Returns by which name the database is known again.
    pub(crate) fn identity(&self) -> String {
        self.identity.clone()
    }

    /// Returns all users.
    pub(crate) fn users(&self) -> &HashSet<Uuid> {
        &self.users
    }

    /// Returns what was left out or changed, and how often, as it was found when the database was opened.
    pub(crate) fn remarks(&self) -> &BTreeMap<&'static str, u64> {
        &self.remarks
    }

    /// Seals from now on what is read.
    pub(crate) fn seal_with(&mut self, keys: Keys) {
        self.keys = Some(keys);
    }

    /// Notes that something was left out or changed. Only the first look counts.
    pub(super) fn remark(&mut self, what: &'static str) {
        if self.keys.is_none() {
            *self.remarks.entry(what).or_default() += 1;
        }
    }

    async fn look(&mut self) -> StoreResult<()> {
        let users = "select to_jsonb(t)::text from users t order by t.created_at, t.id";
        for user in self.rows::<User>(users, &[]).await? {
            self.users.insert(user.id);
            if let Some(email) = user.email {
                self.emails.entry(email.trim().to_lowercase()).or_insert(user.id);
            }
        }
        let names = "select to_jsonb(t)::text from auth t order by t.created_at, t.id";
        for auth in self.rows::<Auth>(names, &[]).await? {
            if auth.scheme.as_deref() == Some("basic")
                && let Some(name) = auth.uname
            {
                self.names.entry(fold(&name)).or_insert(auth.id);
            }
        }
        self.plan().await?;
        self.position = Position(self.rooms.last().map_or(0, |last| last.base + last.last_seq + 1));
        for part in Part::ALL {
            let (mut after, mut count) = (None, 0);
            loop {
                let page = self.page(part, after, 500).await?;
                count += page.items.len() as u64;
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            self.counts.insert(part, count);
        }
        Ok(())
    }

    /// Runs a statement that answers with JSON; `$1` and so on are texts.
    pub(super) async fn rows<T: DeserializeOwned>(
        &mut self,
        statement: &str,
        binds: &[&str],
    ) -> StoreResult<Vec<T>> {
        // Every statement is of this program.
        let mut query = sqlx::query(sqlx::AssertSqlSafe(statement.to_owned()));
        for bind in binds {
            query = query.bind((*bind).to_owned());
        }
        let rows = query.fetch_all(&mut self.connection).await.map_err(lost)?;
        rows.iter()
            .map(|row| serde_json::from_str(row.try_get(0).map_err(lost)?).map_err(|error| broken(&error)))
            .collect()
    }
}

pub(super) fn lost(error: sqlx::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, error)
}

pub(super) fn broken(error: &dyn std::error::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Internal, error.to_string())
}

#[async_trait]
impl Dump for Mvchat2 {
    fn position(&self) -> Position {
        self.position
    }

    async fn count(&mut self, part: Part) -> StoreResult<u64> {
        Ok(self.counts.get(&part).copied().unwrap_or(0))
    }

    async fn page(&mut self, part: Part, after: Option<String>, limit: usize) -> StoreResult<DumpPage> {
        match part {
            Part::Users => self.users_page(after, limit).await,
            Part::Credentials => self.names_page(after, limit).await,
            Part::Contacts => self.contacts_page(after, limit).await,
            Part::Invites => self.invites_page(after, limit).await,
            Part::Files => self.files_page(after, limit).await,
            Part::Conversations => self.rooms_page(after, limit).await,
            Part::Log | Part::Messages => self.messages_page(part, after, limit).await,
            Part::Hidden | Part::Due | Part::Partly => self.sights_page(part, after, limit).await,
            // Tokens say nothing here.
            _ => Ok(DumpPage::default()),
        }
    }
}

/// Makes a page of the items of so many rows as were asked for, or fewer at the end.
pub(super) fn paged(items: Vec<Item>, rows: usize, limit: usize, last: Option<String>) -> DumpPage {
    DumpPage { items, next: last.filter(|_| rows >= limit) }
}
