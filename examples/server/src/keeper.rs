//! Looks after the keys while the server runs.

use std::time::Duration;

use mvchat_core::{
    Chat,
    builtin::keys::KeyPolicy,
    engine::jobs::{Job, Priority},
};

use crate::config::KeysConfig;

/// How often it is looked whether something is due.
const EVERY: Duration = Duration::from_hours(1);

/// Does what is due now and every hour, until dropped.
pub(crate) async fn keep(chat: Chat, policy: KeyPolicy) {
    let mut hours = tokio::time::interval(EVERY);
    loop {
        hours.tick().await;
        let (keys, policy) = (chat.clone(), policy.clone());
        let tending = Job::new("keys", move || {
            let (keys, policy) = (keys.clone(), policy.clone());
            async move { keys.tend_keys(&policy).await.map(drop) }
        });
        // What failed has been logged and told to the audit log; the next hour tries again.
        if let Ok(tending) = chat.jobs().submit(tending.priority(Priority::Low)) {
            tending.await;
        }
    }
}

/// Takes the policy from the configuration, where 0 means never.
pub(crate) fn policy(config: &KeysConfig) -> KeyPolicy {
    let some = |duration: Duration| Some(duration).filter(|duration| !duration.is_zero());
    let mut policy = KeyPolicy::default();
    policy.rotate_wrapping = some(config.rotate_every);
    policy.rotate_signing = some(config.rotate_signing_every);
    policy.destroy_after = some(config.destroy_after);
    policy
}
