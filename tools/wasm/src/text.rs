//! Bytes as text that compresses on the wire almost as well as the bytes themselves.
//!
//! Base64 hides from a compressor where bytes begin, and what is compressed already can't be compressed better by the
//! server that sends it. Here a common byte is one letter and a rare one is two, always the same, so that what repeats
//! in the bytes repeats in the text. All letters are ASCII that means nothing in a string, in HTML or in an address.
//!
//! `mvchat-client-wasm/js/unpack.js` turns the text back.

/// The first and the last letter.
const LETTERS: std::ops::RangeInclusive<u8> = b'#'..=b'~';
/// What means something in a script or in HTML.
const OTHERS: [u8; 2] = [b'<', b'\\'];
/// How many letters say that a rare byte follows.
const PREFIXES: usize = 2;

/// Bytes as text.
pub(crate) struct Text {
    /// The bytes that are one letter, in order.
    pub(crate) common: Vec<u8>,
    /// The text.
    pub(crate) text: String,
}

/// Writes bytes as text.
pub(crate) fn text(bytes: &[u8]) -> Text {
    let letters: Vec<u8> = LETTERS.filter(|letter| !OTHERS.contains(letter)).collect();
    let mut counts = [0_usize; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let mut order: Vec<u8> = (0..=255).collect();
    order.sort_by_key(|byte| std::cmp::Reverse(counts[usize::from(*byte)]));
    // In their own order, because neighbouring bytes are used alike and compressors know that of letters.
    let (common, rare) = order.split_at_mut(letters.len() - PREFIXES);
    common.sort_unstable();
    rare.sort_unstable();
    let mut names = vec![String::new(); 256];
    for (at, byte) in common.iter().enumerate() {
        names[usize::from(*byte)] = char::from(letters[at]).to_string();
    }
    for (at, byte) in rare.iter().enumerate() {
        let prefix = letters[common.len() + at / letters.len()];
        names[usize::from(*byte)] = [prefix, letters[at % letters.len()]].map(char::from).iter().collect();
    }
    let text = bytes.iter().map(|byte| names[usize::from(*byte)].as_str()).collect();
    Text { common: common.to_vec(), text }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does what `unpack.js` does.
    fn unpacked(Text { common, text }: &Text) -> Vec<u8> {
        let letters: Vec<u8> = (b'#'..=b'~').filter(|letter| *letter != b'<' && *letter != b'\\').collect();
        let place = |letter: u8| letters.iter().position(|known| *known == letter).unwrap();
        let rare = (0..=255).filter(|byte| !common.contains(byte));
        let bytes: Vec<u8> = common.iter().copied().chain(rare).collect();
        let mut out = Vec::new();
        let mut rest = text.bytes();
        while let Some(letter) = rest.next() {
            let mut at = place(letter);
            if at >= common.len() {
                at = common.len() + (at - common.len()) * letters.len() + place(rest.next().unwrap());
            }
            out.push(bytes[at]);
        }
        out
    }

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).chain(0..=255).rev().collect();
        let some: Vec<u8> = all.iter().flat_map(|byte| vec![*byte; usize::from(byte % 7)]).collect();
        for bytes in [all, some, Vec::new(), b"\0asm\x01\0\0\0".to_vec()] {
            let text = text(&bytes);
            assert_eq!(unpacked(&text), bytes);
            assert!(text.text.bytes().all(|byte| LETTERS.contains(&byte) && !OTHERS.contains(&byte)));
        }
    }

    #[test]
    fn common_bytes_are_one_letter() {
        let text = text(&[b"rare".as_slice(), &[0xff; 100]].concat());
        assert_eq!(text.common.len(), 88);
        assert_eq!(text.text.len(), 104);
    }
}
