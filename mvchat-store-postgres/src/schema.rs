//! The schema's name, and what its tables look like by now.

use crate::error::internal;
use mvchat_core::seam::StoreResult;
use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// A schema of the database, by whose name every statement is completed.
pub(crate) struct Schema {
    pub(crate) name: String,
    /// Statements with the schema's name in them.
    texts: RwLock<HashMap<&'static str, Arc<str>>>,
}

impl Schema {
    /// Takes a name of at most 40 lower-case letters, digits and underscores that begins with a letter.
    pub(crate) fn new(name: &str) -> StoreResult<Self> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
        if !starts || name.len() > 40 || !name.chars().all(plain) || name.starts_with("pg_") {
            return Err(internal(
                "a schema's name has at most 40 lower-case letters, digits and underscores and begins with a letter",
            ));
        }
        Ok(Self { name: name.to_owned(), texts: RwLock::default() })
    }

    /// Puts the schema's name in the place of every `@.`.
    pub(crate) fn sql(&self, text: &'static str) -> SqlStr {
        // The name has no character that needs quoting.
        AssertSqlSafe(self.text(text)).into_sql_str()
    }

    fn text(&self, text: &'static str) -> Arc<str> {
        if let Some(known) = self.texts.read().get(text) {
            return Arc::clone(known);
        }
        debug_assert!(crate::statements::is_known(text), "a statement that no test prepares: {text}");
        let named: Arc<str> = self.named(text).into();
        Arc::clone(self.texts.write().entry(text).or_insert(named))
    }

    /// Like [`Schema::sql`], for a text that is used once.
    pub(crate) fn named(&self, text: &str) -> String {
        text.replace("@.", &format!("{}.", self.name))
    }
}

/// How far a schema is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaStatus {
    /// The schema's name.
    pub schema: String,
    /// The version that its tables have; 0 if there are none.
    pub version: i32,
    /// The version that this program needs.
    pub needed: i32,
}

impl SchemaStatus {
    pub(crate) fn new(schema: &str, version: i32, needed: i32) -> Self {
        Self { schema: schema.to_owned(), version, needed }
    }
}

#[cfg(test)]
mod tests {
    use super::Schema;

    #[test]
    fn names_need_no_quotes() {
        for name in ["mvchat", "a", "chat_2"] {
            assert_eq!(
                Schema::new(name).unwrap().named("select @.f(x) from @.t"),
                format!("select {name}.f(x) from {name}.t")
            );
        }
        for name in ["", "Mvchat", "2chat", "a b", "a\"", "a;", "pg_x", "é", &"a".repeat(41)] {
            assert!(Schema::new(name).is_err(), "{name}");
        }
    }
}
