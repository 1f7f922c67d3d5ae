//! Acknowledged messages survive `kill -9`. `MVCHAT_CRASH_ROUNDS` asks for more rounds.
#![allow(clippy::unwrap_used, reason = "this binary is a test")]

use libtest_mimic::{Arguments, Failed, Trial};
use mvchat_core::testkit::crash::{self, Acked, Victim};
use mvchat_store_sled::SledStore;
use std::process::ExitCode;

fn main() -> ExitCode {
    crash::be_victim(open);
    let trial = Trial::test("acknowledged_messages_survive_kill_9", survive);
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

async fn open(folder: &str) -> SledStore {
    SledStore::options().ballast(0).cache(1 << 20).open(folder).unwrap()
}

fn survive() -> Result<(), Failed> {
    let (dir, runtime) = (tempfile::tempdir()?, tokio::runtime::Runtime::new()?);
    let folder = dir.path().to_str().unwrap();
    let mut acked = Acked::default();
    let mut random = u64::from(std::process::id());
    for _ in 0..crash::rounds(15) {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut victim = Victim::start(folder);
        victim.read(1 + (random >> 33) % 500, &mut acked);
        victim.kill(&mut acked);
        runtime.block_on(async { crash::check(&open(folder).await, &acked).await });
    }
    Ok(())
}
