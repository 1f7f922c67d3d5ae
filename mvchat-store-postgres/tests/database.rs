//! What the laws do not ask: several nodes, migrations, outages, plans, and hosts with transactions of their own.
#![allow(clippy::unwrap_used, reason = "this binary is a test")]

mod database {
    pub(crate) mod host;
    pub(crate) mod migrations;
    pub(crate) mod nodes;
    pub(crate) mod outage;
    pub(crate) mod restored;
    pub(crate) mod scans;
    pub(crate) mod vault;
}
#[path = "../../xtask/src/postgres.rs"]
mod postgres;
mod support;

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;
use support::Database;

fn main() -> ExitCode {
    if let Ok(names) = std::env::var(database::migrations::VICTIM) {
        database::migrations::victim(&names);
        return ExitCode::SUCCESS;
    }
    if let Ok(names) = std::env::var(database::vault::VICTIM) {
        database::vault::victim(&names);
    }
    if Database::address().is_none() {
        return support::left_out("what several nodes do on one PostgreSQL database, and how it fails");
    }
    use database::{host, migrations, nodes, outage, restored, scans, vault};
    let trials = vec![
        trial("members_on_another_node_see_everything", nodes::see_each_other),
        trial("an_open_transaction_delays_the_log_and_nothing_else", nodes::hosts_transaction),
        trial("an_open_transaction_of_the_host_stalls_nobody_else", host::holds_up_nobody_else),
        trial("host_commits_a_message_with_its_rows", host::commits_with_its_rows),
        trial("host_rolls_back_without_a_trace", host::rolls_back_without_a_trace),
        trial(
            "host_forgets_to_publish_and_members_hear_of_it",
            host::what_nobody_published_is_told_all_the_same,
        ),
        trial("host_drops_a_call_and_it_is_whole_or_absent", host::a_dropped_call_is_whole_or_absent),
        trial("host_retries_and_it_is_no_second_message", host::a_retry_is_no_second_message),
        trial("host_is_refused_and_goes_on", host::what_is_refused_leaves_the_transaction_as_it_was),
        trial("host_decides_again_on_what_other_nodes_changed", host::a_decision_on_old_state_is_made_again),
        trial("host_is_heard_on_other_nodes", host::is_heard_on_other_nodes_also_after_a_crash),
        trial("nodes_tell_each_other_what_is_not_kept", nodes::tell_each_other),
        trial("what_nodes_tell_each_other_is_no_content", nodes::say_no_content),
        trial("nodes_that_start_at_once_migrate_once", migrations::at_once),
        trial("older_tables_get_what_came_later", migrations::later),
        trial("tables_of_a_newer_program_are_refused", migrations::newer),
        trial("without_migration_old_tables_are_refused", migrations::without),
        trial("health_tells_of_an_outage_and_of_its_end", outage::health),
        trial("a_server_that_may_lose_data_is_refused", outage::weak),
        trial("a_node_killed_while_it_migrates_leaves_nothing_half_done", migrations::killed),
        trial("a_server_killed_while_a_node_migrates_leaves_nothing_half_done", migrations::server_killed),
        trial("a_vault_in_a_database_keeps_the_contract", vault::keeps_its_contract),
        trial("no_read_fails_while_the_ring_rotates", vault::rotates_under_load),
        trial("a_rotation_goes_on_after_a_kill", vault::goes_on_after_a_kill),
        trial("a_rotation_goes_on_after_an_outage", vault::goes_on_after_an_outage),
        trial("tables_restored_on_another_server_go_on", restored::goes_on),
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
