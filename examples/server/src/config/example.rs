//! Writing configurations: `mvchat config example` is a file with every key and its default.

use super::{Config, keys::KEYS};

/// Writes an annotated file that reads back as the defaults.
pub fn example() -> String {
    let mut out = String::from(
        "# Configuration of mvchat. Every key is shown with its default.\n\
         # `${NAME}` and `${NAME:default}` stand for environment variables.\n",
    );
    write(&Config::default(), true, &mut out);
    out
}

impl Config {
    /// Writes a file with every setting, secrets too, that reads back as this configuration.
    pub fn to_yaml(&self) -> String {
        let mut out = String::new();
        write(self, false, &mut out);
        out
    }
}

fn write(config: &Config, annotated: bool, out: &mut String) {
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
        for line in key.doc.lines().filter(|_| annotated) {
            out.push_str(&format!("{indent}# {line}\n"));
        }
        if annotated {
            out.push_str(&format!("{indent}# Variable: {}\n", key.variable()));
        }
        out.push_str(&format!("{indent}{name}: {}\n", (key.show)(config)));
        open = sections;
    }
}
