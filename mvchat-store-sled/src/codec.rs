//! How values are written: fields one after the other, without names.
//!
//! Counters are LEB128, times zigzag LEB128, ids 16 bytes, texts and bytes have their length before them, an
//! option has a byte 0 or 1 before it. Every value begins with the byte [`FORMAT`].

use crate::error::internal;
use mvchat_core::seam::{StoreError, StoreResult};

/// The version of the values' format. The highest bit is the mark of a value in several pieces.
pub(crate) const FORMAT: u8 = 1;

/// Something that can stand in a value.
pub(crate) trait Field: Sized {
    fn put(&self, out: &mut Out);
    fn take(input: &mut In<'_>) -> Result<Self, Unreadable>;
}

/// Writes a value with its format byte.
pub(crate) fn encode(row: &impl Field) -> StoreResult<Vec<u8>> {
    let mut out = Out { bytes: vec![FORMAT], unknown: false };
    row.put(&mut out);
    if out.unknown {
        Err(internal("a value is of a kind that this store does not know"))
    } else {
        Ok(out.bytes)
    }
}

/// Reads a value that [`encode`] wrote.
pub(crate) fn decode<R: Field>(bytes: &[u8]) -> StoreResult<R> {
    let Some((&FORMAT, rest)) = bytes.split_first() else { return Err(Unreadable.into()) };
    let mut input = In { rest };
    Ok(R::take(&mut input)?)
}

/// A value that was not written by this format: a defect, or a damaged file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unreadable;

impl From<Unreadable> for StoreError {
    fn from(_: Unreadable) -> Self {
        internal("a stored value can't be read")
    }
}

/// A value that is written.
pub(crate) struct Out {
    bytes: Vec<u8>,
    /// Something in it has no form in this format.
    unknown: bool,
}

impl Out {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Writes the tag of a variant; `None` stands for one that a newer core has and this format has not.
    pub(crate) fn tag(&mut self, tag: Option<u8>) {
        self.unknown |= tag.is_none();
        self.byte(tag.unwrap_or(u8::MAX));
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            // The mask leaves seven bits, which fit.
            self.byte((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    pub(crate) fn slice(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }
}

/// A value that is read.
pub(crate) struct In<'a> {
    rest: &'a [u8],
}

impl<'a> In<'a> {
    pub(crate) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads a field that rows of earlier versions end before.
    pub(crate) fn later<T: Field + Default>(&mut self) -> Result<T, Unreadable> {
        if self.is_empty() { Ok(T::default()) } else { T::take(self) }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Unreadable> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (array, rest) = self.rest.split_first_chunk::<N>().ok_or(Unreadable)?;
        self.rest = rest;
        Ok(*array)
    }

    pub(crate) fn varint(&mut self) -> Result<u64, Unreadable> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Unreadable)
    }

    pub(crate) fn slice(&mut self) -> Result<&'a [u8], Unreadable> {
        let length = usize::try_from(self.varint()?).map_err(|_| Unreadable)?;
        let (slice, rest) = self.rest.split_at_checked(length).ok_or(Unreadable)?;
        self.rest = rest;
        Ok(slice)
    }
}
