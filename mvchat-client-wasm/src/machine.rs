//! The machine as JavaScript sees it.

use crate::credentials::{Login, Settings};
use crate::output::{Failure, Said, invalid};
use mvchat_core::client::{Client, ClientError, Draft, Input, OutboxItem, OutboxState, Output};
use mvchat_core::proto::{Close, ConvId, Envelope, MessageItem, Seq};
use mvchat_core::time::Instant;
use mvchat_core::wire::{self, Read};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

/// One client. Instants are milliseconds of a clock that never goes back; complex values are JSON texts.
///
/// After every call that takes `now`, [`drain`](Self::drain) says what to do.
#[wasm_bindgen]
pub struct Machine {
    client: Client,
}

#[wasm_bindgen]
impl Machine {
    /// Makes a client that connects at once. `settings` is `{login, userAgent, device, lang}`; the seed's two halves
    /// come from a good source of entropy.
    ///
    /// # Errors
    /// If the settings are not what they should be.
    #[wasm_bindgen(constructor)]
    pub fn new(settings: &str, seed_high: u32, seed_low: u32, now: f64) -> Result<Machine, JsValue> {
        let settings: Settings = read(settings)?;
        let seed = u64::from(seed_high) << 32 | u64::from(seed_low);
        Ok(Self { client: Client::new(settings.into(), seed, instant(now)) })
    }

    /// The socket is open.
    pub fn opened(&mut self, now: f64) {
        self.client.handle(Input::Opened, instant(now));
    }

    /// A frame came.
    pub fn text(&mut self, text: &str, now: f64) {
        self.client.handle(Input::Text(text.as_bytes()), instant(now));
    }

    /// The socket could not be opened or was closed, with the close frame's code if there was one.
    pub fn closed(&mut self, code: Option<u16>, now: f64) {
        self.client.handle(Input::Closed(code.map(Close::from_code)), instant(now));
    }

    /// The instant to wait for has come.
    pub fn timeout(&mut self, now: f64) {
        self.client.handle(Input::Timeout, instant(now));
    }

    /// The network is back, or the page is looked at again.
    pub fn online(&mut self, now: f64) {
        self.client.handle(Input::Online, instant(now));
    }

    /// Returns everything to do, as an array whose last element is `{wait}`.
    pub fn drain(&mut self) -> String {
        let mut outputs = Vec::new();
        while !matches!(outputs.last(), Some(Output::Wait(_))) {
            outputs.push(self.client.poll());
        }
        let said: Vec<_> = outputs.iter().map(Said).collect();
        wire::write(&said)
    }

    /// Asks the server, with one request as it stands on the wire. Returns the number of the `reply` event.
    ///
    /// # Errors
    /// If it is no request that this version knows.
    pub fn request(&mut self, request: &str, now: f64) -> Result<f64, JsValue> {
        let envelope = Envelope::decode(request.as_bytes())
            .map_err(|bad| JsValue::from_str(&invalid(bad.error.detail())))?;
        let id = self.client.request(envelope.request, instant(now));
        // Ids count up from 1 and stay far below 2^53.
        Ok(id.number() as f64)
    }

    /// Puts a message, in the form of the outbox, into the outbox.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn send(&mut self, item: &str, now: f64) -> Result<(), JsValue> {
        let item: OutboxItem = read(item)?;
        let mut draft = Draft::new(item.conv, item.content).with_cid(item.cid);
        draft.reply_to = item.reply_to;
        draft.view_once = item.view_once;
        draft.view_once_ttl = item.view_once_ttl;
        draft.expires_in = item.expires_in;
        self.client.send(draft, instant(now)).map(drop).map_err(|error| thrown(&error))
    }

    /// Takes a message back that was never sent. Returns whether that was still possible.
    pub fn cancel(&mut self, cid: &str, now: f64) -> bool {
        self.client.cancel(cid, instant(now))
    }

    /// Takes messages of an earlier run over: `{user?, items}`.
    ///
    /// # Errors
    /// As [`Client::import_outbox`].
    #[wasm_bindgen(js_name = importOutbox)]
    pub fn import_outbox(&mut self, outbox: &str, now: f64) -> Result<(), JsValue> {
        let outbox: OutboxState = read(outbox)?;
        self.client.import_outbox(outbox, instant(now)).map_err(|error| thrown(&error))
    }

    /// Says that the user is writing.
    pub fn typing(&mut self, conv: &str, now: f64) {
        if let Ok(conv) = conv.parse() {
            self.client.typing(conv, instant(now));
        }
    }

    /// Ends the connection and stays away.
    pub fn close(&mut self, now: f64) {
        self.client.close(instant(now));
    }

    /// Connects again after the end, with another login if one is given.
    ///
    /// # Errors
    /// If the login is not what it should be.
    pub fn reopen(&mut self, login: Option<String>, now: f64) -> Result<(), JsValue> {
        let login = login.map(|login| read::<Login>(&login)).transpose()?;
        self.client.reopen(login.map(Into::into), instant(now));
        Ok(())
    }

    /// Returns whether everything that the server has mentioned is here.
    #[wasm_bindgen(js_name = isSynced)]
    pub fn is_synced(&self) -> bool {
        self.client.is_synced()
    }

    /// Returns the server's limits.
    pub fn limits(&self) -> String {
        wire::write(self.client.limits())
    }

    /// Returns the ids of all conversations.
    pub fn conversations(&self) -> Vec<String> {
        self.client.state().conversations().keys().map(ToString::to_string).collect()
    }

    /// Returns a conversation's view.
    pub fn view(&self, conv: &str) -> Option<String> {
        let conv = self.client.state().conversation(conv.parse().ok()?)?;
        Some(wire::write(conv.view()))
    }

    /// Returns what is known of a conversation's messages: from where on they are complete, then the number and the
    /// last change's number of each, oldest first.
    pub fn index(&self, conv: &str) -> Option<Vec<f64>> {
        let conv = self.client.state().conversation(conv.parse().ok()?)?;
        // All counters are at most 2^53 - 1, so a double holds them exactly.
        let mut index = vec![conv.complete_from().0 as f64];
        for (seq, message) in conv.messages() {
            index.extend([seq.0 as f64, message.rev.0 as f64]);
        }
        Some(index)
    }

    /// Returns the messages with the given numbers, as far as they are there.
    pub fn messages(&self, conv: &str, seqs: &[f64]) -> String {
        let conv: Option<ConvId> = conv.parse().ok();
        let conv = conv.and_then(|conv| self.client.state().conversation(conv));
        let found: Vec<&MessageItem> = conv
            .map(|conv| seqs.iter().filter_map(|seq| conv.messages().get(&Seq(*seq as u64))).collect())
            .unwrap_or_default();
        wire::write(&found)
    }
}

fn instant(now: f64) -> Instant {
    // Saturates: a negative clock is the beginning.
    Instant(now as u64)
}

fn read<T: Read>(json: &str) -> Result<T, JsValue> {
    wire::read(json).map_err(|bad| JsValue::from_str(&invalid(&bad.to_string())))
}

/// An error as JavaScript catches it: a JSON text.
fn thrown(error: &ClientError) -> JsValue {
    JsValue::from_str(&wire::write(&Failure(error)))
}
