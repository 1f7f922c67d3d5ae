//! Plug points: narrow, and with a contract in writing.

use crate::{
    lexer::braces,
    source::{Finding, Source, has_word, line_of},
};

/// How many methods a plug point may ask for.
const METHODS: usize = 9;

/// Finds public traits of the seams that have no contract or too many methods.
pub(crate) fn rule(file: &Source) -> Vec<Finding> {
    if file.core_module() != Some("seam") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (at, _) in file.product.match_indices("pub trait ") {
        let line = line_of(&file.product, at);
        let rest = &file.product[at..];
        let name: String =
            rest["pub trait ".len()..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !documentation(&file.text, line).iter().any(|doc| doc.trim() == "# Contract") {
            found.push(file.finding(line, format!("`{name}` has no section `# Contract`")));
        }
        let methods = rest.find('{').map_or(0, |open| methods(&rest[open..]));
        if methods > METHODS {
            found.push(file.finding(line, format!("`{name}` has {methods} methods")));
        }
    }
    found
}

/// Counts the functions at the top level of a trait's body.
fn methods(body: &str) -> usize {
    let body = &body[..braces(body)];
    let mut depth = 0_usize;
    let mut top = String::new();
    for c in body.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ if depth == 1 => top.push(c),
            _ => {}
        }
        if matches!(c, '{' | '}') {
            top.push('\n');
        }
    }
    top.split(';').flat_map(str::lines).filter(|line| has_word(line, "fn")).count()
}

/// Returns the documentation in front of an item, read upwards through its attributes.
fn documentation(text: &str, line: usize) -> Vec<&str> {
    let before: Vec<&str> = text.lines().take(line - 1).map(str::trim).collect();
    let of_item = before
        .iter()
        .rev()
        .take_while(|line| !line.is_empty() && !line.ends_with('}') && !line.ends_with(';'));
    of_item.filter_map(|line| line.strip_prefix("///")).collect()
}

#[test]
fn a_trait_without_a_contract_is_found() {
    let bad = Source::new(
        "mvchat-core/src/seam/bus.rs",
        "/// A bus.\n#[async_trait]\npub trait Bus: Send { fn a(&self); }\n",
    );
    assert_eq!(rule(&bad).len(), 1);
    let good = "use a;\n\n/// A bus.\n///\n/// # Contract\n/// * law\n#[async_trait]\npub trait Bus: Send { fn a(&self); }\n";
    assert!(rule(&Source::new("mvchat-core/src/seam/bus.rs", good)).is_empty());
    let other = format!("{good}\npub trait Second {{}}\n");
    assert_eq!(rule(&Source::new("mvchat-core/src/seam/bus.rs", &other)).len(), 1);
}

#[test]
fn a_wide_trait_is_found() {
    let with = |count: usize| {
        let methods: String = (0..count)
            .map(|n| {
                format!("    async fn f{n}(&self, g: impl Fn()) {{ fn inner() {{}} }}\n    fn_like!();\n")
            })
            .collect();
        Source::new(
            "mvchat-core/src/seam/store.rs",
            &format!("/// # Contract\npub trait Store {{\n{methods}}}\n"),
        )
    };
    assert!(rule(&with(9)).is_empty());
    assert_eq!(rule(&with(10)).len(), 1);
    let one_line = "/// # Contract\npub trait S { fn a(); fn b(); fn c(); fn d(); fn e(); fn f(); fn g(); fn h(); fn i(); fn j(); }";
    assert_eq!(rule(&Source::new("mvchat-core/src/seam/store.rs", one_line)).len(), 1);
}
