//! How single values are written: numbers, texts, ids, and what is made of them.

use crate::codec::{Field, In, Out, Unreadable};
use bytes::Bytes;
use mvchat_core::proto::{
    ConvId, Epoch, FileId, InviteId, Json, MsgId, Own, Position, Rev, Seq, SessionId, UserId,
};
use mvchat_core::time::Timestamp;
use uuid::Uuid;

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
        out.raw(self);
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
ids! { UserId ConvId MsgId SessionId InviteId FileId }

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
    use crate::codec::{FORMAT, decode, encode};
    use mvchat_core::time::Timestamp;

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
