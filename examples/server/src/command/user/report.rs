//! `mvchat user check`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use mvchat_core::builtin::report::{self, Report, ReportFile};
use sha2::{Digest, Sha256};

use crate::command::{DataArgs, open_keys, print};

/// The arguments of `check`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct ReportArgs {
    #[command(flatten)]
    data: DataArgs,
    /// `manifest.json` of an export, with its files beside it, or the report that `erase` printed.
    report: PathBuf,
}

impl ReportArgs {
    pub(super) fn run(self) -> Result<(), String> {
        let Self { data, report: file } = self;
        let keys = open_keys(&data.load()?)?;
        let path = file.display();
        let text = fs::read_to_string(&file).map_err(|error| format!("cannot read {path}: {error}"))?;
        let report = report::check(&keys, &text);
        let report = report.ok_or_else(|| format!("{path} was changed, or another server signed it"))?;
        for listed in &report.files {
            check(&file.with_file_name(&listed.name), listed)?;
        }
        let Report { report, user, at, files, .. } = report;
        print(&format!(
            "{path}: {report:?} of user {user} at {at}, {} files; all as it was signed\n",
            files.len()
        ))
    }
}

fn check(path: &Path, listed: &ReportFile) -> Result<(), String> {
    let bytes = fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() as u64 != listed.bytes || digest != listed.sha256 {
        return Err(format!("{} was changed", path.display()));
    }
    Ok(())
}
