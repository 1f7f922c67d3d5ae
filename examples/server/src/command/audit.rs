//! `mvchat audit`: look at the audit log.

use clap::Subcommand;
use mvchat_core::builtin::audit;

use super::{DataArgs, open_keys, print};

/// What can be done with the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check that no line was changed, moved, put in or taken out; exits with 1 if one was.
    Verify {
        /// Which data.
        #[command(flatten)]
        data: DataArgs,
        /// The chain's last link as another machine was told it; it must be the one that is there.
        #[arg(long, value_name = "HEX")]
        chain: Option<String>,
    },
    /// Print the newest events, one JSON object per line.
    Tail {
        /// Which data.
        #[command(flatten)]
        data: DataArgs,
        /// How many.
        #[arg(short = 'n', long, default_value_t = 20)]
        lines: usize,
    },
}

impl AuditCommand {
    /// Does it.
    ///
    /// # Errors
    /// A sentence for the administrator.
    pub fn run(self) -> Result<(), String> {
        match self {
            Self::Verify { data, chain } => {
                let config = data.load()?;
                let keys = open_keys(&config)?;
                let folder = crate::chat::audit_folder(&config);
                let found = audit::verify(&folder, &keys).map_err(|error| error.to_string())?;
                if chain.is_some_and(|chain| !chain.eq_ignore_ascii_case(&found.chain)) {
                    return Err(format!("the log is whole, but its chain ends with {}", found.chain));
                }
                let torn = if found.torn { "; half a line at the end, as a crash leaves it" } else { "" };
                print(&format!(
                    "events {} to {} are whole, the head vouches up to {}{torn}\nchain {}\n",
                    found.first, found.last, found.head, found.chain
                ))
            }
            Self::Tail { data, lines } => {
                let config = data.load()?;
                let found = audit::tail(&crate::chat::audit_folder(&config), lines);
                let found = found.map_err(|error| format!("cannot read the audit log: {error}"))?;
                print(&found.into_iter().map(|line| line + "\n").collect::<String>())
            }
        }
    }
}
