//! Types that are JSON objects, and types that are words.

use super::read::Read;
use super::reader::Reader;
use super::write::{Members, Write};

/// One member of a record.
#[doc(hidden)]
#[derive(Debug)]
pub struct Field {
    /// What it is called on the wire.
    pub name: &'static str,
    /// [`ALONE`], [`SKIP`] and [`PRESENT`].
    pub flags: u8,
}

/// The member may be missing.
#[doc(hidden)]
pub const ALONE: u8 = 1;
/// The member is not written when it is absent.
#[doc(hidden)]
pub const SKIP: u8 = 2;
/// `null` is a value of this member and not the same as its absence.
#[doc(hidden)]
pub const PRESENT: u8 = 4;

/// Finds a member by its name.
#[doc(hidden)]
pub fn find(fields: &[Field], name: &str) -> Option<usize> {
    fields.iter().position(|field| field.name == name)
}

/// Reads an object into the slots of its members, which stand in the order of `fields`: at most 64.
#[doc(hidden)]
pub fn read_record(reader: &mut Reader<'_>, fields: &[Field], slots: &mut [&mut dyn Read]) -> bool {
    let mut seen = 0_u64;
    let read = reader.object(&mut |reader, key| {
        let Some(at) = find(fields, &key) else { return reader.any().is_some() };
        let (Some(field), Some(slot)) = (fields.get(at), slots.get_mut(at)) else { return false };
        if seen & 1 << at != 0 {
            return reader.fail("a member stands twice");
        }
        seen |= 1 << at;
        reader.present = field.flags & PRESENT != 0;
        slot.read(reader)
    });
    let mut members = fields.iter().zip(slots).enumerate();
    let complete = members
        .all(|(at, (field, slot))| seen & 1 << at != 0 || field.flags & ALONE != 0 || slot.is_optional());
    read && (complete || reader.fail("a member is missing"))
}

/// Writes the members of a record.
#[doc(hidden)]
pub fn write_record(out: &mut String, fields: &[Field], values: &[&dyn Write]) {
    let mut members = Members::new(out);
    for (field, value) in fields.iter().zip(values) {
        if field.flags & SKIP == 0 || !value.is_absent() {
            members.put(field.name, value);
        }
    }
    members.end();
}

/// Declares structs that are JSON objects: members are named like their fields, in camel case.
///
/// A member may be missing when its type is an [`Option`]. Attributes say more, in the words of `serde`:
/// `skip_serializing_if = "absent", default` leaves an absent member out, `rename` gives another name,
/// `deserialize_with = "present"` keeps `null` apart from nothing, and `serialize_with = "inner", deserialize_with =
/// "some_option"` does so for an option in an option.
#[macro_export]
macro_rules! record {
    // What is missing is as the type's `Default` says.
    (default:
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[doc = $field_doc:expr])* $field_vis:vis $field:ident : $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        $vis struct $name { $($(#[doc = $field_doc])* $field_vis $field: $type,)* }
        $crate::record!(@impl $name, Self::default(), $($field, $type, (default);)*);
    };
    ($(
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $field_doc:expr])*
                $(#[serde($($attr:tt)*)])?
                $field_vis:vis $field:ident : $type:ty,
            )*
        }
    )*) => {$(
        $(#[$meta])*
        $vis struct $name { $($(#[doc = $field_doc])* $field_vis $field: $type,)* }

        $crate::record!(
            @impl $name, Self { $($field: $crate::wire::Read::blank(),)* }, $($field, $type, ($($($attr)*)?);)*
        );
    )*};

    (@impl $name:ident, $blank:expr, $($field:ident, $type:ty, ($($attr:tt)*);)*) => {
        impl $name {
            const FIELDS: &'static [$crate::wire::Field] =
                &[$($crate::record!(@field $field, $type, ($($attr)*)),)*];
        }

        const _: () = assert!($name::FIELDS.len() <= 64, "a record has at most 64 members");

        impl $crate::wire::Read for $name {
            fn blank() -> Self {
                $blank
            }
            fn read(&mut self, reader: &mut $crate::wire::Reader<'_>) -> bool {
                $crate::wire::read_record(reader, Self::FIELDS, &mut [$(&mut self.$field,)*])
            }
        }

        impl $crate::wire::Write for $name {
            fn write(&self, out: &mut String) {
                $crate::wire::write_record(out, Self::FIELDS, &[$(&self.$field,)*]);
            }
        }

        $crate::bridge!($name);
    };

    (@field $field:ident, $type:ty, (@request rename = $name:literal)) => {
        $crate::wire::Field { name: $name, flags: $crate::wire::ALONE | $crate::wire::SKIP }
    };
    (@field $field:ident, $type:ty, (rename = $name:literal $(, $($attr:tt)*)?)) => {
        $crate::wire::Field { name: $name, flags: $crate::record!(@flags $type, ($($($attr)*)?)) }
    };
    (@field $field:ident, $type:ty, ($($attr:tt)*)) => {
        $crate::wire::Field {
            name: {
                const NAME: [u8; $crate::wire::camel_len(stringify!($field))] =
                    $crate::wire::camel(stringify!($field));
                $crate::wire::name(&NAME)
            },
            flags: $crate::record!(@flags $type, ($($attr)*)),
        }
    };

    (@flags $type:ty, ()) => { 0 };
    (@flags $type:ty, (@request)) => { $crate::wire::ALONE | $crate::wire::SKIP };
    (@flags $type:ty, (@request deserialize_with = $present:literal)) => {
        $crate::wire::ALONE | $crate::wire::SKIP | $crate::wire::PRESENT
    };
    (@flags $type:ty, (default)) => { $crate::wire::ALONE };
    (@flags $type:ty, (deserialize_with = "present")) => { $crate::wire::ALONE | $crate::wire::PRESENT };
    (@flags $type:ty, (skip_serializing_if = $absent:literal, default)) => {
        $crate::wire::ALONE | $crate::wire::SKIP
    };
    (@flags $type:ty, (skip_serializing_if = $absent:literal, deserialize_with = "present", default)) => {
        $crate::wire::ALONE | $crate::wire::SKIP | $crate::wire::PRESENT
    };
    (@flags $type:ty, (
        skip_serializing_if = $absent:literal, serialize_with = "inner", deserialize_with = "some_option", default
    )) => {
        $crate::wire::ALONE | $crate::wire::SKIP | $crate::wire::PRESENT
    };
}

/// Declares enums that are words on the wire, in lower case or as they say with `=`. With `else` an unknown word is a
/// variant of its own, otherwise it is refused.
#[macro_export]
macro_rules! words {
    ($(
        $(#[$meta:meta])*
        $vis:vis enum $name:ident
        $(else $(#[$other_meta:meta])* $other:ident = $other_word:literal,)?
        {
            $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)*
        }
    )*) => {$(
        $(#[$meta])*
        $vis enum $name {
            $($(#[$variant_meta])* $variant,)*
            $($(#[$other_meta])* $other,)?
        }

        impl $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant),)*];

            /// Returns what a word stands for, if it is known.
            fn of(word: &str) -> Option<Self> {
                Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
            }
        }

        impl $crate::wire::Read for $name {
            fn blank() -> Self {
                // Any value: it is read into.
                Self::WORDS[0].1
            }
            fn read(&mut self, reader: &mut $crate::wire::Reader<'_>) -> bool {
                let Some(word) = reader.string() else { return false };
                match Self::of(&word) $(.or(Some(Self::$other)))? {
                    Some(value) => *self = value,
                    None => return reader.fail("an unknown word"),
                }
                true
            }
        }

        impl $crate::wire::Write for $name {
            fn write(&self, out: &mut String) {
                let word = match self {
                    $(Self::$variant => $word,)*
                    $(Self::$other => $other_word,)?
                };
                $crate::wire::Write::write(word, out);
            }
        }

        $crate::bridge!($name);
    )*};
}

/// Makes types known to `serde`, by way of their own reader and writer.
#[doc(hidden)]
#[macro_export]
macro_rules! bridge {
    (write $($name:ty),*) => {$(
        impl $crate::wire::serde::Serialize for $name {
            fn serialize<S: $crate::wire::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::wire::serialize(self, serializer)
            }
        }
    )*};
    ($($name:ty),*) => {$(
        $crate::bridge!(write $name);

        impl<'de> $crate::wire::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::wire::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                $crate::wire::deserialize(deserializer)
            }
        }
    )*};
}
