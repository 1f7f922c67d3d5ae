//! Just enough of Rust's lexical rules to tell code from comments and text.

/// Returns the source with comments and the insides of string and character literals replaced by blanks. Lines and
/// columns (in characters) stay where they are.
pub(crate) fn code(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = chars.clone();
    let mut at = 0;
    while at < chars.len() {
        let next = chars.get(at + 1);
        let end = match chars[at] {
            '/' if next == Some(&'/') => line_end(&chars, at),
            '/' if next == Some(&'*') => comment_end(&chars, at),
            '"' => text_end(&chars, at),
            '\'' => character_end(&chars, at),
            c => {
                // A letter that is a word by itself may introduce a raw string: `r"…"`, `br#"…"#`.
                let end = if is_word(c) { word_end(&chars, at) } else { at + 1 };
                let raw = matches!(chars[at..end], ['r'] | ['b' | 'c', 'r'])
                    .then(|| raw_end(&chars, end))
                    .flatten();
                at = end;
                match raw {
                    Some(end) => end,
                    None => continue,
                }
            }
        };
        blank(&mut out, at, end);
        at = end;
    }
    out.into_iter().collect()
}

/// Returns the code without what is compiled for tests only.
pub(crate) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = code.to_owned();
    while let Some(start) = out.find(MARK) {
        let rest = &out[start + MARK.len()..];
        let item = rest.find(['{', ';']).unwrap_or(rest.len());
        let length = if rest[item..].starts_with('{') { item + braces(&rest[item..]) } else { item + 1 };
        let end = (start + MARK.len() + length).min(out.len());
        let blanks: String = out[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..end, &blanks);
    }
    out
}

/// Returns the length of the text from its opening brace through the brace that closes it.
pub(crate) fn braces(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if c == '}' && depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

fn blank(out: &mut [char], from: usize, to: usize) {
    let to = to.min(out.len());
    for c in &mut out[from..to] {
        if *c != '\n' {
            *c = ' ';
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word_end(chars: &[char], from: usize) -> usize {
    from + chars[from..].iter().take_while(|c| is_word(**c)).count()
}

fn line_end(chars: &[char], from: usize) -> usize {
    chars[from..].iter().position(|c| *c == '\n').map_or(chars.len(), |length| from + length)
}

fn comment_end(chars: &[char], from: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = from;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    chars.len()
}

fn text_end(chars: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// Returns the end of the raw string whose hashes or quote begin at `from`, if there is one.
fn raw_end(chars: &[char], from: usize) -> Option<usize> {
    let hashes = chars[from..].iter().take_while(|c| **c == '#').count();
    let open = from + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let close =
        |at: usize| chars[at] == '"' && chars[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
    Some((open + 1..chars.len()).find(|&at| close(at)).map_or(chars.len(), |at| at + 1 + hashes))
}

/// Returns the end of a character literal, or of a lifetime's apostrophe.
fn character_end(chars: &[char], from: usize) -> usize {
    if chars.get(from + 1) == Some(&'\\') {
        let rest = chars.get(from + 3..).unwrap_or_default();
        return rest.iter().position(|c| *c == '\'').map_or(chars.len(), |length| from + 4 + length);
    }
    if chars.get(from + 2) == Some(&'\'') { from + 3 } else { from + 1 }
}

#[test]
fn comments_and_texts_become_blanks() {
    let cases = [
        ("a // tokio\nb", "a         \nb"),
        ("a /* x /* y */ z */ b", "a                     b"),
        (r#"f("tokio \" x", 'q', '\'')"#, "f(            ,    ,     )"),
        (r##"r#"a "b" c"# d"##, "r d"),
        (r#"br"x" b"y" z"#, "br b z"),
        ("fn f<'a>(x: &'a str) {}", "fn f< a>(x: & a str) {}"),
        ("let for_r = r; tokio", "let for_r = r; tokio"),
        ("r#type tokio", "r#type tokio"),
    ];
    for (source, expected) in cases {
        let got = code(source);
        assert_eq!(
            got.split_whitespace().collect::<Vec<_>>(),
            expected.split_whitespace().collect::<Vec<_>>(),
            "{source}"
        );
        assert_eq!(got.chars().count(), source.chars().count(), "{source}");
    }
}

#[test]
fn code_for_tests_is_left_out() {
    let code = "a\n#[cfg(test)]\nmod tests {\n fn f() { tokio }\n}\nb\n#[cfg(test)]\nuse tokio;\nc";
    assert_eq!(without_tests(code).split_whitespace().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(without_tests(code).lines().count(), code.lines().count());
}
