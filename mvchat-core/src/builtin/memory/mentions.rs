//! Mentions in memory: looked for in all messages.

use super::State;
use crate::policy::MessageState;
use crate::proto::UserId;
use crate::seam::Mention;
use std::cmp::Reverse;

impl State {
    pub(super) fn mentions(&self, viewer: UserId, limit: usize) -> Vec<Mention> {
        let mut found = Vec::new();
        for (conv, chat) in &self.chats {
            let Some(mine) = chat.mine(viewer) else { continue };
            let mentions = chat.messages.values().filter(|message| {
                message.body.state == MessageState::Live
                    && message.body.mentions.contains(&viewer)
                    && mine.sees(message.seq)
            });
            found.extend(mentions.map(|message| Mention {
                conv: *conv,
                message: message.clone(),
                replied: message.reply_to.and_then(|seq| chat.visible(mine, seq)).cloned(),
            }));
        }
        found.sort_by_key(|mention| Reverse((mention.message.ts, mention.conv, mention.message.seq)));
        found.truncate(limit);
        found
    }
}
