//! I3: when everything is quiet, every device shows what the server would tell its user.

use crate::proto::ConvId;
use crate::testkit::sim::{Device, History, Shown};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) fn check(history: &History) -> Vec<String> {
    let mut broken: Vec<String> =
        history.audit.unwell.iter().map(|device| format!("device {device} did not get well")).collect();
    for device in &history.audit.devices {
        let user = history.user(device.user);
        let views = history.audit.views.keys().filter(|(of, _)| *of == user);
        let real: BTreeSet<ConvId> = views.map(|(_, conv)| *conv).collect();
        let shown: BTreeSet<ConvId> = device.conversations.keys().copied().collect();
        if real != shown {
            broken.push(format!("device {} shows {shown:?}, its user is in {real:?}", device.device));
        }
        for (conv, shown) in &device.conversations {
            if let Some(view) = history.audit.views.get(&(user, *conv)) {
                compare_views(device, *conv, shown, view, &mut broken);
                if let Some(rows) = history.audit.histories.get(&(user, *conv)) {
                    compare_messages(device, *conv, shown, rows, &mut broken);
                }
            }
        }
    }
    broken
}

fn compare_views(device: &Device, conv: ConvId, shown: &Shown, view: &Value, broken: &mut Vec<String>) {
    let keys: BTreeSet<&String> =
        [&shown.view, view].into_iter().filter_map(Value::as_object).flat_map(|view| view.keys()).collect();
    // What is said of the other user changes without a number: presence is a hint.
    for key in keys.into_iter().filter(|key| *key != "user") {
        if shown.view[key] != view[key] {
            let (device, shown, real) = (device.device, &shown.view[key], &view[key]);
            broken.push(format!("device {device} shows {key} {shown} of {conv}, and it is {real}"));
        }
    }
}

fn compare_messages(
    device: &Device,
    conv: ConvId,
    shown: &Shown,
    rows: &std::collections::BTreeMap<u64, Value>,
    broken: &mut Vec<String>,
) {
    let all: BTreeSet<u64> = shown.messages.keys().chain(rows.keys()).copied().collect();
    for seq in all.range(shown.complete_from..) {
        let (mine, real) = (shown.messages.get(seq).map(told), rows.get(seq).map(told));
        if mine != real {
            broken.push(format!("device {} shows {mine:?} as {seq} of {conv}, not {real:?}", device.device));
        }
    }
}

/// A message without the short form of the answered one, which depends on when it is read.
fn told(message: &Value) -> Value {
    let mut message = message.clone();
    if let Some(head) = message["head"].as_object_mut() {
        head.remove("reply");
        if head.is_empty() {
            message.as_object_mut().map(|message| message.remove("head"));
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::super::story::{CONV, Story, row, user};
    use super::check;
    use crate::testkit::sim::{Device, Shown};
    use serde_json::json;
    use std::collections::BTreeMap;

    fn story(text: &str, unread: u32) -> Story {
        let mut story = Story::new().row(row(1, 0, "a", "hello"));
        story.audit.views.insert((user(0), CONV), json!({"unread": 0}));
        let messages = BTreeMap::from([(1, row(1, 0, "a", text))]);
        let shown = Shown { view: json!({"unread": unread}), complete_from: 1, messages };
        story.audit.devices.push(Device {
            user: 0,
            device: 0,
            conversations: BTreeMap::from([(CONV, shown)]),
        });
        story
    }

    #[test]
    fn what_a_device_shows_otherwise_is_seen() {
        story("hello", 0).keeps(check);
        story("hallo", 0).breaks(check);
        story("hello", 1).breaks(check);
        story("hello", 0).row(row(2, 1, "b", "missing")).breaks(check);
        let mut unknown = story("hello", 0);
        unknown.audit.devices[0].conversations.clear();
        unknown.breaks(check);
        let mut ill = story("hello", 0);
        ill.audit.unwell.push(0);
        ill.breaks(check);
    }
}
