//! The architecture's invariants, read off the source tree. `ARCHITECTURE.md` says what each is for.
//!
//! A rule is a function from a file to what is wrong in it, so that every rule is also tested against a file that breaks
//! it. What does not exist yet cannot break a rule.

#[path = "tidy/codes.rs"]
mod codes;
#[path = "tidy/crates.rs"]
mod crates;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/lexer.rs"]
mod lexer;
#[path = "tidy/links.rs"]
mod links;
#[path = "tidy/machine.rs"]
mod machine;
#[path = "tidy/purity.rs"]
mod purity;
#[path = "tidy/queues.rs"]
mod queues;
#[path = "tidy/seams.rs"]
mod seams;
#[path = "tidy/size.rs"]
mod size;
#[path = "tidy/source.rs"]
mod source;

use std::collections::BTreeSet;

use source::{Finding, Source, tree};

/// Applies a rule to every file of the tree and fails with the list of what it found.
fn hold(invariant: &str, rule: impl Fn(&Source) -> Vec<Finding>) {
    let files = tree();
    assert!(!files.is_empty(), "the source tree cannot be read");
    let found: Vec<Finding> = files.iter().flat_map(rule).collect();
    let list = found.iter().map(|finding| format!("\n  {finding}")).collect::<String>();
    assert!(found.is_empty(), "{invariant}; broken in {} place(s):{list}\n", found.len());
}

#[test]
fn the_pure_ring_has_no_runtime_no_clock_and_no_chance() {
    hold(
        "proto, irido, policy, session, client and presence take time and entropy as arguments",
        purity::rule,
    );
}

#[test]
fn dependencies_point_inward() {
    hold("the pure ring names neither the engine nor a seam", layers::inward);
}

#[test]
fn only_the_engine_waits() {
    hold("in the core, only engine, builtin, seam and testkit wait", layers::waiting);
}

#[test]
fn adapters_know_no_commands() {
    hold(
        "transports and stores map frames, bytes and statuses, and never match on commands",
        layers::adapters,
    );
}

#[test]
fn numeric_codes_come_from_one_table() {
    hold("numeric codes stand in error.rs and proto only", codes::rule);
}

#[test]
fn seams_are_narrow_and_have_a_contract() {
    hold("a public trait in seam/ documents its # Contract and has at most 9 methods", seams::rule);
}

#[test]
fn select_is_biased() {
    hold("every select! begins with `biased;`", queues::select);
}

#[test]
fn queues_are_bounded() {
    hold("every queue has a bound", queues::bounded);
}

#[test]
fn crates_forbid_unsafe_code() {
    hold("every crate forbids unsafe code", crates::forbids_unsafe);
}

#[test]
fn crates_say_what_they_are() {
    hold("every crate has a licence, a description and a repository", crates::metadata);
}

#[test]
fn nothing_depends_on_one_machine() {
    hold("no file names a folder of one machine or a registry's host", machine::rule);
}

#[test]
fn links_lead_somewhere() {
    let paths: BTreeSet<String> = tree().into_iter().map(|file| file.path).collect();
    hold("a link of a document leads to a file of the tree", |file| links::rule(file, &paths));
}

#[test]
fn examples_stay_short() {
    hold("an example that is a promise of brevity keeps it", size::examples);
}

#[test]
fn no_test_is_ignored() {
    hold("a test that cannot run fails", size::ignored);
}
