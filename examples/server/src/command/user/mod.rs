//! `mvchat user`: what an administrator does with accounts.

mod erase;
mod export;
mod report;

use clap::Subcommand;

pub use erase::EraseArgs;
pub use export::ExportArgs;
pub use report::ReportArgs;

/// What can be done with users.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Write everything that a user could see into a folder, with a signed manifest.
    Export(ExportArgs),
    /// Erase a user for good: account, messages, and the key that everything else was sealed with.
    Erase(EraseArgs),
    /// Check a signed manifest with its files, or the report of an erasure.
    Check(ReportArgs),
}

impl UserCommand {
    /// Does it.
    ///
    /// # Errors
    /// A sentence for the administrator.
    pub fn run(self) -> Result<(), String> {
        match self {
            Self::Export(args) => args.run(),
            Self::Erase(args) => args.run(),
            Self::Check(args) => args.run(),
        }
    }
}
