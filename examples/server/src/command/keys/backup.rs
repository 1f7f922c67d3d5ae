//! `mvchat keys backup` and `restore`.

use std::{
    fs::{self, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use mvchat_core::{
    builtin::keys::{Backup, BackupSecret},
    proto::UserId,
};
use zeroize::Zeroizing;

use super::{DataArgs, now, print, tell};
use crate::{
    chat,
    control::{Request, perform},
};

/// What protects a backup: exactly one of these.
#[derive(Debug, Default, Args)]
#[group(required = true, multiple = false)]
#[non_exhaustive]
pub(super) struct SecretArgs {
    /// File whose first line is the passphrase, 12 characters or more; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// File with a recovery key, as `mvchat keys generate --recovery-key` prints it; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    recovery_key_file: Option<PathBuf>,
}

/// The arguments of `backup`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct BackupArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    secret: SecretArgs,
    /// The file to write; must not be there.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// The arguments of `restore`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct RestoreArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    secret: SecretArgs,
    /// The file to read.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// A user who was erased after the backup was made, and whose key must not come back; may be given several times.
    #[arg(long, value_name = "USER")]
    without: Vec<UserId>,
}

impl BackupArgs {
    pub(super) fn run(self) -> Result<(), String> {
        let config = self.data.load()?;
        let secret = self.secret.read()?;
        let ring = chat::open_ring(&config).map_err(|error| error.to_string())?;
        let runtime = runtime()?;
        let users = runtime.block_on(async {
            let vault = chat::open_vault(&config).await.map_err(|error| error.to_string())?;
            let backup = Backup::read(&ring, &*vault, now()).await.map_err(|error| error.to_string())?;
            backup.check().await.map_err(|error| error.to_string())?;
            let sealed = backup.seal(&secret).map_err(|error| error.to_string())?;
            write_new(&self.to, &sealed)?;
            // What cannot be read back is no backup.
            let back = fs::read(&self.to).map_err(|error| failed("cannot read back", &self.to, &error))?;
            let back = Backup::open(&back, &secret).map_err(|error| error.to_string())?;
            back.check().await.map_err(|error| error.to_string())?;
            Ok::<_, String>(back.users())
        })?;
        drop(runtime);
        if let Err(error) = perform(&config, Request::KeysBackedUp { users: users as u64 }, |_| {}) {
            tell(&format!("warning: the audit log could not be told: {error}"));
        }
        print(&format!("{} holds the ring and the keys of {users} users\n", self.to.display()))
    }
}

impl RestoreArgs {
    pub(super) fn run(self) -> Result<(), String> {
        let config = self.data.load()?;
        let secret = self.secret.read()?;
        let sealed = fs::read(&self.from).map_err(|error| failed("cannot read", &self.from, &error))?;
        let backup = Backup::open(&sealed, &secret).map_err(|error| error.to_string())?;
        let without: Vec<_> = self.without.iter().map(|user| user.0).collect();
        let dir = chat::keys_folder(&config);
        let users = runtime()?.block_on(async {
            let vault = chat::open_vault(&config).await.map_err(|error| error.to_string())?;
            backup.restore(&dir, &*vault, &without).await.map_err(|error| error.to_string())
        })?;
        let (made, dir) = (backup.made(), dir.display());
        print(&format!("{dir} has the ring and the keys of {users} users again, as of {made}\n"))
    }
}

impl SecretArgs {
    fn read(&self) -> Result<BackupSecret, String> {
        match (&self.passphrase_file, &self.recovery_key_file) {
            (Some(path), _) => {
                let text = secret_text(path)?;
                let line = text.lines().next().unwrap_or_default();
                Ok(BackupSecret::Passphrase(Zeroizing::new(line.to_owned())))
            }
            (None, Some(path)) => {
                BackupSecret::recovery_key(&secret_text(path)?).map_err(|error| error.to_string())
            }
            (None, None) => Err("a passphrase or a recovery key is needed".to_owned()),
        }
    }
}

fn secret_text(path: &Path) -> Result<Zeroizing<String>, String> {
    let mut text = Zeroizing::new(String::new());
    let read = match path.to_str() {
        Some("-") => std::io::stdin().lock().take(4_096).read_to_string(&mut text),
        _ => fs::File::open(path).and_then(|file| file.take(4_096).read_to_string(&mut text)),
    };
    read.map_err(|error| failed("cannot read", path, &error))?;
    Ok(text)
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.write(true).create_new(true).open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| failed("cannot write", path, &error))
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> String {
    format!("{what} {}: {error}", path.display())
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())
}
