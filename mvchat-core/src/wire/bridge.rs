//! The way from `serde` to the reader and the writer.

use super::{Read, Write};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Hands a value over as JSON text.
///
/// # Errors
/// Those of the serializer.
#[doc(hidden)]
pub fn serialize<S: Serializer>(value: &dyn Write, serializer: S) -> Result<S::Ok, S::Error> {
    let text = super::write(value);
    let raw: &RawValue = serde_json::from_str(&text).map_err(serde::ser::Error::custom)?;
    raw.serialize(serializer)
}

/// Takes a value as JSON text.
///
/// # Errors
/// Those of the deserializer, or if the value is not of this type.
#[doc(hidden)]
pub fn deserialize<'de, T: Read, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    super::read(raw.get()).map_err(D::Error::custom)
}
