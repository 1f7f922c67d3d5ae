//! `mvchat config example`: a file with every key and its default.

use super::{Config, keys::KEYS};

/// Writes an annotated file that reads back as the defaults.
pub fn example() -> String {
    let defaults = Config::default();
    let mut out = String::from(
        "# Configuration of mvchat. Every key is shown with its default.\n\
         # `${NAME}` and `${NAME:default}` stand for environment variables.\n",
    );
    let mut open: Vec<&str> = Vec::new();
    for key in &KEYS {
        let mut sections: Vec<&str> = key.path.split('.').collect();
        let name = sections.pop().unwrap_or(key.path);
        let shared = open.iter().zip(&sections).take_while(|(left, right)| left == right).count();
        for (depth, section) in sections.iter().enumerate().skip(shared) {
            out.push_str(&format!("\n{}{section}:", "  ".repeat(depth)));
        }
        let indent = "  ".repeat(sections.len());
        out.push('\n');
        for line in key.doc.lines() {
            out.push_str(&format!("{indent}# {line}\n"));
        }
        out.push_str(&format!("{indent}# Variable: {}\n", key.variable()));
        out.push_str(&format!("{indent}{name}: {}\n", (key.show)(&defaults)));
        open = sections;
    }
    out
}
