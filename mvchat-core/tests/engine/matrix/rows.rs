//! What is asked: one row for each kind of command.

use super::world::Target;
use crate::support::secret;
use serde_json::{Value, json};

/// What a request names, and so whom its answer must not tell anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// A conversation: outsiders get the same answer as if it were not there.
    Conversation,
    /// Another user: whoever they have blocked gets the same answer as if they were not there.
    User,
    /// Something of another user: everybody else gets the same answer as if it were not there.
    Thing,
    /// Nothing of anybody else.
    Nothing,
    /// Nobody: it may be asked without logging in.
    Login,
}

/// The requests of a kind, about a target.
pub(crate) fn row(kind: &str, to: &Target) -> (Names, Vec<Value>) {
    use Names::{Conversation, Login, Nothing, Thing, User};
    let Target { conv, user, seq, session, invite, code } = to;
    let words = json!({"v": 1, "text": "let me in"});
    let group = |action: &str| json!({"group": {"action": action, "id": conv, "user": user}});
    let update = |key: &str, value: Value| {
        let mut request = group("update");
        request["group"][key] = value;
        request
    };
    let get = |what: &str| json!({"get": {"what": what, "conv": conv}});
    let with = |mut request: Value, name: &str, key: &str, value: Value| {
        request[name][key] = value;
        request
    };
    match kind {
        "Hi" => (Login, vec![json!({"hi": {"dev": "box", "ua": "matrix/1"}})]),
        "LoginBasic" => {
            let wrong = |name: &str| json!({"login": {"scheme": "basic", "secret": secret(name)}});
            (Login, vec![wrong("alice"), wrong("nobody")])
        }
        "LoginToken" => (Login, vec![json!({"login": {"scheme": "token", "secret": "a.b.c"}})]),
        "LoginWith" => (Login, vec![json!({"login": {"scheme": "other", "secret": "alice"}})]),
        "SignUp" => {
            let account = json!({"user": "new", "scheme": "basic", "secret": secret("alice")});
            (Login, vec![json!({"acc": account})])
        }
        // It ends the connection: the tests of sessions have it.
        "Logout" => (Nothing, vec![]),
        "ListSessions" => (Nothing, vec![json!({"session": {"list": true}})]),
        "RevokeSession" => (Thing, vec![json!({"session": {"revoke": session}})]),
        "UpdateMe" => {
            let password = json!({"old": "no idea what", "new": "something else"});
            let taken = json!({"acc": {"user": "me", "username": "alice"}});
            (Nothing, vec![taken, json!({"acc": {"user": "me", "secret": password}})])
        }
        "Search" => (Nothing, ["c4n4ry", "a", "%"].map(|query| json!({"search": {"query": query}})).to_vec()),
        "StartDm" => (User, vec![json!({"dm": {"user": user}})]),
        "Settings" => {
            let settings = |key: &str, value: Value| json!({"dm": {"conv": conv, key: value}});
            let all = vec![
                settings("favorite", json!(true)),
                settings("muted", json!(true)),
                settings("archived", json!(true)),
                settings("private", json!({"mine": 1})),
                json!({"group": {"action": "settings", "id": conv, "muted": true}}),
            ];
            (Conversation, all)
        }
        "SetTtl" => (Conversation, vec![json!({"dm": {"conv": conv, "disappearingTTL": 60}})]),
        "SetRetention" => (Conversation, vec![json!({"dm": {"conv": conv, "retention": 3_600}})]),
        "DeleteGroup" => (Conversation, vec![group("delete")]),
        "CreateGroup" => (Nothing, vec![json!({"group": {"action": "create", "cid": "of-matrix"}})]),
        "Invite" => (Conversation, vec![group("invite")]),
        "Leave" => (Conversation, vec![group("leave")]),
        "Kick" => (Conversation, vec![group("kick")]),
        "Ban" => (Conversation, vec![group("ban")]),
        "Unban" => (Conversation, vec![group("unban")]),
        "Mute" => (Conversation, vec![group("mute"), group("unmute")]),
        "CreateLink" => (Conversation, vec![with(group("link"), "group", "create", json!(true))]),
        "RevokeLink" => (Conversation, vec![with(group("link"), "group", "revoke", json!(code))]),
        "ListLinks" => (Conversation, vec![with(group("link"), "group", "list", json!(true))]),
        // A link is what lets in; one that is not known to the asker can only be guessed.
        "Join" => (Nothing, vec![json!({"group": {"action": "join", "link": "AAAAAAAAAAAAAAAAAAAAAA"}})]),
        "UpdateGroup" => {
            let all = vec![
                update("desc", json!({"public": {"fn": "mine"}})),
                update("disappearingTTL", json!(60)),
                update("noScreenshots", json!(true)),
                update("slowMode", json!(5)),
                update("joinable", json!(true)),
                update("retention", json!(3_600)),
                update("systemMessages", json!(true)),
            ];
            (Conversation, all)
        }
        "SetRole" => (Conversation, vec![with(group("role"), "group", "role", json!("admin"))]),
        "Transfer" => (Conversation, vec![group("transfer")]),
        "CreateInvite" => (Nothing, vec![json!({"invite": {"create": {"email": "friend@example.org"}}})]),
        "ListInvites" => (Nothing, vec![json!({"invite": {"list": true}})]),
        "RevokeInvite" => (Thing, vec![json!({"invite": {"revoke": invite}})]),
        "RedeemInvite" => (Nothing, vec![json!({"invite": {"redeem": "AAAAAAAAAAAAAAAAAAAAAA"}})]),
        "AddContact" => (User, vec![json!({"contact": {"add": user}})]),
        "RemoveContact" => (User, vec![json!({"contact": {"remove": user}})]),
        "NameContact" => (User, vec![json!({"contact": {"user": user, "nickname": "pal"}})]),
        "Send" => {
            let send = json!({"send": {"conv": conv, "content": words}});
            let answer = with(send.clone(), "send", "replyTo", json!(seq));
            (Conversation, vec![send.clone(), answer, with(send, "send", "cid", json!("c-1"))])
        }
        "Edit" => (Conversation, vec![json!({"edit": {"conv": conv, "seq": seq, "content": words}})]),
        "Unsend" => (Conversation, vec![json!({"unsend": {"conv": conv, "seq": seq}})]),
        "Delete" => {
            let delete = json!({"delete": {"conv": conv, "seq": seq}});
            (Conversation, vec![delete.clone(), with(delete, "delete", "forEveryone", json!(true))])
        }
        "React" => (Conversation, vec![json!({"react": {"conv": conv, "seq": seq, "emoji": "👍"}})]),
        // Never answered: what matters is that nobody hears it.
        "Typing" => (Nothing, vec![]),
        "Mark" => {
            let mark = |name: &str| json!({name: {"conv": conv, "seq": seq}});
            (Conversation, ["read", "recv", "clear"].map(mark).to_vec())
        }
        "Pin" => {
            let pin = json!({"pin": {"conv": conv, "seq": seq}});
            (Conversation, vec![pin, json!({"pin": {"conv": conv, "seq": 0}})])
        }
        "Report" => {
            (Conversation, vec![json!({"report": {"conv": conv, "seq": seq, "reason": "it is not mine"}})])
        }
        "Get::Conversations" => {
            let since = json!({"get": {"what": "conversations", "since": "0"}});
            let page = json!({"get": {"what": "conversations", "limit": 100}});
            (Nothing, vec![json!({"get": {"what": "conversations"}}), page, since])
        }
        "Get::Conversation" => (Conversation, vec![get("conversation")]),
        "Get::Messages" => {
            let all = vec![
                get("messages"),
                with(get("messages"), "get", "before", json!(100)),
                with(get("messages"), "get", "after", json!(0)),
                with(get("messages"), "get", "around", json!(seq)),
            ];
            (Conversation, all)
        }
        "Get::Members" => (Conversation, vec![get("members")]),
        "Get::Receipts" => (Conversation, vec![get("receipts")]),
        "Get::User" => (User, vec![json!({"get": {"what": "user", "user": user}})]),
        "Get::Contacts" => (Nothing, vec![json!({"get": {"what": "contacts"}})]),
        "Get::Mentions" => (Nothing, vec![json!({"get": {"what": "mentions"}})]),
        "Get::Online" => (Nothing, vec![json!({"get": {"what": "online"}})]),
        "Get::Changes" => {
            let changes = with(get("changes"), "get", "since", json!(0));
            (Conversation, vec![changes.clone(), with(changes, "get", "own", json!(0))])
        }
        other => panic!("`{other}` needs a row: how it is asked, and what it names"),
    }
}
