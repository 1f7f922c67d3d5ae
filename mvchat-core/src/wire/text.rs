//! Strings as they are written in JSON.

use std::borrow::Cow;

/// Returns the length of a string's inside, `text` beginning behind the first quote; `None` if it does not end, or
/// holds a control character or an escape that there is not.
pub(super) fn length(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text.get(at..)?.iter().position(special)?;
        match text.get(at)? {
            b'"' => return Some(at),
            b'\\' => {
                at += 1;
                match text.get(at)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => {
                        unit(text.get(at + 1..)?)?;
                        at += 4;
                    }
                    _ => return None,
                }
            }
            _ => return None,
        }
        at += 1;
    }
}

/// Whether a byte does not stand for itself in a string.
fn special(byte: &u8) -> bool {
    *byte < 0x20 || matches!(byte, b'"' | b'\\')
}

/// Returns what the inside of a string stands for; `None` if it holds half of a surrogate pair.
pub(super) fn unquote(inside: &str) -> Option<Cow<'_, str>> {
    let mut parts = inside.split('\\');
    let first = parts.next()?;
    if first.len() == inside.len() {
        return Some(Cow::Borrowed(inside));
    }
    let mut out = String::with_capacity(inside.len());
    out.push_str(first);
    while let Some(part) = parts.next() {
        // A part begins with the letter of its escape; an empty one lies between two backslashes.
        let Some(letter) = part.as_bytes().first() else {
            out.push('\\');
            out.push_str(parts.next()?);
            continue;
        };
        let (char, length) = match letter {
            b'b' => ('\u{8}', 1),
            b'f' => ('\u{c}', 1),
            b'n' => ('\n', 1),
            b'r' => ('\r', 1),
            b't' => ('\t', 1),
            b'u' => {
                let high = unit(part.as_bytes().get(1..)?)?;
                let pair = (0xd800..0xdc00).contains(&high);
                match char::from_u32(high) {
                    Some(char) => (char, 5),
                    None if pair && part.len() == 5 => {
                        let low = parts.next()?;
                        let half = unit(low.strip_prefix('u')?.as_bytes())?.checked_sub(0xdc00)?;
                        let pair = (half < 0x400).then_some(0x10000 + ((high - 0xd800) << 10) + half)?;
                        out.push(char::from_u32(pair)?);
                        out.push_str(low.get(5..)?);
                        continue;
                    }
                    None => return None,
                }
            }
            other => (char::from(*other), 1),
        };
        out.push(char);
        out.push_str(part.get(length..)?);
    }
    Some(Cow::Owned(out))
}

/// Reads four hexadecimal digits.
fn unit(text: &[u8]) -> Option<u32> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    text.get(..4)?.iter().try_fold(0, |unit, byte| Some(unit << 4 | digit(byte)?))
}

/// Writes a string with its quotes.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.as_bytes().iter().position(special) {
        let Some((plain, escaped)) = rest.split_at_checked(at) else { break };
        out.push_str(plain);
        let byte = escaped.bytes().next().unwrap_or_default();
        out.push('\\');
        let letter = match byte {
            8 => 'b',
            9 => 't',
            10 => 'n',
            12 => 'f',
            13 => 'r',
            b'"' | b'\\' => char::from(byte),
            _ => {
                out.push_str(if byte < 16 { "u000" } else { "u001" });
                char::from_digit(u32::from(byte & 15), 16).unwrap_or('0')
            }
        };
        out.push(letter);
        rest = escaped.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
    out.push('"');
}
