//! Everything that a user could see, for the user.

use super::chat::{Chat, Inner};
use super::dispatch::Ctx;
use super::underway::Going;
use crate::builtin::report::{self, Report, ReportFile};
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{ConvEntry, ConvId, ConvItem, ConvPage, MessagePage, ReplyParams, Seq, UserId};
use crate::seam::audit::{AuditEvent, AuditKind};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

/// The name that the manifest gives the file.
pub(super) const FILE: &str = "export.jsonl";

/// The most conversations and messages that are read at once.
const PAGE: usize = 100;

/// Where an export goes, and what went there.
struct Lines<'a> {
    write: &'a mut (dyn FnMut(&[u8]) -> io::Result<()> + Send),
    digest: Sha256,
    bytes: u64,
    lines: u64,
}

impl Lines<'_> {
    fn put(&mut self, line: &impl Serialize) -> Result<()> {
        let internal = |error: io::Error| Error::from(ErrorKind::Internal).with_source(error);
        let mut text = serde_json::to_vec(line).map_err(|error| internal(error.into()))?;
        text.push(b'\n');
        (self.write)(&text).map_err(internal)?;
        self.digest.update(&text);
        self.bytes += text.len() as u64;
        self.lines += 1;
        Ok(())
    }
}

impl Chat {
    /// Writes everything that a user could see as JSON lines, and returns the signed manifest of it.
    ///
    /// Each line has a `kind`: first the `account` (profile, private data, language, when it was made), then the user's
    /// `session`s, `contact`s, `invite`s and `file`s (what is known of them), then each `conversation` with its `member`s and its `message`s, the oldest
    /// first, just as the user's clients are shown them: what was hidden, cleared, deleted or sent while the user was no
    /// member is not there. `write` is handed one line at a time. The manifest names the file `export.jsonl`.
    ///
    /// # Errors
    /// `NotFound` if there is no such user or the account is deleted; `Unavailable`, `Internal` (also if `write` fails).
    pub async fn export_user(
        &self,
        user: UserId,
        write: &mut (dyn FnMut(&[u8]) -> io::Result<()> + Send),
    ) -> Result<String> {
        let inner = &self.0;
        let _token = inner.closing.commands.token();
        let mut lines = Lines { write, digest: Sha256::new(), bytes: 0, lines: 0 };
        inner.export_account(user, &mut lines).await?;
        inner.export_conversations(user, &mut lines).await?;
        let at = inner.env.now();
        let Lines { digest, bytes, lines, .. } = lines;
        let mut sha256 = String::with_capacity(64);
        for byte in digest.finalize() {
            // Writing to a string can't fail.
            let _ = write!(sha256, "{byte:02x}");
        }
        let files = vec![ReportFile { name: FILE.to_owned(), bytes, lines, sha256 }];
        let manifest = report::sign(&inner.keys, &Report::of_export(user, at, files));
        self.audit(AuditEvent::new(AuditKind::ExportMade, at).by_operator().user(user).count(lines));
        manifest.map_err(|error| Error::from(ErrorKind::Internal).with_source(error))
    }
}

impl Inner {
    pub(super) fn ctx(self: &Arc<Self>, user: UserId) -> Ctx {
        let going = Going::begin(self, user);
        Ctx { inner: self.clone(), going, user, identity: None, warrant: None, origin: None, turn: None }
    }

    async fn export_account(self: &Arc<Self>, user: UserId, lines: &mut Lines<'_>) -> Result<()> {
        let row = self.store.users(&[user]).await?.into_iter().flatten().next();
        let row = row.filter(|row| row.state.exists()).ok_or_else(super::dispatch::no_user)?;
        let account = self.account_params(&row).await?;
        let (created_at, last_seen) = (row.created_at, row.last_seen);
        lines.put(
            &json!({"kind": "account", "createdAt": created_at, "lastSeen": last_seen, "account": account}),
        )?;
        if let ReplyParams::Sessions(sessions) = self.ctx(user).list_sessions().await?.params {
            for session in sessions.sessions {
                lines.put(&json!({"kind": "session", "session": session}))?;
            }
        }
        if let ReplyParams::Contacts(contacts) = self.ctx(user).get_contacts().await?.params {
            for contact in contacts.contacts {
                lines.put(&json!({"kind": "contact", "contact": contact}))?;
            }
        }
        if let ReplyParams::Invites(invites) = self.ctx(user).list_invites().await?.params {
            for invite in invites.invites {
                lines.put(&json!({"kind": "invite", "invite": invite}))?;
            }
        }
        for file in self.all_files(user).await? {
            lines.put(&json!({"kind": "file", "file": file}))?;
        }
        Ok(())
    }

    async fn export_conversations(self: &Arc<Self>, user: UserId, lines: &mut Lines<'_>) -> Result<()> {
        for item in self.all_conversations(user).await? {
            let conv = item.id;
            lines.put(&json!({"kind": "conversation", "conversation": item}))?;
            if let ReplyParams::Members(members) = self.ctx(user).get_members(conv).await?.params {
                for member in members.members {
                    lines.put(&json!({"kind": "member", "conv": conv, "member": member}))?;
                }
            }
            self.export_messages(user, conv, lines).await?;
        }
        Ok(())
    }

    async fn export_messages(
        self: &Arc<Self>,
        user: UserId,
        conv: ConvId,
        lines: &mut Lines<'_>,
    ) -> Result<()> {
        let mut after = Seq(0);
        loop {
            self.closing.admit()?;
            let reply = self.ctx(user).get_messages(conv, MessagePage::After(after), PAGE).await?;
            let ReplyParams::Messages(page) = reply.params else { return Err(ErrorKind::Internal.into()) };
            for message in page.messages.iter().rev() {
                after = message.seq;
                lines.put(&json!({"kind": "message", "conv": conv, "message": message}))?;
            }
            if !page.more || page.messages.is_empty() {
                return Ok(());
            }
        }
    }

    /// Returns every conversation of a user.
    pub(super) async fn all_conversations(self: &Arc<Self>, user: UserId) -> Result<Vec<ConvItem>> {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            self.closing.admit()?;
            let page = ConvPage::Page { before, limit: PAGE };
            let reply = self.ctx(user).get_conversations(page).await?;
            let ReplyParams::Conversations(page) = reply.params else {
                return Err(ErrorKind::Internal.into());
            };
            found.extend(page.conversations.into_iter().filter_map(|entry| match entry {
                ConvEntry::Here(item) => Some(*item),
                ConvEntry::Gone(_) => None,
            }));
            before = page.next;
            if before.is_none() {
                return Ok(found);
            }
        }
    }
}
