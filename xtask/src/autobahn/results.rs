//! What the suite found.

use std::collections::BTreeMap;

/// How many cases there are beside those of compression.
const CASES: usize = 301;
/// Cases of which RFC 6455 says only that an implementation may notice sooner: text whose last frame is not there yet
/// and whose bytes can't become a character any more.
const MAY_BE_LATE: [&str; 2] = ["6.4.3", "6.4.4"];
/// What the groups of cases are about.
const GROUPS: [&str; 9] = [
    "framing",
    "pings and pongs",
    "reserved bits",
    "opcodes",
    "fragments",
    "UTF-8",
    "closing",
    "limits and performance",
    "messages in a row",
];
/// The number of the group behind each of them.
const NUMBERS: [u32; 9] = [1, 2, 3, 4, 5, 6, 7, 9, 10];

/// How one case ended: what the server did, and how it closed.
type Outcome = (String, String);

/// The outcomes of all cases, by server.
pub(super) struct Results {
    servers: Vec<(String, BTreeMap<String, Outcome>)>,
}

impl Results {
    /// Reads the suite's index: `{"server": {"1.1.1": {"behavior": "OK", "behaviorClose": "OK", …}, …}, …}`.
    ///
    /// # Errors
    /// When a server or a case is missing.
    pub(super) fn read(index: &str, servers: &[&str]) -> Result<Self, String> {
        let strings = strings(index);
        let mut found: BTreeMap<&str, BTreeMap<String, Outcome>> = BTreeMap::new();
        let (mut server, mut case) = ("", "");
        for (depth, text, value) in strings {
            match depth {
                1 => server = text,
                2 => case = text,
                _ => {
                    let outcome = found.entry(server).or_default().entry(case.to_owned()).or_default();
                    match text {
                        "behavior" => value.unwrap_or_default().clone_into(&mut outcome.0),
                        "behaviorClose" => value.unwrap_or_default().clone_into(&mut outcome.1),
                        _ => {}
                    }
                }
            }
        }
        let mut results = Self { servers: Vec::new() };
        for server in servers {
            let cases = found.remove(server).unwrap_or_default();
            if cases.len() != CASES {
                return Err(format!("{} of {CASES} cases were run against {server}", cases.len()));
            }
            results.servers.push(((*server).to_owned(), cases));
        }
        Ok(results)
    }

    /// Names the cases in which a server broke the rules.
    pub(super) fn broken(&self) -> Vec<String> {
        let cases =
            self.servers.iter().flat_map(|(server, cases)| cases.iter().map(move |case| (server, case)));
        let bad = cases.filter(|(_, (case, outcome))| !is_fine(case, outcome));
        bad.map(|(server, (case, (did, closed)))| format!("{server} {case}: {did}, closing: {closed}"))
            .collect()
    }

    /// Counts the cases of each group by outcome, as a table.
    pub(super) fn table(&self) -> String {
        let mut table = "| Cases | About | Number |".to_owned();
        self.servers.iter().for_each(|(server, _)| table.push_str(&format!(" `{server}` |")));
        table.push_str("\n|---|---|---|");
        self.servers.iter().for_each(|_| table.push_str("---|"));
        for (number, about) in NUMBERS.iter().zip(GROUPS) {
            let prefix = format!("{number}.");
            let mut row = String::new();
            let mut size = 0;
            for (_, cases) in &self.servers {
                let group = cases.iter().filter(|(case, _)| case.starts_with(&prefix));
                let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
                group.for_each(|(_, (did, _))| *counts.entry(did).or_default() += 1);
                size = counts.values().sum();
                let counts: Vec<_> =
                    counts.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
                row.push_str(&format!(" {} |", counts.join(", ")));
            }
            table.push_str(&format!("\n| {number}.* | {about} | {size} |{row}"));
        }
        table
    }

    /// Writes the page of the book.
    pub(super) fn page(&self) -> String {
        format!(
            "<!-- Written by `cargo xtask autobahn`. -->\n\n# WebSockets, by Autobahn\n\n\
             The fuzzing client of the [Autobahn test suite](https://github.com/crossbario/autobahn-testsuite) 25.10.1 \
             against both transports: {CASES} cases, all but those of compression, which mvchat does not offer. What is \
             tested is an echo server on exactly the WebSockets of the chat (`mvchat_ws::Socket`), with room for the \
             messages of 16 MiB that group 9 sends. `cargo xtask autobahn` runs it and writes this page; it fails if a case \
             ends otherwise than here.\n\n{}\n\n\
             `NON-STRICT` are 6.4.3 and 6.4.4, which are as good as `OK` by RFC 6455: bytes that can't become a character \
             any more are noticed when their frame is complete, not earlier. `INFORMATIONAL` cases have no right or wrong.\n",
            self.table()
        )
    }
}

fn is_fine(case: &str, (did, closed): &Outcome) -> bool {
    let fine = |word: &str| matches!(word, "OK" | "INFORMATIONAL");
    (fine(did) || (did == "NON-STRICT" && MAY_BE_LATE.contains(&case))) && fine(closed)
}

/// Returns the keys of nested objects with their depth, and those values that are strings.
fn strings(json: &str) -> Vec<(usize, &str, Option<&str>)> {
    let mut found = Vec::new();
    let (mut depth, mut rest) = (0, json);
    while let Some(at) = rest.find(['{', '}', '"']) {
        let (token, after) = (&rest[at..=at], &rest[at + 1..]);
        rest = after;
        match token {
            "{" => depth += 1,
            "}" => depth -= 1,
            // Names, numbers and words: there is nothing to unescape.
            _ => {
                let Some((key, after)) = rest.split_once('"') else { break };
                rest = after;
                let value = rest.trim_start().strip_prefix(':').map(str::trim_start);
                let text =
                    value.and_then(|value| value.strip_prefix('"')).and_then(|value| value.split_once('"'));
                found.push((depth, key, text.map(|(text, _)| text)));
                if let Some((_, after)) = text {
                    rest = after;
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(cases: usize, of: impl Fn(usize) -> (&'static str, &'static str, String)) -> String {
        let cases: Vec<_> = (0..cases)
            .map(|n| {
                let (did, closed, case) = of(n);
                format!(
                    r#" "{case}": {{ "behavior": "{did}", "behaviorClose": "{closed}", "duration": {n}, "reportfile": "x_{n}.json" }}"#
                )
            })
            .collect();
        format!("{{\n \"a\": {{\n{}\n}} }}", cases.join(",\n"))
    }

    #[test]
    fn outcomes_are_counted_by_group() {
        let text = index(CASES, |n| {
            ("OK", if n == 3 { "INFORMATIONAL" } else { "OK" }, format!("{}.{n}", 1 + n % 7))
        });
        let results = Results::read(&text, &["a"]).expect("it is complete");
        assert!(results.broken().is_empty());
        assert!(results.table().contains("| 1.* | framing | 43 | 43 OK |"), "{}", results.table());
        assert!(results.page().contains("| 7.* | closing | 43 | 43 OK |"));
    }

    #[test]
    fn what_breaks_the_rules_is_named() {
        let of = |n| match n {
            0 => ("FAILED", "OK", "1.1.1".to_owned()),
            1 => ("OK", "WRONG CODE", "7.3.6".to_owned()),
            2 => ("NON-STRICT", "OK", "6.4.3".to_owned()),
            3 => ("NON-STRICT", "OK", "6.4.2".to_owned()),
            _ => ("OK", "OK", format!("9.{n}")),
        };
        let results = Results::read(&index(CASES, of), &["a"]).expect("it is complete");
        let broken = results.broken();
        assert_eq!(broken.len(), 3, "{broken:?}");
        assert!(broken[0].starts_with("a 1.1.1: FAILED") && broken[2].contains("WRONG CODE"), "{broken:?}");
    }

    #[test]
    fn a_run_that_is_not_complete_says_nothing() {
        let text = index(CASES - 1, |n| ("OK", "OK", format!("1.{n}")));
        assert!(Results::read(&text, &["a"]).is_err());
        assert!(Results::read(&text, &["b"]).is_err());
        assert!(Results::read("{}", &["a"]).is_err());
    }
}
