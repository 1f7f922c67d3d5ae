//! YAML text → a tree of lines and scalars.
//!
//! Only what a configuration needs: one document of mappings, sequences and scalars. Anchors, aliases and
//! tags are refused, which also rules out documents that grow when read.

use std::iter::Peekable;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

/// A node and the line on which it starts, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub line: usize,
    pub kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The text after YAML's own escapes; `quoted` covers quotes and block scalars.
    Scalar {
        text: String,
        quoted: bool,
    },
    List(Vec<Node>),
    /// Keys in the order of the file, duplicates included.
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub line: usize,
    pub name: String,
}

/// A fault of the file's form; nothing after it can be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub line: usize,
    pub message: String,
}

/// Reads the only document of `text`; `None` if it holds nothing but comments.
pub(crate) fn parse(text: &str) -> Result<Option<Node>, SyntaxError> {
    let options = granit_parser::options! { block_nesting_limit: 16, flow_nesting_limit: 16 };
    let mut reader = Reader { events: Parser::new_from_str_with_options(text, options).peekable() };
    let mut root = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => return Ok(root),
            Event::StreamStart | Event::DocumentEnd => {}
            Event::DocumentStart(..) if root.is_some() => {
                return Err(fault(span, "the file holds more than one document"));
            }
            Event::DocumentStart(..) => {
                let (event, span) = reader.next()?;
                root = Some(reader.node(event, span)?);
            }
            _ => return Err(fault(span, "the file is not a YAML document")),
        }
    }
}

struct Reader<'a, I: Iterator<Item = Result<(Event<'a>, Span), ScanError>>> {
    events: Peekable<I>,
}

impl<'a, I: Iterator<Item = Result<(Event<'a>, Span), ScanError>>> Reader<'a, I> {
    fn next(&mut self) -> Result<(Event<'a>, Span), SyntaxError> {
        match self.events.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(SyntaxError { line: error.marker().line(), message: error.info() }),
            None => Err(SyntaxError { line: 1, message: "the file ends unexpectedly".to_owned() }),
        }
    }

    /// Builds the node that begins with `event`. The parser's nesting limit bounds the recursion.
    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, SyntaxError> {
        let line = span.start.line();
        let kind = match event {
            Event::Scalar(text, style, anchor, tag) => {
                plain_node(anchor, tag.is_some(), span)?;
                Kind::Scalar { text: text.into_owned(), quoted: style != ScalarStyle::Plain }
            }
            Event::SequenceStart(_, anchor, tag) => {
                plain_node(anchor, tag.is_some(), span)?;
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break Kind::List(items),
                        (event, span) => items.push(self.node(event, span)?),
                    }
                }
            }
            Event::MappingStart(_, anchor, tag) => {
                plain_node(anchor, tag.is_some(), span)?;
                let mut entries = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::MappingEnd {
                        break Kind::Map(entries);
                    }
                    let key = self.node(event, span)?;
                    let Kind::Scalar { text: name, .. } = key.kind else {
                        return Err(fault(span, "a key must be a plain word"));
                    };
                    let (event, span) = self.next()?;
                    entries.push((Key { line: key.line, name }, self.node(event, span)?));
                }
            }
            Event::Alias(_) => return Err(fault(span, "aliases are not supported; repeat the value")),
            _ => return Err(fault(span, "expected a value")),
        };
        Ok(Node { line, kind })
    }
}

fn plain_node(anchor: usize, tagged: bool, span: Span) -> Result<(), SyntaxError> {
    if anchor != 0 {
        return Err(fault(span, "anchors are not supported; repeat the value"));
    }
    if tagged {
        return Err(fault(span, "tags are not supported; remove the word that begins with `!`"));
    }
    Ok(())
}

fn fault(span: Span, message: &str) -> SyntaxError {
    SyntaxError { line: span.start.line(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(line: usize, text: &str) -> Node {
        Node { line, kind: Kind::Scalar { text: text.to_owned(), quoted: false } }
    }

    #[test]
    fn keeps_lines_order_and_duplicates() {
        let text = "# head\n\nb: 1\na:\n  - x\n  - y\nb: 2\n";
        let Node { kind: Kind::Map(entries), .. } = parse(text).unwrap().unwrap() else { panic!("a map") };
        let keys: Vec<_> = entries.iter().map(|(key, _)| (key.line, key.name.as_str())).collect();
        assert_eq!(keys, [(3, "b"), (4, "a"), (7, "b")]);
        assert_eq!(entries[0].1, scalar(3, "1"));
        assert_eq!(entries[1].1.kind, Kind::List(vec![scalar(5, "x"), scalar(6, "y")]));
    }

    #[test]
    fn knows_quotes() {
        for (text, quoted) in [("x: a", false), ("x: 'a'", true), ("x: \"a\"", true), ("x: |-\n  a", true)] {
            let Node { kind: Kind::Map(entries), .. } = parse(text).unwrap().unwrap() else {
                panic!("a map")
            };
            assert_eq!(entries[0].1.kind, Kind::Scalar { text: "a".to_owned(), quoted }, "{text}");
        }
    }

    #[test]
    fn an_empty_file_is_no_document() {
        for text in ["", "# only a comment\n", "\u{feff}", "\n\n"] {
            assert_eq!(parse(text), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn refuses_what_a_configuration_does_not_need() {
        let deep = "[".repeat(1_000);
        for (text, line) in [
            ("a: &x 1\nb: *x", 1),
            ("a: 1\nb: !!str 2", 2),
            ("a: 1\n---\nb: 2", 2),
            ("a: 1\n? [x, y]\n: 2", 2),
            ("a: 1\nb: [1, 2", 2),
            ("a: 1\n  b: 2\n", 2),
            ("a: \"x\n", 1),
            (deep.as_str(), 1),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.line >= line && error.line <= text.lines().count() + 1, "{text}: {error:?}");
        }
    }
}
