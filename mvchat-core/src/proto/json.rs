//! JSON that is passed on as it came.

use crate::wire::{Bad, Read, Reader, Write};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// One JSON value in the spelling of its author; cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// Reads one JSON value.
    ///
    /// # Errors
    /// If the text is not exactly one JSON value.
    pub fn parse(text: impl AsRef<str>) -> Result<Self, Bad> {
        crate::wire::read(text.as_ref())
    }

    /// Writes a value as JSON; `null` if it can't be written.
    pub fn from_value(value: &impl Serialize) -> Self {
        serde_json::to_string(value).map_or_else(|_| Self::null(), |text| Self(text.into()))
    }

    /// Writes a value of the protocol as JSON.
    pub fn of(value: &dyn Write) -> Self {
        Self(crate::wire::write(value).into())
    }

    /// Returns the value `null`.
    pub fn null() -> Self {
        Self("null".into())
    }

    /// Reads the value as a type; `None` if it is another one.
    pub fn read<T: Read>(&self) -> Option<T> {
        crate::wire::read(self.as_str()).ok()
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the value is `null`.
    pub fn is_null(&self) -> bool {
        self.as_str() == "null"
    }
}

impl fmt::Debug for Json {
    /// Shows the size only: values may hold what people wrote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.as_str().len())
    }
}

impl Read for Json {
    fn blank() -> Self {
        Self::null()
    }
    fn read(&mut self, reader: &mut Reader<'_>) -> bool {
        reader.any().map(|text| self.0 = text.into()).is_some()
    }
}

impl Write for Json {
    fn write(&self, out: &mut String) {
        out.push_str(self.as_str());
    }
}

crate::bridge!(Json);
