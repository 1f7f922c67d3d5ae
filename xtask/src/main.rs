//! The project's own commands, run as `cargo xtask <command>`.

use std::{env, process::ExitCode};

mod autobahn;
mod bench;
mod book;
mod crash;
mod database;
mod debian;
mod fix;
mod fuzz;
mod modules;
mod node;
mod npm;
mod outcome;
mod postgres;
mod report;
mod run;
mod sim;
mod stages;
mod summary;
mod tables;
mod tree;
mod up;
mod wasm_target;
mod web;

const HELP: &str = "\
Usage: cargo xtask <command>

  up [--release] [-- <args>]  build and start the reference server with its web chat, data in ./mvchat-data
  web                         build the web chat into target/web, for the next build of the server
  test [<stage>…]             run every check and test, or only the named stages
  verify                      run the lints only
  sim [--seeds <n>] [--seed <s>] [--trace] [--twice]
                              simulate runs by seed, optimised; with --seed alone that one again
  bench [--quick] [--rounds <n>] [--only <part of a name>] [--also <transport>]
                              put all loads on the reference server, beside floors, and write the page of the book about
                              performance (half an hour); --quick takes five minutes and, like --only, leaves the page
  bench instructions [--write]
                              count the instructions of a script in process under callgrind, and hold them against the
                              committed numbers; --write commits to new ones
  bench peers [--rounds <n>] [--seconds <n>]
                              put the same load on the reference server and on ejabberd, on one PostgreSQL (five minutes),
                              and write the page's table about that; with --seconds a trial, which leaves the page
                              (needs Debian's ejabberd and erlang-p1-pgsql, which root gets installed)
  bench store                 measure durable sends on PostgreSQL, beside raw SQL
  bench edge [memory|half-open|slow] [--connections <n>] [--half-open <n>] [--readers <n>] [--slow <n>]
                              [--rate <n>] [--rounds <n>] [--seconds <n>]
                              measure what the reference server holds: idle connections, half-open ones, slow readers
  crash [--store sled|postgres] [--cycles <n>] [--seed <s>] [--load <n>] [--at-once <n>]
                              kill the reference server under load, and look whether all that it acknowledged is there;
                              on PostgreSQL also the database's server
  powercut [--cycles <n>] [--seed <s>] [--changes <n>]
                              the same with power cuts: what was not synced is lost, torn or out of order (needs FUSE)
  fuzz [--seconds <n>] [--target <t>] [--keep]
                              let libFuzzer look for inputs that break a law; --keep adds to the corpus
  autobahn                    let the Autobahn test suite look for mistakes in the WebSockets of all transports, and write
                              the page with the results (needs Python 2.7)
  fix                         format, and apply the fixes that clippy knows
  npm                         build the browser client's package into target/npm/mvchat-client
  book                        write the generated pages and render the book into book/book
  stages                      list the stages of `test`
";

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let done = match command.as_str() {
        "up" => up::up(&rest),
        "test" => report::test(&rest),
        "verify" => report::verify(),
        "sim" => sim::sim(&rest),
        "autobahn" => autobahn::autobahn(&rest),
        "bench" => bench::bench(&rest),
        "crash" => crash::crash(&rest),
        "powercut" => crash::powercut(&rest),
        "fuzz" => fuzz::fuzz(&rest),
        "fix" => fix::fix(),
        "web" => web::web().map(|folder| println!("{}", folder.display())),
        "npm" => npm::npm_command(),
        "book" => book::render_command(),
        "stages" => {
            report::list();
            Ok(())
        }
        "" | "help" | "-h" | "--help" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("there is no command `{other}`\n\n{HELP}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // An empty reason means that the command has already said everything, and that its last line must stay last.
        Err(reason) if reason.is_empty() => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}
