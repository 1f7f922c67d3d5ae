//! The servers of a run, which have one database.

use crate::Tried;
use crate::meter::{self, Cpu};
use crate::own::Own;
use crate::target::Plan;
use futures_util::future::try_join_all;

/// Servers of our own.
pub(super) struct Nodes(Vec<Own>);

impl Nodes {
    /// Starts so many on a new database.
    ///
    /// # Errors
    /// With what one of them said.
    pub(super) async fn start(plan: &Plan, count: usize) -> Tried<Self> {
        let mut first = Own::prepare(plan).await?;
        first.start().await?;
        let mut all = vec![first];
        for _ in 1..count {
            let mut next = all[0].prepare_beside(plan)?;
            next.start().await?;
            all.push(next);
        }
        Ok(Self(all))
    }

    /// The address of each WebSocket.
    pub(super) fn urls(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(Own::url)
    }

    /// Where each listens, as host and port.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Own::address)
    }

    /// Processor time of all.
    pub(super) fn cpu(&self) -> Option<Cpu> {
        self.0.iter().try_fold(Cpu::default(), |sum, node| Some(sum + meter::cpu(node.id()?)?))
    }

    /// Processor time of the database's server, if it runs here.
    pub(super) fn database_cpu(&self) -> Option<Cpu> {
        self.0.first()?.database.as_ref()?.cpu()
    }

    /// Memory of all, in KiB.
    pub(super) fn resident(&self) -> Option<f64> {
        self.0.iter().map(|node| meter::resident(node.id()?)).sum()
    }

    /// Ends all, and removes their data.
    ///
    /// # Errors
    /// If the database can't be removed.
    pub(super) async fn finish(mut self) -> Tried<()> {
        try_join_all(self.0.iter_mut().map(Own::stop)).await?;
        for node in self.0 {
            node.finish().await?;
        }
        Ok(())
    }
}
