//! `mvchat user export`.

use std::path::PathBuf;

use clap::Args;

use crate::{
    command::{DataArgs, print},
    control::{Request, perform},
};

/// The arguments of `export`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct ExportArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The user's id or login name.
    user: String,
    /// The folder to make, for `export.jsonl` and `manifest.json`; must not be there.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

impl ExportArgs {
    pub(super) fn run(self) -> Result<(), String> {
        let config = self.data.load()?;
        let failed = |error: std::io::Error| format!("cannot make {}: {error}", self.to.display());
        let mut folder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(&self.to).map_err(failed)?;
        let into = self.to.canonicalize().map_err(failed)?;
        let done = perform(&config, Request::UserExport { user: self.user, into }, |_| {})?;
        print(&format!("{} lines about user {} are in {}\n", done["lines"], done["user"], self.to.display()))
    }
}
