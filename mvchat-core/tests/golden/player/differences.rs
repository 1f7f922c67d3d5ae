//! Where this server differs from the original on purpose: all of it.

use Ours::{Also, Inline, Is, Nothing, Reply, SameId};

/// One difference, in one place of the protocol, at these steps.
pub(crate) struct Difference {
    /// The recording.
    pub(crate) scenario: &'static str,
    /// The numbers of the requests after which it shows.
    pub(crate) steps: &'static [u32],
    /// Which frame, and which field in it.
    pub(crate) at: &'static str,
    /// What is there instead.
    pub(crate) ours: Ours,
    /// What decides it.
    pub(crate) decision: &'static str,
    /// What that comes to here.
    pub(crate) why: &'static str,
}

/// What this server says where the original said something else.
pub(crate) enum Ours {
    /// A `ctrl` with this code and text.
    Reply(&'static str),
    /// This value, with the placeholders of the recording.
    Is(&'static str),
    /// Nothing.
    Nothing,
    /// A frame or a key that the original did not have here.
    Also,
    /// The id of a request, where the original lost it.
    SameId,
    /// The content itself, where the original gave base64 of its JSON.
    Inline,
}

const fn row(
    scenario: &'static str,
    steps: &'static [u32],
    (at, ours): (&'static str, Ours),
    decision: &'static str,
    why: &'static str,
) -> Difference {
    Difference { scenario, steps, at, ours, decision, why }
}

const fn t1(
    steps: &'static [u32],
    at: &'static str,
    ours: Ours,
    decision: &'static str,
    why: &'static str,
) -> Difference {
    row("t1", steps, (at, ours), decision, why)
}

const fn t2(
    steps: &'static [u32],
    at: &'static str,
    ours: Ours,
    decision: &'static str,
    why: &'static str,
) -> Difference {
    row("t2", steps, (at, ours), decision, why)
}

#[rustfmt::skip] // A table.
pub(crate) const DIFFERENCES: &[Difference] = &[
    // The envelope.
    t1(&[15], "ctrl", Reply("200 ok"), "3", "a request without id is carried out"),
    t1(&[21], "ctrl", Reply("400 missing message type"), "4", "keys are case-sensitive"),
    t1(&[21], "ctrl.id", Nothing, "4", "so is the key `id`"),
    t1(&[25, 27, 29], "ctrl.id", SameId, "3", "the id is echoed also when a field has the wrong type"),
    t1(&[29], "ctrl", Reply("401 authentication required"), "4", "1.0 is an integer, so the next check answers"),
    t1(&[161], "ctrl", Nothing, "5", "the limit counts bytes after inflation"),
    t1(&[161], "close", Is("{\"close\":1009}"), "5", "more than 64 KiB closes the connection"),
    t2(&[516], "ctrl.id", SameId, "3", "the id is echoed also on 429"),
    // Accounts and tokens.
    t1(&[105], "ctrl", Reply("409 username already taken"), "28", "user names are unique on a case-folded form"),
    t1(&[115], "ctrl", Reply("400 invalid language"), "28", "a length is a 400"),
    t1(&[147], "ctrl", Reply("401 invalid token"), "26", "exp is required"),
    t1(&[149], "ctrl", Reply("401 invalid token"), "26", "iss is checked"),
    t1(&[151], "ctrl", Reply("401 invalid token"), "26", "HS256 only"),
    t1(&[155], "ctrl.text", Is("\"invalid token\""), "26", "the user's id is required"),
    // Users and ids.
    t2(&[23], "ctrl.params.users[]", Nothing, "33", "% is literal"),
    t2(&[43, 45], "ctrl", Reply("400 invalid user id"), "4", "ids only in hyphenated form"),
    t2(&[515], "close", Nothing, "13", "the original crashed"),
    t2(&[515], "ctrl", Reply("404 user not found"), "13", "a user who does not exist is a 404"),
    // Content.
    t2(&[79, 105], "ctrl", Reply("400 invalid content"), "11", "null and 42 are no Irido; a text is sent in their place"),
    t2(&[110, 114], "ctrl", Reply("400 invalid content"), "11", "[] and v 9 are no Irido; what follows has lower numbers"),
    t2(&[110, 114], "data", Nothing, "11", "so nobody hears of it"),
    t2(&[86, 132, 179, 233, 340], "ctrl", Reply("400 invalid content"), "6", "fields are checked before what they are about"),
    t2(&[182], "ctrl", Reply("400 invalid content"), "11", "{} is no Irido; a text is sent in its place"),
    t2(&[93], "data.content", Is("{\"text\":\"just a string\",\"v\":1}"), "8", "a bare string is wrapped"),
    t2(&[151, 157], "ctrl.params.messages[].content", Is("{\"text\":\"just a string\",\"v\":1}"), "8", "also in history"),
    t2(&[169, 371], "ctrl.params.mentions[].content", Inline, "8", "mentions have inline JSON"),
    t2(&[151, 153, 155, 157, 260, 322, 369], "ctrl.params.messages[].content", Inline, "8", "history has inline JSON"),
    // Marks.
    t2(&[139, 324], "ctrl.params.conversations[].readSeq", Is("3"), "14", "what one sends is read, when everything before is"),
    t2(&[147, 391], "ctrl.params.conversation.readSeq", Is("3"), "14", "what one sends is read, when everything before is"),
    t2(&[161, 286, 314], "ctrl.params.receipts[].readSeq", Is("3"), "14", "what one sends is read, when everything before is"),
    t2(&[161, 286], "ctrl.params.receipts[].recvSeq", Is("3"), "14", "and what is read was received"),
    t2(&[139, 324], "ctrl.params.conversations[].unread", Is("2"), "15", "only messages of others count"),
    t2(&[147], "ctrl.params.conversation.unread", Is("2"), "15", "only messages of others count"),
    t2(&[391], "ctrl.params.conversation.unread", Is("1"), "15", "messages deleted for oneself do not count"),
    t2(&[278], "ctrl.params.seq", Is("5"), "14", "what one has sent is read, as soon as everything before is"),
    t2(&[278], "info read.seq", Is("5"), "14", "what one has sent is read, as soon as everything before is"),
    t2(&[282], "ctrl.params.seq", Is("5"), "14", "a mark never goes back"),
    t2(&[286], "ctrl.params.receipts[].readSeq", Is("5"), "14", "a mark never goes back"),
    t2(&[286], "ctrl.params.receipts[].recvSeq", Is("5"), "14", "and what is read was received"),
    t2(&[310], "ctrl.params.seq", Is("4"), "14", "a mark never goes back"),
    t2(&[326], "ctrl.params.seq", Is("2"), "14", "a mark never goes back"),
    t2(&[282], "info read", Nothing, "14", "a mark that did not move is not announced"),
    t2(&[310], "info recv", Nothing, "14", "a mark that did not move is not announced"),
    t2(&[288], "ctrl.params.seq", Is("9"), "14", "a mark never passes the last message"),
    t2(&[288], "info read.seq", Is("9"), "14", "a mark never passes the last message"),
    t2(&[292], "ctrl.params.conversations[].readSeq", Is("9"), "14", "a mark never passes the last message"),
    t2(&[314], "ctrl.params.receipts[].readSeq", Is("9"), "14", "a mark never passes the last message"),
    t2(&[314], "ctrl.params.receipts[].recvSeq", Is("9"), "14", "a mark never passes the last message"),
    t2(&[415], "ctrl.params.conversation.readSeq", Is("9"), "14", "a mark never passes the last message"),
    t2(&[292], "ctrl.params.conversations[].unread", Is("0"), "15", "never negative"),
    t2(&[415], "ctrl.params.conversation.unread", Is("0"), "15", "never negative"),
    t2(&[369], "ctrl.params.messages[]", Nothing, "14", "the clear mark did not go back, so message 2 stays hidden"),
    t2(&[381], "ctrl", Reply("404 message not found"), "14", "nor does message 1 come back"),
    t2(&[381], "info pin", Nothing, "14", "so it can't be pinned"),
    // Membership.
    t2(&[294, 299, 304], "ctrl", Reply("403 not a member"), "12", "outsiders have no marks"),
    t2(&[294], "info read", Nothing, "12", "outsiders have no marks"),
    t2(&[299], "info recv", Nothing, "12", "outsiders have no marks"),
    t2(&[367], "ctrl", Reply("403 not a member"), "12", "outsiders can't delete for themselves"),
    t2(&[377], "ctrl", Reply("403 not a member"), "13", "a conversation that does not exist looks like one of others"),
    // Messages.
    t2(&[240], "ctrl", Reply("404 message not found"), "13", "the original failed"),
    t2(&[254], "ctrl", Reply("400 invalid emoji"), "20", "one grapheme cluster"),
    t2(&[254], "info react", Nothing, "20", "one grapheme cluster"),
    t2(&[260], "ctrl.params.messages[].head.reactions.this is no emoji this is no emoji this is no emoji this is no emoji this is no emoji ", Nothing, "20", "one grapheme cluster"),
    t2(&[268], "info typing", Nothing, "37", "once in two seconds"),
    t2(&[353, 361], "info delete", Nothing, "§2", "what is deleted already does not change, so it has no rev and no notice"),
    t2(&[369], "ctrl.params.messages[].head.edit_count", Nothing, "19", "a tombstone says `unsent` only"),
    t2(&[369], "ctrl.params.messages[].head.edited_at", Nothing, "19", "a tombstone says `unsent` only"),
    // What disappears.
    t2(&[369], "ctrl.params.messages[].content", Nothing, "22", "what all have read is gone for everybody"),
    t2(&[369], "ctrl.params.messages[].head.view_once", Nothing, "22", "what all have read is gone for everybody"),
    t2(&[369], "ctrl.params.messages[].head.view_once_ttl", Nothing, "22", "what all have read is gone for everybody"),
    t2(&[369], "ctrl.params.messages[].head.expired", Also, "22", "what all have read is gone for everybody"),
    t2(&[369], "ctrl.params.messages[].viewOnce", Nothing, "22", "what all have read is gone for everybody"),
    t2(&[369], "ctrl.params.messages[].deleted", Also, "22", "what all have read is gone for everybody"),
    t2(&[404], "ctrl", Reply("410 message deleted"), "22", "what has expired for everybody is not edited"),
    // Blocks.
    t2(&[404], "info edit", Nothing, "21", "no edits across a block"),
    t2(&[408], "info typing", Nothing, "21", "no typing across a block"),
    t2(&[411], "ctrl", Reply("403 unblock first"), "21", "the blocker does not send either"),
    t2(&[411], "data", Nothing, "21", "the blocker does not send either"),
    t2(&[415], "ctrl.params.conversation.user.online", Is("false"), "21", "presence is hidden across a block"),
    t2(&[415], "ctrl.params.conversation.user.lastSeen", Is("null"), "21", "last seen is hidden across a block"),
    // Contacts.
    t2(&[437], "ctrl", Reply("400 failed to update nickname"), "28", "a length is a 400"),
    // Invites.
    t2(&[467, 473], "ctrl", Reply("404 invite not found or already used"), "13", "the original failed; a 404 was meant"),
    t2(&[486], "ctrl", Reply("403 password change required"), "29", "a password that has to be changed is changed first"),
    // Logging in twice.
    t2(&[500], "data", Nothing, "27", "a connection is registered once, so nothing comes twice"),
    t2(&[504], "pres off", Nothing, "27", "a connection is registered once, so nothing comes twice"),
    t2(&[508], "pres on", Nothing, "27", "a connection is registered once, so nothing comes twice"),
    t2(&[512], "pres off", Also, "27", "nobody stays online after the last connection"),
    t2(&[513], "ctrl.params.user.online", Is("false"), "27", "nobody stays online after the last connection"),
];
