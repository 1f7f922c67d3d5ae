//! The people of a run, and their conversations.

use crate::own::HEADER;
use crate::target::Target;
use crate::wire::Wire;
use crate::{Problem, Tried};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mvchat_core::client::{ClientConfig, Credentials};
use mvchat_core::proto::{ConvId, UserId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use uuid::Uuid;

/// So many accounts are made at once. Few, so that what their connections leave behind in the server's memory is
/// little beside what is measured.
const AT_ONCE: usize = 8;

/// Somebody with an account.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) user: UserId,
    pub(crate) token: String,
}

impl Account {
    /// How this person's client logs in.
    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new(Credentials::token(&self.token));
        // Thousands of models are kept by one process, and nobody looks at old messages.
        config.max_messages = 32;
        config
    }

    pub(crate) async fn connect(&self, target: &Target) -> Tried<Wire> {
        let mut wire = Wire::open(target.request()?).await?;
        wire.ask(json!({"login": {"scheme": "token", "secret": self.token}})).await?;
        Ok(wire)
    }
}

/// Makes so many new accounts: by a header on our own server, and elsewhere with passwords, which takes long.
///
/// # Errors
/// With the server's refusal.
pub(crate) async fn sign_up(target: &Target, count: usize) -> Tried<Vec<Account>> {
    let tag = Uuid::new_v4().simple().to_string();
    let mut accounts = Vec::with_capacity(count);
    let mut tasks = JoinSet::new();
    for lane in 0..AT_ONCE.min(count) {
        let (request, own, tag) = (target.request()?, target.is_own(), tag.clone());
        let numbers = (lane..count).step_by(AT_ONCE);
        tasks.spawn(async move {
            let mut made = Vec::new();
            for number in numbers {
                made.push((
                    number,
                    sign_one_up(request.clone(), own, &format!("b{}-{number}", &tag[..12])).await?,
                ));
            }
            Ok::<_, Problem>(made)
        });
    }
    while let Some(made) = tasks.join_next().await {
        accounts.extend(made??);
    }
    accounts.sort_by_key(|(number, _)| *number);
    Ok(accounts.into_iter().map(|(_, account)| account).collect())
}

async fn sign_one_up(mut request: Request, own: bool, name: &str) -> Tried<Account> {
    let login = if own {
        request.headers_mut().append(HEADER, name.parse()?);
        json!({"login": {"scheme": "header", "secret": ""}})
    } else {
        let secret = STANDARD.encode(format!("{name}:{}", Uuid::new_v4()));
        let desc = json!({"public": {"fn": name}});
        json!({"acc": {"user": "new", "scheme": "basic", "secret": secret, "login": true, "desc": desc}})
    };
    let mut wire = Wire::open(request).await?;
    let params = wire.ask(login).await?;
    let account = Account { user: part(&params, "user")?, token: part(&params, "token")? };
    wire.close().await;
    Ok(account)
}

/// Opens the direct conversation of each pair.
///
/// # Errors
/// With the server's refusal.
pub(crate) async fn pair_up(target: &Target, pairs: &[(Account, Account)]) -> Tried<Vec<ConvId>> {
    let mut convs = Vec::with_capacity(pairs.len());
    // A connection takes longer to be made than the conversation, so there are several at once.
    for chunk in pairs.chunks(AT_ONCE) {
        let opened = chunk.iter().map(|(one, other)| async {
            let mut wire = one.connect(target).await?;
            let params = wire.ask(json!({"dm": {"user": other.user}})).await?;
            wire.close().await;
            part::<ConvId>(&params, "conv")
        });
        for conv in futures_util::future::join_all(opened).await {
            convs.push(conv?);
        }
    }
    Ok(convs)
}

/// Makes so many groups of the first with all others.
///
/// # Errors
/// With the server's refusal.
pub(crate) async fn groups(
    target: &Target,
    owner: &Account,
    others: &[Account],
    count: usize,
) -> Tried<Vec<ConvId>> {
    let mut wire = owner.connect(target).await?;
    let create = |_| json!({"group": {"action": "create", "desc": {"public": {"fn": "a group"}}}});
    let made = wire.ask_all((0..count).map(create)).await?;
    let convs = made.iter().map(|params| part(params, "conv")).collect::<Tried<Vec<ConvId>>>()?;
    // Member after member, so that what waits together is in different groups.
    let invites = others.iter().flat_map(|other| convs.iter().map(move |conv| (*conv, other.user)));
    let invite = |(conv, user)| json!({"group": {"action": "invite", "id": conv, "user": user}});
    wire.ask_all(invites.map(invite)).await?;
    wire.close().await;
    Ok(convs)
}

/// Reads one of the parameters of a success.
pub(crate) fn part<T: DeserializeOwned>(params: &Value, name: &str) -> Tried<T> {
    serde_json::from_value(params[name].clone()).map_err(|_| format!("no `{name}` in {params}").into())
}
