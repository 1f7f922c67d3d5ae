//! Reads JSON one object at a time, keeping the text of every value.
//!
//! Duplicate keys and U+0000 are refused, and of every value it is known where it stood, because content is stored as
//! it was sent.

use std::borrow::Cow;

use crate::wire::Reader;

use super::path::Path;
use super::value::{number, string};
use super::{Invalid, Rule};

/// How deep objects and arrays may be nested, the root being the first level.
const MAX_DEPTH: usize = 32;

/// One object of the format. Every member is either taken by its key or checked by [`Object::finish`].
pub(super) struct Object<'a, 'p> {
    json: &'a str,
    path: Path<'p>,
    depth: usize,
    members: Vec<Member<'a>>,
}

struct Member<'a> {
    key: Cow<'a, str>,
    value: &'a str,
    taken: bool,
}

impl<'a, 'p> Object<'a, 'p> {
    /// Reads the members of the object `json`, which lies at nesting level `depth`.
    pub(super) fn read(json: &'a str, path: Path<'p>, depth: usize) -> Result<Self, Invalid> {
        let object = Self::open(json, path, depth)?;
        object.check_keys()?;
        Ok(object)
    }

    /// Reads the members of an object whose keys may be anything.
    pub(super) fn open(json: &'a str, path: Path<'p>, depth: usize) -> Result<Self, Invalid> {
        if !json.starts_with('{') {
            return Err(path.invalid(Rule::WrongType));
        }
        let mut members = Vec::new();
        let mut reader = Reader::new(json);
        let read = reader.object(&mut |reader, key| {
            let value = reader.any();
            members.extend(value.map(|value| Member { key, value, taken: false }));
            value.is_some()
        });
        if !read || !reader.ends() {
            return Err(path.invalid(Rule::Malformed));
        }
        Ok(Self { json, path, depth, members })
    }

    /// Takes a member and converts it; `None` if it is absent or null.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        convert: impl FnOnce(&'a str) -> Result<T, Rule>,
    ) -> Result<Option<T>, Invalid> {
        self.take(key).map(convert).transpose().map_err(|rule| self.path.key(key).invalid(rule))
    }

    /// Takes a member that must be there and converts it.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        convert: impl FnOnce(&'a str) -> Result<T, Rule>,
    ) -> Result<T, Invalid> {
        self.optional(key, convert)?.ok_or_else(|| self.path.key(key).invalid(Rule::Missing))
    }

    /// Takes the text of a member's value; `None` if it is absent or null.
    pub(super) fn take(&mut self, key: &str) -> Option<&'a str> {
        let member = self.members.iter_mut().find(|member| member.key == key)?;
        member.taken = true;
        (member.value != "null").then_some(member.value)
    }

    /// Checks what the format doesn't know, so that no reader of the stored text can stumble over it.
    pub(super) fn finish(self) -> Result<(), Invalid> {
        let unknown = self.members.iter().filter(|member| !member.taken);
        for Member { key, value, .. } in unknown {
            check_value(value, self.depth).map_err(|rule| self.path.key(key).invalid(rule))?;
        }
        Ok(())
    }

    /// Returns the object's text without the members `keys`, everything else unchanged; `None` if none is there.
    pub(super) fn without(&self, keys: &[&str]) -> Option<String> {
        let dropped = |member: &Member<'_>| keys.contains(&member.key.as_ref());
        if !self.members.iter().any(dropped) {
            return None;
        }
        let mut kept = String::with_capacity(self.json.len());
        kept.push('{');
        // A member's text reaches from the end of the value before it, so it starts with its comma.
        let (mut from, mut is_first) = (1, true);
        for member in &self.members {
            let end = position(self.json, member.value) + member.value.len();
            let text = self.json.get(from..end).unwrap_or_default();
            from = end;
            if dropped(member) {
                continue;
            }
            kept.push_str(if is_first { text.trim_start().strip_prefix(',').unwrap_or(text) } else { text });
            is_first = false;
        }
        kept.push_str(self.json.get(from..).unwrap_or_default());
        Some(kept)
    }

    fn check_keys(&self) -> Result<(), Invalid> {
        if self.members.iter().any(|member| member.key.contains('\0')) {
            return Err(self.path.invalid(Rule::BadString));
        }
        // Sorted, because an object of a frame's size can have ten thousand members.
        let mut keys: Vec<&str> = self.members.iter().map(|member| member.key.as_ref()).collect();
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(self.path.key(pair[0]).invalid(Rule::DuplicateKey)),
            None => Ok(()),
        }
    }
}

/// Returns the texts of an array's items.
pub(super) fn items(json: &str) -> Result<Vec<&str>, Rule> {
    if !json.starts_with('[') {
        return Err(Rule::WrongType);
    }
    let mut items = Vec::new();
    let mut reader = Reader::new(json);
    let read = reader.array(&mut |reader| {
        let item = reader.any();
        items.extend(item);
        item.is_some()
    });
    if read && reader.ends() { Ok(items) } else { Err(Rule::Malformed) }
}

/// Checks a value whose syntax is known to be right: its depth, strings and numbers.
pub(super) fn check_value(json: &str, outer_depth: usize) -> Result<(), Rule> {
    let bytes = json.as_bytes();
    let (mut at, mut depth) = (0, outer_depth);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(Rule::TooDeep);
                }
                at += 1;
            }
            b'}' | b']' => {
                depth -= 1;
                at += 1;
            }
            b'"' => {
                let end = string_end(bytes, at);
                if bytes[at..end].contains(&b'\\') {
                    string(&json[at..end])?;
                }
                at = end;
            }
            b'-' | b'0'..=b'9' => {
                let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                let end = at + bytes[at..].iter().take_while(is_part).count();
                number(&json[at..end])?;
                at = end;
            }
            _ => at += 1,
        }
    }
    Ok(())
}

/// Returns the position behind the string that starts at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Returns where `part`, a slice of `whole`, starts in it.
pub(super) fn position(whole: &str, part: &str) -> usize {
    part.as_ptr() as usize - whole.as_ptr() as usize
}
