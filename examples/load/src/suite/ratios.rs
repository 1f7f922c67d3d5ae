//! How the figures of a run stand to the floors of the same run, and to what was wanted.

use super::plan::{BURDENS, FANOUTS, Job, OUTSTANDING};
use crate::outcome::Outcome;
use crate::report::{Bound, Ratio};
use std::collections::BTreeMap;

/// What was measured, by its key.
type Merged<'a> = BTreeMap<&'a str, Outcome>;

/// Makes all ratios whose two sides were measured.
pub(super) fn of(jobs: &[Job], merged: &Merged<'_>) -> Vec<Ratio> {
    let mut all = Ratios { merged, ratios: Vec::new() };
    for (members, senders, _) in FANOUTS {
        let (ours, floor) =
            (format!("fanout-{members}-{senders}"), format!("floor-fanout-{members}-{senders}"));
        let name = format!("1→{members}, {senders} at once");
        let cpu = "server CPU per delivery";
        all.beside(&format!("{name}: {cpu}, to bare axum"), (&ours, cpu), (&floor, cpu), Bound::AtMost(1.25));
        let user = "server user time per delivery";
        all.plain(&format!("{name}: {user}"), (&ours, user), "µs", Bound::AtMost(0.5));
    }
    let idle = jobs.iter().filter(|job| job.key.starts_with("idle-"));
    for (key, transport) in idle.map(|job| (&job.key, &job.common.transport)) {
        let memory = "memory per connection";
        all.plain(&format!("idle on {transport}: {memory}"), (key, memory), "KiB", Bound::AtMost(8.0));
        let name = format!("idle on {transport}: {memory}, to an echo server");
        all.beside(&name, (key, memory), ("floor-echo", memory), Bound::AtMost(1.6));
    }
    all.sends();
    all.groups();
    let rate = "messages per second";
    let name = "one hot conversation, to one of each sender: messages per second";
    all.beside(name, ("hot-one", rate), ("hot-spread", rate), Bound::AtLeast(0.8));
    let name = "return after a long absence, to a short one with as many changes: server CPU";
    all.plain(name, ("catchup", "long absence to short"), "", Bound::AtMost(1.2));
    all.ratios
}

struct Ratios<'a> {
    merged: &'a Merged<'a>,
    ratios: Vec<Ratio>,
}

impl Ratios<'_> {
    fn sends(&mut self) {
        let (rate, cpu) = ("messages per second", "database CPU per message");
        for outstanding in OUTSTANDING {
            let (ours, rows) =
                (format!("dm-postgres-saturated-{outstanding}"), format!("floor-rows-{outstanding}"));
            let name = format!("PostgreSQL, {outstanding} on their way, to bare inserts");
            self.beside(&format!("{name}: {rate}"), (&ours, rate), (&rows, rate), Bound::AtLeast(0.6));
            self.beside(&format!("{name}: {cpu}"), (&ours, cpu), (&rows, cpu), Bound::AtMost(2.0));
        }
        // What the disk could do if every sync took along all that waits.
        let most = OUTSTANDING[0];
        let sled = self.value(&format!("dm-sled-saturated-{most}"), rate);
        if let (Some(sled), Some(syncs)) = (sled, self.value("floor-sync", "syncs per second")) {
            let name = format!("sled, {most} on their way, to a sync for each {most}: {rate}");
            self.add(name, sled / (syncs * most as f64).max(1e-9), "", Bound::AtLeast(0.5));
        }
        for store in ["sled", "postgres"] {
            let run = format!("dm-{store}-10000");
            let name = format!("{store}, 10,000 messages a second");
            self.plain(
                &format!("{name}: send to ack p99"),
                (&run, "send to ack p99"),
                "ms",
                Bound::AtMost(50.0),
            );
            let delivery = "send to delivery p99";
            self.plain(&format!("{name}: {delivery}"), (&run, delivery), "ms", Bound::AtMost(100.0));
            if let (Some(p99), Some(sync)) =
                (self.value(&run, "send to ack p99"), self.value("floor-sync", "append and sync p99"))
            {
                let name = format!("{name}: send to ack p99, to four syncs' p99 and 10 ms");
                self.add(name, p99 / (4.0 * sync + 10.0), "", Bound::AtMost(1.0));
            }
        }
    }

    fn groups(&mut self) {
        let name = "10 groups of 100 members, 1,000 messages a second";
        let delivery = "send to delivery p99";
        self.plain(&format!("{name}: {delivery}"), ("groups", delivery), "ms", Bound::AtMost(100.0));
        self.plain(&format!("{name}: server CPU"), ("groups", "server CPU"), "cores", Bound::AtMost(0.6));
        for (burden, ..) in BURDENS {
            let run = format!("beside-{burden}");
            let told = |what: &str| format!("messages between two beside {burden}: {what}");
            let p99 = "send to delivery p99, to alone";
            self.plain(&told(p99), (&run, p99), "", Bound::AtMost(2.0));
            let memory = "server memory grown meanwhile";
            self.plain(&told(memory), (&run, memory), "MiB", Bound::AtMost(64.0));
        }
        let group = ("beside-group", "burden: send to delivery p99");
        self.plain("that group itself: send to delivery p99", group, "ms", Bound::AtMost(150.0));
    }

    fn value(&self, key: &str, figure: &str) -> Option<f64> {
        self.merged.get(key)?.value(figure)
    }

    fn add(&mut self, name: String, value: f64, unit: &str, bound: Bound) {
        self.ratios.push(Ratio { name, value, unit: unit.to_owned(), bound });
    }

    fn plain(&mut self, name: &str, (key, figure): (&str, &str), unit: &str, bound: Bound) {
        if let Some(value) = self.value(key, figure) {
            self.add(name.to_owned(), value, unit, bound);
        }
    }

    fn beside(&mut self, name: &str, ours: (&str, &str), floor: (&str, &str), bound: Bound) {
        if let (Some(ours), Some(floor)) = (self.value(ours.0, ours.1), self.value(floor.0, floor.1)) {
            self.add(name.to_owned(), ours / floor.max(1e-9), "", bound);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_measured_has_a_ratio() {
        let measured = |figure: &str, value| {
            let mut outcome = Outcome::new("x");
            outcome.figure(figure, value, "");
            outcome
        };
        let merged = BTreeMap::from([
            ("fanout-100-1", measured("server CPU per delivery", 3.0)),
            ("floor-fanout-100-1", measured("server CPU per delivery", 2.0)),
            ("hot-one", measured("messages per second", 7.0)),
        ]);
        let ratios = of(&[], &merged);
        assert_eq!(ratios.len(), 1, "{ratios:?}");
        assert_eq!((ratios[0].value, ratios[0].holds()), (1.5, false));
    }
}
