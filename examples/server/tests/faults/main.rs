//! The real server on a disk that loses power, gets full and fails.
//!
//! The disk is a file system of this process, so these tests need FUSE. Where that is missing they say so and are left
//! out; `cargo xtask test` sets `MVCHAT_TEST_FUSE`, and then it is a failure.
#![cfg_attr(target_os = "linux", expect(clippy::unwrap_used, reason = "a test stops at the first surprise"))]

#[cfg(target_os = "linux")]
mod disk;
#[cfg(target_os = "linux")]
mod full;
#[cfg(target_os = "linux")]
mod power;
#[cfg(target_os = "linux")]
#[path = "../e2e/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "what the end-to-end tests share has more than these tests need")]
mod support;

use std::process::ExitCode;

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    left_out("file systems of a test's own are made for Linux here")
}

fn left_out(why: &str) -> ExitCode {
    #[expect(clippy::print_stderr, reason = "whoever lists the tests reads standard output")]
    {
        eprintln!("left out: power cuts and full disks, because {why}");
    }
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use libtest_mimic::Arguments;
    let probe = tempfile::tempdir().unwrap();
    if let Err(missing) = disk::Disk::mount(&probe.path().join("disk"), 1 << 20)
        && std::env::var_os("MVCHAT_TEST_FUSE").is_none()
    {
        return left_out(&missing);
    }
    let trials = vec![
        trial("the_disk_keeps_what_was_synced_and_nothing_else", disk::laws::synced),
        trial("the_disk_gets_full_and_fails_when_told", disk::laws::full),
        trial("power_cuts_under_load_lose_nothing_that_was_acknowledged", power::under_load),
        trial("a_power_cut_while_everything_is_made_leaves_what_can_be_started", power::while_made),
        trial("a_full_disk_refuses_and_recovers", full::refuses_and_recovers),
        trial("a_server_starts_on_a_full_disk", full::starts_on_a_full_disk),
        trial("a_failing_write_is_never_acknowledged", full::failing_write),
        trial("a_failing_sync_is_never_acknowledged", full::failing_sync),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A test on a runtime of its own.
#[cfg(target_os = "linux")]
fn trial<F: Future<Output = ()> + 'static>(name: &'static str, test: fn() -> F) -> libtest_mimic::Trial {
    libtest_mimic::Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(test());
        Ok::<(), libtest_mimic::Failed>(())
    })
}
