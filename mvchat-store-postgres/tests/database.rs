//! What the laws do not ask: several nodes, migrations, outages, plans, and hosts with transactions of their own.
#![allow(clippy::unwrap_used, reason = "this binary is a test")]

mod database {
    pub(crate) mod migrations;
    pub(crate) mod nodes;
    pub(crate) mod outage;
    pub(crate) mod scans;
}
#[path = "../../xtask/src/postgres.rs"]
mod postgres;
mod support;

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;
use support::Database;

fn main() -> ExitCode {
    if Database::address().is_none() {
        return support::left_out("what several nodes do on one PostgreSQL database, and how it fails");
    }
    use database::{migrations, nodes, outage, scans};
    let trials = vec![
        trial("members_on_another_node_see_everything", nodes::see_each_other),
        trial("nodes_tell_each_other_what_is_not_kept", nodes::tell_each_other),
        trial("what_nodes_tell_each_other_is_no_content", nodes::say_no_content),
        trial("an_open_transaction_of_the_host_stalls_nobody_else", nodes::hosts_transaction),
        trial("nodes_that_start_at_once_migrate_once", migrations::at_once),
        trial("tables_of_a_newer_program_are_refused", migrations::newer),
        trial("without_migration_old_tables_are_refused", migrations::without),
        trial("health_tells_of_an_outage_and_of_its_end", outage::health),
        trial("a_server_that_may_lose_data_is_refused", outage::weak),
        trial("no_large_table_is_scanned", scans::none),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A test on a runtime of its own.
fn trial<F: Future<Output = ()> + 'static>(name: &'static str, test: fn() -> F) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(test());
        Ok::<(), Failed>(())
    })
}
