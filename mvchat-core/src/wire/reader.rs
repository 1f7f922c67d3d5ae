//! Goes through a JSON text, value by value.

use super::{number, text};
use std::borrow::Cow;
use std::fmt;

/// Why a text could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bad {
    at: usize,
    reason: &'static str,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at byte {}", self.reason, self.at)
    }
}

impl std::error::Error for Bad {}

/// A JSON text and how far it has been read.
///
/// The methods that read a value return `None` or `false` when there is another kind of value, or something that is no
/// JSON; nothing more can be read then. The first reason is kept.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    bad: Option<Bad>,
    /// The next value is there even when it is `null`.
    pub(super) present: bool,
}

impl<'a> Reader<'a> {
    /// Begins at the start of a text.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, bad: None, present: false }
    }

    /// Gives up, with a reason for people; the first one counts. Returns `false`.
    pub fn fail(&mut self, reason: &'static str) -> bool {
        self.bad.get_or_insert(Bad { at: self.at, reason });
        false
    }

    /// Returns what is wrong, after something was refused.
    pub fn bad(&self) -> Bad {
        self.bad.unwrap_or(Bad { at: self.at, reason: "not readable" })
    }

    /// Returns whether nothing but white space is left.
    pub fn ends(&mut self) -> bool {
        self.peek().is_none() || self.fail("something behind the value")
    }

    /// Returns the first byte of the next value.
    pub fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Takes a byte if it comes next.
    fn takes(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn takes_word(&mut self, word: &str) -> bool {
        self.peek();
        let there = self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes()));
        if there {
            self.at += word.len();
        }
        there
    }

    /// Takes `null` if it comes next.
    pub fn null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.takes_word("null")
    }

    /// Reads `true` or `false`.
    pub fn boolean(&mut self) -> Option<bool> {
        if self.takes_word("true") {
            return Some(true);
        }
        if self.takes_word("false") {
            return Some(false);
        }
        self.fail("neither true nor false");
        None
    }

    /// Reads an integer of any spelling, as long as nothing is left behind the point, between the two bounds.
    pub fn integer(&mut self, least: i64, most: i64) -> Option<i64> {
        self.peek();
        let value = self.number().and_then(number::integer).filter(|value| (least..=most).contains(value));
        if value.is_none() {
            self.fail("not an integer of this range");
        }
        value
    }

    /// Passes over a number.
    fn number(&mut self) -> Option<&'a [u8]> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let length = number::length(rest)?;
        self.at += length;
        rest.get(..length)
    }

    /// Reads a string.
    pub fn string(&mut self) -> Option<Cow<'a, str>> {
        let string = self.quoted().and_then(text::unquote);
        if string.is_none() {
            self.fail("not a string");
        }
        string
    }

    /// Reads a string without looking at what its escapes mean. Returns it without its quotes.
    fn quoted(&mut self) -> Option<&'a str> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let start = self.at + 1;
        let length = text::length(self.text.as_bytes().get(start..)?)?;
        self.at = start + length + 1;
        self.text.get(start..start + length)
    }

    /// Passes over one value of any kind, however deep. Returns its text.
    pub fn any(&mut self) -> Option<&'a str> {
        self.peek();
        let start = self.at;
        let mut open = Vec::new();
        loop {
            let passed = match self.peek() {
                Some(first @ (b'{' | b'[')) => {
                    // In ASCII, what closes stands two behind what opens.
                    let close = first + 2;
                    self.at += 1;
                    if !self.takes(close) {
                        open.push(close);
                        if close == b'}' && !self.key() {
                            return None;
                        }
                        continue;
                    }
                    true
                }
                Some(b'"') => self.quoted().is_some(),
                Some(b't' | b'f') => self.boolean().is_some(),
                Some(b'n') => self.null(),
                _ => self.number().is_some(),
            };
            if !passed {
                self.fail("not a value");
                return None;
            }
            loop {
                let Some(close) = open.last().copied() else { return self.text.get(start..self.at) };
                if self.takes(b',') {
                    if close == b'}' && !self.key() {
                        return None;
                    }
                    break;
                }
                if !self.takes(close) {
                    self.fail("not closed");
                    return None;
                }
                open.pop();
            }
        }
    }

    /// Passes over a key and its colon.
    fn key(&mut self) -> bool {
        (self.quoted().is_some() || self.fail("not a key")) && self.colon()
    }

    fn colon(&mut self) -> bool {
        self.takes(b':') || self.fail("a colon is missing")
    }

    /// Reads an object: `member` is told each key and reads the value.
    pub fn object(&mut self, member: &mut dyn FnMut(&mut Self, Cow<'a, str>) -> bool) -> bool {
        self.list(b'{', b'}', &mut |reader| {
            reader.string().is_some_and(|key| reader.colon() && member(reader, key))
        })
    }

    /// Reads an array: `item` reads each value.
    pub fn array(&mut self, item: &mut dyn FnMut(&mut Self) -> bool) -> bool {
        self.list(b'[', b']', item)
    }

    fn list(&mut self, open: u8, close: u8, item: &mut dyn FnMut(&mut Self) -> bool) -> bool {
        if !self.takes(open) {
            return self.fail(if open == b'{' { "not an object" } else { "not an array" });
        }
        let mut more = !self.takes(close);
        while more {
            if !item(self) {
                return false;
            }
            more = self.takes(b',');
            if !more && !self.takes(close) {
                return self.fail("not closed");
            }
        }
        true
    }
}
