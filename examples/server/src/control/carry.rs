//! Carries requests out, on a chat that runs or on one that was opened for it.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    path::Path,
};

use mvchat_core::{
    Chat,
    builtin::SystemEnv,
    proto::UserId,
    seam::{
        Env,
        audit::{AuditEvent, AuditKind},
        keys::KeyPurpose,
    },
};
use serde_json::{Value, json};

use super::Request;

/// Carries a request out; `tell` hears of the progress.
///
/// # Errors
/// A sentence for the administrator.
pub(super) async fn carry_out(
    chat: &Chat,
    request: Request,
    mut tell: impl FnMut(Value) + Send,
) -> Result<Value, String> {
    match request {
        Request::KeysStatus => {
            let status = chat.key_status().await.map_err(said)?;
            serde_json::to_value(status).map_err(|error| error.to_string())
        }
        Request::KeysRotate { signing } => {
            let purpose = if signing { KeyPurpose::Sign } else { KeyPurpose::Wrap };
            let progress = |told| tell(json!(told));
            let (key, rewrapped) = chat.rotate_keys(purpose, progress).await.map_err(said)?;
            Ok(json!({"key": key.id, "rewrapped": rewrapped}))
        }
        Request::KeysBackedUp { users } => {
            let event = AuditEvent::new(AuditKind::ExportMade, SystemEnv::default().now());
            chat.audit(event.by_operator().object("keys").reason("backup").count(users));
            Ok(Value::Null)
        }
        Request::UserExport { user, into } => {
            let user = find(chat, &user).await?;
            let (manifest, lines) = export(chat, user, &into).await?;
            Ok(json!({"user": user, "lines": lines, "manifest": manifest}))
        }
        Request::UserErase { user } => {
            let user = find(chat, &user).await?;
            let report = chat.erase_user(user).await.map_err(said)?;
            Ok(json!({"user": user, "report": report}))
        }
    }
}

/// Finds a user by id or login name.
async fn find(chat: &Chat, user: &str) -> Result<UserId, String> {
    if let Ok(id) = user.parse::<UserId>() {
        return Ok(id);
    }
    let found = chat.user_named(user).await.map_err(said)?;
    found.ok_or_else(|| format!("there is no user {user}"))
}

async fn export(chat: &Chat, user: UserId, into: &Path) -> Result<(String, u64), String> {
    let failed = |error: io::Error| format!("cannot write in {}: {error}", into.display());
    let mut file = BufWriter::new(create(&into.join("export.jsonl")).map_err(failed)?);
    let mut lines = 0;
    let mut write = |line: &[u8]| {
        lines += 1;
        file.write_all(line)
    };
    let manifest = chat.export_user(user, &mut write).await.map_err(said)?;
    file.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)?;
    let mut file = create(&into.join("manifest.json")).map_err(failed)?;
    file.write_all(manifest.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok((manifest, lines))
}

/// Makes a file that only its owner may read, where there is none.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path)
}

/// The cause is for the administrator's eyes: it names files and keys, never content.
fn said(error: mvchat_core::Error) -> String {
    match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
