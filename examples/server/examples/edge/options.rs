//! What is measured, and how much of it.

use std::time::Duration;

use crate::Outcome;

const PARTS: [&str; 3] = ["memory", "half-open", "slow"];

/// The choices of a run.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    only: Option<String>,
    /// Idle connections.
    pub(crate) connections: usize,
    /// Half-open connections.
    pub(crate) half_open: usize,
    /// Connections that read messages, and how many of them do so slowly.
    pub(crate) readers: usize,
    pub(crate) slow: usize,
    /// Messages a second.
    pub(crate) rate: u32,
    /// Pairs of runs, without slow readers and with them.
    pub(crate) rounds: usize,
    /// How long each of them takes.
    pub(crate) time: Duration,
}

impl Options {
    pub(crate) fn read(arguments: &[String]) -> Outcome<Self> {
        let mut options = Self {
            only: None,
            connections: 10_000,
            half_open: 5_000,
            readers: 1_000,
            slow: 10,
            rate: 500,
            rounds: 5,
            time: Duration::from_secs(20),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            if PARTS.contains(&argument.as_str()) {
                options.only = Some(argument.clone());
                continue;
            }
            let value = arguments.next().ok_or_else(|| format!("`{argument}` needs a number"))?;
            match argument.as_str() {
                "--connections" => options.connections = value.parse()?,
                "--half-open" => options.half_open = value.parse()?,
                "--readers" => options.readers = value.parse()?,
                "--slow" => options.slow = value.parse()?,
                "--rate" => options.rate = value.parse()?,
                "--rounds" => options.rounds = value.parse()?,
                "--seconds" => options.time = Duration::from_secs(value.parse()?),
                _ => return Err(format!("there is no `{argument}`; parts are {}", PARTS.join(", ")).into()),
            }
        }
        Ok(options)
    }

    pub(crate) fn wants(&self, part: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == part)
    }
}
