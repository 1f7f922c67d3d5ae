//! Two people with secrets, and a third who wants to know them.

use super::log;
use crate::door::{Door, SOCKET};
use crate::support::{User, server, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mvchat_core::Chat;
use mvchat_core::proto::Close;
use serde_json::{Value, json};

/// What is in every secret.
pub(super) const CANARY: &str = "c4n4ry";
/// What a stranger is up to.
pub(super) const STANDINGS: [Standing; 7] = [
    Standing::Never,
    Standing::Removed,
    Standing::Left,
    Standing::Blocked,
    Standing::Elsewhere,
    Standing::Suspended,
    Standing::Revoked,
];

/// Where somebody stands who has no business with the secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Was never in the group.
    Never,
    /// Was removed from it.
    Removed,
    /// Has left it.
    Left,
    /// Is blocked by one of its members.
    Blocked,
    /// Is in another group.
    Elsewhere,
    /// Is a member, but the account is suspended.
    Suspended,
    /// Is a member, but the session was revoked.
    Revoked,
}

impl Standing {
    /// Whether there is still a session.
    pub(super) fn is_logged_in(self) -> bool {
        !matches!(self, Self::Suspended | Self::Revoked)
    }
}

/// What a request can be about.
pub(crate) struct Target {
    pub(super) conv: String,
    pub(super) user: String,
    pub(super) seq: u64,
    pub(super) session: String,
    pub(super) invite: String,
    pub(super) code: String,
}

impl Target {
    /// What is not there.
    pub(crate) fn unknown(seq: u64) -> Self {
        let id = |n: u8| format!("00000000-0000-7000-8000-0000000000{n:02x}");
        Self { conv: id(1), user: id(2), seq, session: id(3), invite: id(4), code: "B".repeat(22) }
    }
}

pub(super) struct World {
    /// Stays open as long as there is somebody inside.
    _door: Box<dyn Door>,
    /// Owns the group, and has blocked the stranger if anybody has.
    pub(super) alice: User,
    /// Is in the group.
    pub(super) bella: User,
    /// Has no business there.
    pub(super) mallory: User,
    /// The direct conversation of Alice and the stranger, if one has blocked the other.
    pub(super) dm: Option<String>,
    pub(super) target: Target,
    secrets: Vec<String>,
}

impl World {
    /// Makes a world that is reached through `D`.
    pub(super) async fn new<D: Door>(standing: Standing) -> Self {
        log::keep();
        let chat = server().await;
        let door = D::open(chat.clone()).await;
        let (mut alice, alice_secret) = insider(&door, "alice").await;
        let (mut bella, bella_secret) = insider(&door, "bella").await;
        let mut mallory = User::sign_up_over(door.connect(SOCKET).await, "mallory").await;
        let conv = alice.group(&[&bella]).await;
        let dm = stand(&chat, &door, standing, &conv, &mut alice, &mut mallory).await;
        if standing.is_logged_in() {
            mallory.wire.settle().await;
        } else {
            // From here on the old connection hears nothing, because it is no more.
            assert_eq!(mallory.wire.closed().await, Some(Close::SessionEnded), "{standing:?}");
            mallory.wire = door.connect(SOCKET).await;
        }

        let mut secrets = vec![alice_secret, bella_secret, alice.token.clone(), bella.token.clone()];
        let mut target = Target { conv, user: alice.id.clone(), ..Target::unknown(0) };
        plant(&mut alice, &mut bella, &mut target, &mut secrets).await;
        for user in [&mut alice, &mut bella] {
            user.wire.settle().await;
        }
        Self { _door: Box::new(door), alice, bella, mallory, dm, target, secrets }
    }

    /// Checks that a text has none of the secrets in it.
    pub(super) fn check(&self, what: &str, text: &str) {
        let found =
            self.secrets.iter().map(String::as_str).chain([CANARY]).find(|secret| text.contains(secret));
        if let Some(secret) = found {
            let at = text.find(secret).unwrap();
            let around: String =
                text[..at].chars().rev().take(300).collect::<Vec<_>>().iter().rev().collect();
            panic!("{what}: {secret} is in {around}{}", text[at..].chars().take(200).collect::<String>());
        }
    }

    /// Sends a request as the stranger; returns the answer without what differs from one to the next.
    pub(super) async fn ask(&mut self, request: &Value) -> Value {
        let mut ctrl = self.mallory.wire.ask(request.clone()).await;
        self.check(&request.to_string(), &ctrl.to_string());
        let fields = ctrl.as_object_mut().unwrap();
        fields.remove("id");
        fields.remove("ts");
        ctrl
    }
}

/// Somebody whose every secret has the canary in it; returned with how the password is sent.
async fn insider(door: &impl Door, name: &str) -> (User, String) {
    let mut wire = door.connect(SOCKET).await;
    wire.ask(json!({"hi": {"dev": format!("{CANARY}-device"), "ua": format!("{CANARY}-agent")}})).await;
    let secret = STANDARD.encode(format!("{name}:{CANARY}-password"));
    let account = json!({"acc": {
        "user": "new", "scheme": "basic", "secret": secret, "login": true,
        "desc": {"public": {"fn": name}, "private": {"note": format!("{CANARY}-private")}},
        "email": format!("{CANARY}-{name}@example.org"),
    }});
    let params = wire.ask(account).await["params"].take();
    (User { wire, id: text(&params["user"]), token: text(&params["token"]) }, secret)
}

/// Brings the stranger where they stand.
async fn stand(
    chat: &Chat,
    door: &impl Door,
    standing: Standing,
    conv: &str,
    alice: &mut User,
    mallory: &mut User,
) -> Option<String> {
    let invite = json!({"group": {"action": "invite", "id": conv, "user": mallory.id}});
    match standing {
        Standing::Never => {}
        Standing::Removed => {
            alice.ok(invite).await;
            alice.ok(json!({"group": {"action": "kick", "id": conv, "user": mallory.id}})).await;
        }
        Standing::Left => {
            alice.ok(invite).await;
            mallory.ok(json!({"group": {"action": "leave", "id": conv}})).await;
        }
        Standing::Blocked => {
            let dm = alice.dm(mallory).await;
            mallory.say(&dm, "hello").await;
            alice.ok(json!({"dm": {"conv": dm, "blocked": true}})).await;
            return Some(dm);
        }
        Standing::Elsewhere => {
            let own = mallory.group(&[]).await;
            mallory.say(&own, "hello").await;
        }
        Standing::Suspended => {
            alice.ok(invite).await;
            chat.suspend_user(mallory.id.parse().unwrap()).await.unwrap();
        }
        Standing::Revoked => {
            alice.ok(invite).await;
            let sessions = mallory.ok(json!({"session": {"list": true}})).await;
            let mut elsewhere = mallory.device_over(door.connect(SOCKET).await).await;
            let session = &sessions["sessions"][0]["id"];
            elsewhere.wire.ask(json!({"session": {"revoke": session}})).await;
        }
    }
    None
}

/// Puts secrets everywhere.
async fn plant(alice: &mut User, bella: &mut User, target: &mut Target, secrets: &mut Vec<String>) {
    let conv = target.conv.clone();
    let public = json!({"public": {"fn": format!("{CANARY}-group")}});
    alice.ok(json!({"group": {"action": "update", "id": conv, "desc": public}})).await;
    let words = |text: &str| json!({"v": 1, "text": format!("{CANARY}-{text}")});
    target.seq = alice.say(&conv, &format!("{CANARY}-words")).await;
    bella.ok(json!({"send": {"conv": conv, "content": words("answer"), "replyTo": target.seq}})).await;
    alice.ok(json!({"edit": {"conv": conv, "seq": target.seq, "content": words("edited")}})).await;
    alice.ok(json!({"pin": {"conv": conv, "seq": target.seq}})).await;
    bella.ok(json!({"react": {"conv": conv, "seq": target.seq, "emoji": "🐤"}})).await;
    let settings = json!({"action": "settings", "id": conv, "private": format!("{CANARY}-settings")});
    alice.ok(json!({"group": settings})).await;
    let link = alice.ok(json!({"group": {"action": "link", "id": conv, "create": true}})).await;
    target.code = text(&link["code"]);
    secrets.push(target.code.clone());
    let between = alice.dm(bella).await;
    alice.say(&between, &format!("{CANARY}-between-us")).await;
    alice.ok(json!({"contact": {"user": bella.id, "nickname": format!("{CANARY}-nickname")}})).await;
    let friend = json!({"email": format!("{CANARY}-friend@example.org"), "name": format!("{CANARY}-friend")});
    let invite = alice.ok(json!({"invite": {"create": friend}})).await;
    let list = alice.ok(json!({"invite": {"list": true}})).await;
    target.invite = text(&list["invites"][0]["id"]);
    secrets.extend(
        [&invite["code"], &list["invites"][0]["code"]]
            .into_iter()
            .filter_map(|code| code.as_str().map(str::to_owned)),
    );
    let sessions = alice.ok(json!({"session": {"list": true}})).await;
    target.session = text(&sessions["sessions"][0]["id"]);
}
