//! `mvchat user erase`.

use clap::Args;

use crate::{
    command::{DataArgs, print},
    control::{Request, perform},
};

/// The arguments of `erase`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct EraseArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The user's id or login name.
    user: String,
    /// Says that it is meant: nothing brings the user back.
    #[arg(long, required = true)]
    yes: bool,
}

impl EraseArgs {
    /// Prints the signed report; keep it.
    pub(super) fn run(self) -> Result<(), String> {
        let config = self.data.load()?;
        let done = perform(&config, Request::UserErase { user: self.user }, |_| {})?;
        print(done["report"].as_str().unwrap_or_default())
    }
}
