//! What this server says besides: every addition is a new key or a new kind of notice, which a client ignores.

/// A key or kind that the original does not have.
pub(crate) struct Addition {
    /// The place of the key, or the kind of the frame.
    pub(crate) at: &'static str,
    /// What the protocol says about it.
    pub(crate) decision: &'static str,
}

const fn add(at: &'static str, decision: &'static str) -> Addition {
    Addition { at, decision }
}

pub(crate) const ADDITIONS: &[Addition] = &[
    add("ctrl.err", "7"),
    add("ctrl.params.caps", "§3 hi"),
    add("ctrl.params.limits", "§3 hi"),
    add("ctrl.params.unicode", "§3 hi"),
    add("ctrl.params.retryAfter", "7"),
    add("ctrl.params.session", "34"),
    add("ctrl.params.desc.private", "30"),
    add("ctrl.params.private", "30"),
    add("ctrl.params.rev", "§2"),
    add("ctrl.params.own", "§2"),
    add("ctrl.params.more", "§2 get messages"),
    add("ctrl.params.since", "§2 get conversations"),
    add("ctrl.params.delivered", "§5 send"),
    add("ctrl.params.op", "20"),
    add("ctrl.params.count", "20"),
    add("ctrl.params.conv", "23"),
    add("ctrl.params.user.lastSeen", "36"),
    add("ctrl.params.members[].role", "36"),
    add("ctrl.params.conversations[].archived", "§2"),
    add("ctrl.params.conversations[].blocked", "§2"),
    add("ctrl.params.conversations[].clearSeq", "§2"),
    add("ctrl.params.conversations[].own", "§2"),
    add("ctrl.params.conversations[].private", "§2"),
    add("ctrl.params.conversations[].recvSeq", "§2"),
    add("ctrl.params.conversations[].rev", "§2"),
    add("ctrl.params.conversations[].role", "§2"),
    add("ctrl.params.conversation.archived", "§2"),
    add("ctrl.params.conversation.blocked", "§2"),
    add("ctrl.params.conversation.clearSeq", "§2"),
    add("ctrl.params.conversation.own", "§2"),
    add("ctrl.params.conversation.private", "§2"),
    add("ctrl.params.conversation.recvSeq", "§2"),
    add("ctrl.params.conversation.rev", "§2"),
    add("ctrl.params.conversation.role", "§2"),
    add("ctrl.params.messages[].rev", "§2"),
    add("ctrl.params.messages[].head.reply", "8"),
    add("ctrl.params.messages[].head.mentions[].offset", "8"),
    add("ctrl.params.mentions[].rev", "§2"),
    add("ctrl.params.mentions[].head.mentions[].offset", "8"),
    add("data.rev", "§2"),
    add("data.head.mentions[].offset", "8"),
    add("info edit.rev", "§2"),
    add("info unsend.rev", "§2"),
    add("info delete.rev", "§2"),
    add("info react.rev", "§2"),
    add("info react.op", "20"),
    add("info react.count", "20"),
    add("info pin.rev", "§2"),
    add("info unpin.rev", "§2"),
    add("info disappearing_updated.rev", "§2"),
    add("info conv_added", "16"),
    add("info own", "§2"),
    add("info expired", "22"),
];

pub(crate) fn allowed(at: &str) -> bool {
    ADDITIONS.iter().any(|addition| addition.at == at)
}
