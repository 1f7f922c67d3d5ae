//! How values are read.

use super::reader::{Bad, Reader};

/// A value that can be read in place.
pub trait Read {
    /// Makes a value to read into.
    fn blank() -> Self
    where
        Self: Sized;

    /// Whether a member of this type may be missing; it is then as [`blank`](Read::blank) makes it.
    fn is_optional(&self) -> bool {
        false
    }

    /// Reads the next value. Returns `false` if it is another kind of value; then `self` may hold half of it.
    fn read(&mut self, reader: &mut Reader<'_>) -> bool;
}

/// Reads a text that is exactly one value.
///
/// # Errors
/// If it is no JSON, or not of this type.
pub fn read<T: Read>(text: &str) -> Result<T, Bad> {
    let mut value = T::blank();
    read_into(text, &mut value).map(|()| value)
}

/// Reads a text that is exactly one value into a place that is blank.
///
/// # Errors
/// If it is no JSON, or not of the place's type.
pub fn read_into(text: &str, value: &mut dyn Read) -> Result<(), Bad> {
    let mut reader = Reader::new(text);
    if value.read(&mut reader) && reader.ends() { Ok(()) } else { Err(reader.bad()) }
}

/// Reads a value into one variant of an enum.
#[doc(hidden)]
pub fn read_variant<T: Read, E>(
    reader: &mut Reader<'_>,
    place: &mut E,
    variant: impl FnOnce(T) -> E,
) -> bool {
    let mut value = T::blank();
    let read = value.read(reader);
    *place = variant(value);
    read
}

impl Read for bool {
    fn blank() -> Self {
        false
    }
    fn read(&mut self, reader: &mut Reader<'_>) -> bool {
        reader.boolean().map(|value| *self = value).is_some()
    }
}

macro_rules! integers {
    ($($type:ty: $most:expr),*) => {$(
        impl Read for $type {
            fn blank() -> Self {
                0
            }
            fn read(&mut self, reader: &mut Reader<'_>) -> bool {
                // What does not fit was refused by the bounds.
                reader.integer(0, $most).map(|value| *self = value as $type).is_some()
            }
        }
    )*};
}

integers!(u16: 0xffff, u32: 0xffff_ffff, u64: i64::MAX, usize: 0xffff_ffff);

impl Read for String {
    fn blank() -> Self {
        Self::new()
    }
    fn read(&mut self, reader: &mut Reader<'_>) -> bool {
        reader.string().map(|value| *self = value.into_owned()).is_some()
    }
}

impl<T: Read> Read for Option<T> {
    fn blank() -> Self {
        None
    }
    fn is_optional(&self) -> bool {
        true
    }
    fn read(&mut self, reader: &mut Reader<'_>) -> bool {
        *self = None;
        let present = std::mem::take(&mut reader.present);
        (!present && reader.null()) || self.insert(T::blank()).read(reader)
    }
}

impl<T: Read> Read for Box<T> {
    fn blank() -> Self {
        Self::new(T::blank())
    }
    fn read(&mut self, reader: &mut Reader<'_>) -> bool {
        self.as_mut().read(reader)
    }
}

impl<T: Read> Read for Vec<T> {
    fn blank() -> Self {
        Self::new()
    }
    fn read(&mut self, reader: &mut Reader<'_>) -> bool {
        self.clear();
        reader.array(&mut |reader| {
            self.push(T::blank());
            self.last_mut().is_some_and(|last| last.read(reader))
        })
    }
}
