//! Prints the book's table of metrics, made from the catalogue that the server reads out by. `cargo xtask book` puts it
//! into its page.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use mvchat_core::engine::metrics::Kind;
use mvchat_server::metrics::catalogue;

fn main() {
    println!("<!-- generated: metrics -->\n| Name | Kind | Labels | Meaning |\n|---|---|---|---|");
    for info in catalogue() {
        let kind = match info.kind {
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
            _ => "gauge",
        };
        let labels = info.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        println!("| `{}` | {kind} | {labels} | {} |", info.name, info.help);
    }
}
