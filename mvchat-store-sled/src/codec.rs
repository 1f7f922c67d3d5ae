//! How values are written: fields one after the other, without names.
//!
//! Counters are LEB128, times zigzag LEB128, ids 16 bytes, texts and bytes have their length before them, an
//! option has a byte 0 or 1 before it. Every value begins with the byte [`FORMAT`].

use crate::error::internal;
use bytes::Bytes;
use mvchat_core::proto::{ConvId, Epoch, Json, MsgId, Own, Position, Rev, Seq, SessionId, UserId};
use mvchat_core::seam::{StoreError, StoreResult};
use mvchat_core::time::Timestamp;
use uuid::Uuid;

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

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            // The mask leaves seven bits, which fit.
            self.byte((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    fn slice(&mut self, bytes: &[u8]) {
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

    pub(crate) fn byte(&mut self) -> Result<u8, Unreadable> {
        Ok(self.array::<1>()?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (array, rest) = self.rest.split_first_chunk::<N>().ok_or(Unreadable)?;
        self.rest = rest;
        Ok(*array)
    }

    fn varint(&mut self) -> Result<u64, Unreadable> {
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

    fn slice(&mut self) -> Result<&'a [u8], Unreadable> {
        let length = usize::try_from(self.varint()?).map_err(|_| Unreadable)?;
        let (slice, rest) = self.rest.split_at_checked(length).ok_or(Unreadable)?;
        self.rest = rest;
        Ok(slice)
    }
}

/// The value of a row that says everything with its key.
impl Field for () {
    fn put(&self, _: &mut Out) {}
    fn take(_: &mut In<'_>) -> Result<Self, Unreadable> {
        Ok(())
    }
}

impl Field for u64 {
    fn put(&self, out: &mut Out) {
        out.varint(*self);
    }
    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        input.varint()
    }
}

impl Field for u32 {
    fn put(&self, out: &mut Out) {
        out.varint(u64::from(*self));
    }
    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        input.varint()?.try_into().map_err(|_| Unreadable)
    }
}

impl Field for bool {
    fn put(&self, out: &mut Out) {
        out.byte(u8::from(*self));
    }
    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        match input.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Unreadable),
        }
    }
}

impl Field for Timestamp {
    fn put(&self, out: &mut Out) {
        let micros = self.as_micros();
        out.varint(((micros << 1) ^ (micros >> 63)).cast_unsigned());
    }
    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        let zigzag = input.varint()?;
        Ok(Self::from_micros((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed()))
    }
}

impl Field for Bytes {
    fn put(&self, out: &mut Out) {
        out.slice(self);
    }
    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        input.slice().map(Self::copy_from_slice)
    }
}

impl Field for String {
    fn put(&self, out: &mut Out) {
        out.slice(self.as_bytes());
    }
    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        Self::from_utf8(input.slice()?.to_vec()).map_err(|_| Unreadable)
    }
}

impl Field for Json {
    fn put(&self, out: &mut Out) {
        out.slice(self.as_str().as_bytes());
    }
    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        Self::parse(String::take(input)?).map_err(|_| Unreadable)
    }
}

impl<const N: usize> Field for [u8; N] {
    fn put(&self, out: &mut Out) {
        out.bytes.extend_from_slice(self);
    }
    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        input.array()
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, out: &mut Out) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        bool::take(input)?.then(|| T::take(input)).transpose()
    }
}

impl<T: Field> Field for Vec<T> {
    fn put(&self, out: &mut Out) {
        out.varint(self.len() as u64);
        self.iter().for_each(|item| item.put(out));
    }
    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        let length = input.varint()?;
        (0..length).map(|_| T::take(input)).collect()
    }
}

impl<A: Field, B: Field> Field for (A, B) {
    fn put(&self, out: &mut Out) {
        self.0.put(out);
        self.1.put(out);
    }
    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        Ok((A::take(input)?, B::take(input)?))
    }
}

macro_rules! ids {
    ($($id:ident)*) => {$(
        impl Field for $id {
            fn put(&self, out: &mut Out) { self.0.as_bytes().put(out); }
            fn take(input: &mut In<'_>) -> Result<Self, Unreadable> { input.array().map(Uuid::from_bytes).map(Self) }
        }
    )*};
}
ids! { UserId ConvId MsgId SessionId }

macro_rules! counters {
    ($($counter:ident)*) => {$(
        impl Field for $counter {
            fn put(&self, out: &mut Out) { out.varint(self.0); }
            fn take(input: &mut In<'_>) -> Result<Self, Unreadable> { input.varint().map(Self) }
        }
    )*};
}
counters! { Seq Rev Own Epoch Position }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(decode::<u64>(&encode(&number).unwrap()).unwrap(), number);
        }
        for micros in [0, 1, -1, 1_700_000_000_000_000, -62_167_219_200_000_000] {
            let at = Timestamp::from_micros(micros);
            assert_eq!(decode::<Timestamp>(&encode(&at).unwrap()).unwrap(), at);
        }
    }

    #[test]
    fn damage_is_an_error() {
        assert!(decode::<String>(&[]).is_err());
        assert!(decode::<String>(&[FORMAT, 5, b'a']).is_err());
        assert!(decode::<String>(&[FORMAT + 1, 1, b'a']).is_err());
        assert!(decode::<Vec<u64>>(&[FORMAT, 0xff, 0xff, 0xff, 0xff, 0x0f]).is_err());
        assert!(
            decode::<u64>(&[FORMAT, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).is_err()
        );
    }
}
