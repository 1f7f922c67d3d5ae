//! `mvchat`: the reference server.
//!
//! Exit status: 0 after a clean stop, 1 when running failed, 2 when the command line or the configuration is
//! wrong.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use mvchat_server::{
    accept,
    cli::{Cli, Command, ConfigCommand, DbCommand, ServeArgs, TablesCommand},
    command,
    config::{Config, Environment, Flags, Problem, Warning, example},
    log, run, signal,
    traces::Traces,
};

/// How long the last traces may take.
const LAST_TRACES: Duration = Duration::from_millis(500);

/// Commands come and go by the thousands, each with some kilobytes.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FAILED: u8 = 1;
const MISCONFIGURED: u8 = 2;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(args) => serve(*args),
        Command::Health(args) => done(args.run()),
        Command::Db(command) => database(command),
        Command::Config(ConfigCommand::Check(args)) => check(*args),
        Command::Config(ConfigCommand::Example) => print(example()),
        Command::Keys(command) => done(command.run()),
        Command::Audit(command) => done(command.run()),
        Command::User(command) => done(command.run()),
        Command::Token(command) => done(command.run()),
        Command::Bench(args) => done(command::bench::run(args)),
    }
}

fn load(args: ServeArgs) -> Result<(Config, Vec<Warning>), Vec<Problem>> {
    Config::load(&Flags::from(args), &Environment::of_process())
}

fn serve(args: ServeArgs) -> ExitCode {
    let (config, warnings) = match load(args) {
        Ok(loaded) => loaded,
        Err(problems) => return complain(MISCONFIGURED, problems),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(FAILED, [error]),
    };
    let traces = match Traces::begin(&config.traces, runtime.handle()) {
        Ok(traces) => traces,
        Err(error) => return complain(FAILED, [error]),
    };
    if let Err(error) = log::init(&config.log, traces.as_ref()) {
        return complain(FAILED, [error]);
    }
    for warning in warnings {
        tracing::warn!(origin = %warning.origin, "{}", warning.message);
    }
    let outcome = runtime.block_on(listen(config));
    if let Some(traces) = traces {
        traces.finish(LAST_TRACES);
    }
    // What still hangs on a thread of its own has had its time.
    runtime.shutdown_timeout(Duration::from_millis(500));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the server failed");
            ExitCode::from(FAILED)
        }
    }
}

async fn listen(config: Config) -> io::Result<()> {
    let address = config.server.listen;
    let shutdown = signal::shutdown(config.server.shutdown_timeout)?;
    let listener = accept::listen(address)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
    run::run(config, listener, shutdown).await
}

fn database(command: DbCommand) -> ExitCode {
    let command = match command {
        DbCommand::Copy(args) => return done(args.run()),
        DbCommand::ImportMvchat2(args) => return done(args.run()),
        DbCommand::Tables(command) => command,
    };
    let (TablesCommand::Status(args) | TablesCommand::Migrate(args) | TablesCommand::Verify(args)) = &command;
    let config = match load(ServeArgs::clone(args)) {
        Ok((config, _)) => config,
        Err(problems) => return complain(MISCONFIGURED, problems),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(FAILED, [error]),
    };
    match runtime.block_on(mvchat_server::database::run(&command, &config.database)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(FAILED, [error]),
    }
}

fn check(args: ServeArgs) -> ExitCode {
    match load(args) {
        Ok((_, warnings)) => {
            let warnings = warnings.iter().map(|warning| format!("warning: {warning}\n"));
            print(warnings.chain(["the configuration is good\n".to_owned()]).collect())
        }
        Err(problems) => complain(MISCONFIGURED, problems),
    }
}

fn print(text: String) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(FAILED),
    }
}

/// The end of a command that has printed what there was to print.
fn done(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => complain(FAILED, [problem]),
    }
}

/// Says everything that is wrong on standard error.
fn complain<P: Display>(status: u8, problems: impl IntoIterator<Item = P>) -> ExitCode {
    let mut out = io::stderr().lock();
    for problem in problems {
        // With standard error closed there is nobody to tell; the status says it.
        let _ = writeln!(out, "error: {problem}");
    }
    ExitCode::from(status)
}
