//! The environment variables, read once.

use std::{collections::BTreeMap, ffi::OsString};

/// A snapshot of the environment, so that loading is a function of its arguments.
///
/// It has no `Debug`: variables often hold secrets.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl Environment {
    /// Takes the variables of this process; those whose name is not UTF-8 cannot be referred to and are left out.
    pub fn of_process() -> Self {
        let named = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self { variables: named.collect() }
    }

    /// Looks a variable up.
    ///
    /// # Errors
    /// A sentence naming the variable if its value is not UTF-8.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, String> {
        match self.variables.get(name) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some(text) => Ok(Some(text)),
                None => Err(format!("the environment variable {name} is not valid UTF-8")),
            },
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self { variables: pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect() }
    }
}
