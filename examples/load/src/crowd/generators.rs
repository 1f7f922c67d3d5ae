//! The generators of a run, and what they say together.

use super::order::{Counts, Errand, Figures, Order, Told};
use crate::meter::{self, Cpu};
use crate::{Problem, Tried};
use serde::Serialize;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

/// Processes of this program.
pub(super) struct Generators(Vec<Generator>);

struct Generator {
    child: Child,
    orders: ChildStdin,
    /// What it said last.
    counts: Arc<Mutex<Counts>>,
    /// Reads what it says, up to the figures.
    reader: JoinHandle<Tried<Figures>>,
}

impl Generators {
    /// Starts one for each errand.
    ///
    /// # Errors
    /// If one does not start.
    pub(super) async fn start(program: &Path, errands: &[Errand]) -> Tried<Self> {
        let mut all = Self(Vec::with_capacity(errands.len()));
        // All of them before the first errand, so that they are told of the same zero at about the same time.
        for _ in errands {
            all.0.push(Generator::start(program)?);
        }
        for (generator, errand) in all.0.iter_mut().zip(errands) {
            generator.say(errand).await?;
        }
        Ok(all)
    }

    /// Gives all of them the same order.
    ///
    /// # Errors
    /// If one has ended.
    pub(super) async fn tell(&mut self, order: Order) -> Tried<()> {
        for generator in &mut self.0 {
            generator.say(&order).await?;
        }
        Ok(())
    }

    /// What all of them have counted; as of when the slowest has said so.
    pub(super) fn counts(&self) -> Counts {
        let mut sum = Counts { at: u64::MAX, ..Counts::default() };
        for generator in &self.0 {
            let counts = generator.counts.lock().unwrap_or_else(PoisonError::into_inner);
            sum.at = sum.at.min(counts.at);
            sum.ready += counts.ready;
            sum.sent += counts.sent;
            sum.acked += counts.acked;
            sum.delivered += counts.delivered;
            for (what, count) in &counts.errors {
                *sum.errors.entry(what.clone()).or_default() += count;
            }
        }
        sum
    }

    /// Processor time of all, and of this process.
    pub(super) fn cpu(&self) -> Option<Cpu> {
        let mut ids = self.ids().chain([Some(std::process::id())]);
        ids.try_fold(Cpu::default(), |sum, id| Some(sum + meter::cpu(id?)?))
    }

    /// Memory of all, in KiB.
    pub(super) fn resident(&self) -> Option<f64> {
        self.ids().map(|id| meter::resident(id?)).sum()
    }

    fn ids(&self) -> impl Iterator<Item = Option<u32>> {
        self.0.iter().map(|generator| generator.child.id())
    }

    /// Ends them; returns what each has measured.
    ///
    /// # Errors
    /// If one has ended before.
    pub(super) async fn end(mut self) -> Tried<(Vec<Figures>, Counts)> {
        self.tell(Order::End).await?;
        let mut figures = Vec::with_capacity(self.0.len());
        for generator in &mut self.0 {
            figures.push((&mut generator.reader).await??);
        }
        let counts = self.counts();
        for mut generator in self.0 {
            drop(generator.orders);
            generator.child.wait().await?;
        }
        Ok((figures, counts))
    }
}

impl Generator {
    fn start(program: &Path) -> Tried<Self> {
        let mut command = Command::new(program);
        command.args(["bench", "child", "crowd"]).kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let nothing = || Problem::from("a generator without input or output");
        let orders = child.stdin.take().ok_or_else(nothing)?;
        let counts = Arc::new(Mutex::new(Counts::default()));
        let reader = tokio::spawn(read(child.stdout.take().ok_or_else(nothing)?, counts.clone()));
        Ok(Self { child, orders, counts, reader })
    }

    async fn say(&mut self, what: &impl Serialize) -> Tried<()> {
        let mut line = serde_json::to_vec(what)?;
        line.push(b'\n');
        self.orders.write_all(&line).await.map_err(|_| "a generator has ended early")?;
        Ok(())
    }
}

async fn read(said: ChildStdout, counts: Arc<Mutex<Counts>>) -> Tried<Figures> {
    let mut lines = BufReader::new(said).lines();
    while let Some(line) = lines.next_line().await? {
        match serde_json::from_str(&line)? {
            Told::Counts(told) => *counts.lock().unwrap_or_else(PoisonError::into_inner) = told,
            Told::Figures(figures) => return Ok(*figures),
        }
    }
    Err("a generator has ended early".into())
}
