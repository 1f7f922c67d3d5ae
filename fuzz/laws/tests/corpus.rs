//! Repeats what the fuzzer has found, and the seeds that it began with: every file of a law's folder keeps that law.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus")
}

#[test]
fn every_file_of_the_corpus_keeps_its_law() {
    for &(name, law) in mvchat_fuzz_laws::LAWS {
        let mut files: Vec<_> =
            fs::read_dir(corpus().join(name)).expect(name).map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(files.len() >= 8, "{name} has a corpus of {} files", files.len());
        for file in files {
            let data = fs::read(&file).unwrap();
            let kept = std::panic::catch_unwind(|| law(&data));
            assert!(kept.is_ok(), "{} breaks the law `{name}`", file.display());
        }
    }
}

/// Inputs that differ from the corpus in one place, so that a run without a fuzzer looks beside the path, too.
#[test]
fn small_changes_of_the_corpus_keep_the_laws() {
    for &(name, law) in mvchat_fuzz_laws::LAWS {
        for entry in fs::read_dir(corpus().join(name)).expect(name) {
            let mut data = fs::read(entry.unwrap().path()).unwrap();
            let step = 1 + data.len() / 16;
            for at in (0..data.len()).step_by(step) {
                data[at] ^= 1 << (at % 8);
                law(&data);
                law(&data[..at]);
            }
        }
    }
}
