//! What is run, and how much of it.

use crate::args::{
    BesideArgs, Burden, CatchupArgs, CommonArgs, DmArgs, FanoutArgs, HotArgs, IdleArgs, MixedArgs, RowsArgs,
    StormArgs, SuiteArgs,
};

/// One run of a round.
pub(super) struct Job {
    /// By this name ratios find it.
    pub(super) key: String,
    pub(super) common: CommonArgs,
    pub(super) task: Task,
}

pub(super) enum Task {
    Idle(IdleArgs),
    Dm(DmArgs),
    Fanout(FanoutArgs),
    Hot(HotArgs),
    Beside(BesideArgs),
    Mixed(MixedArgs),
    Storm(StormArgs),
    Catchup(CatchupArgs),
    BareFanout(FanoutArgs),
    Echo(IdleArgs),
    Rows(RowsArgs),
    Sync,
}

/// Fan-outs: how many members, how many messages at once, how many a second. Each makes some forty thousand deliveries a
/// second, because readers share the machine with the server.
pub(super) const FANOUTS: [(usize, usize, f64); 5] =
    [(100, 1, 400.0), (100, 16, 480.0), (1_000, 1, 40.0), (1_000, 16, 48.0), (10_000, 1, 4.0)];
/// What is put beside messages between two: by this name, and how much of it in a quick run.
pub(super) const BURDENS: [(&str, Burden, usize); 3] =
    [("logins", Burden::Logins, 20), ("history", Burden::History, 2_000), ("group", Burden::Group, 200)];
/// How many messages are on their way in saturated runs.
pub(super) const OUTSTANDING: [usize; 2] = [256, 1_000];

/// Lists everything, each floor beside what stands on it.
pub(super) fn jobs(args: &SuiteArgs) -> Vec<Job> {
    let mut plan = Plan { args, jobs: Vec::new() };
    plan.fanouts();
    plan.idle();
    plan.sends();
    plan.groups();
    plan.beside();
    plan.days();
    let wanted = |job: &Job| args.only.as_ref().is_none_or(|only| job.key.contains(only.as_str()));
    plan.jobs.into_iter().filter(wanted).collect()
}

struct Plan<'a> {
    args: &'a SuiteArgs,
    jobs: Vec<Job>,
}

impl Plan<'_> {
    /// The first in a full run, the second in a quick one.
    fn pick<T>(&self, full: T, quick: T) -> T {
        if self.args.quick { quick } else { full }
    }

    fn common(&self, store: &str, seconds: f64) -> CommonArgs {
        let common = self.args.common.clone();
        CommonArgs { store: store.to_owned(), seconds, ..common }
    }

    fn add(&mut self, key: impl Into<String>, common: CommonArgs, task: impl FnOnce(CommonArgs) -> Task) {
        let task = task(common.clone());
        self.jobs.push(Job { key: key.into(), common, task });
    }

    fn fanouts(&mut self) {
        let seconds = self.pick(8.0, 2.0);
        // Ten thousand take long to be invited.
        let most = self.pick(usize::MAX, 1_000);
        for (members, senders, rate) in FANOUTS.into_iter().filter(|(members, ..)| *members <= most) {
            let make = |common| FanoutArgs { common, groups: 1, members, senders, rate };
            let common = self.common("memory", seconds);
            self.add(format!("floor-fanout-{members}-{senders}"), common.clone(), |c| {
                Task::BareFanout(make(c))
            });
            self.add(format!("fanout-{members}-{senders}"), common, |c| Task::Fanout(make(c)));
        }
    }

    fn idle(&mut self) {
        let connections = self.pick(5_000, 1_000);
        let common = self.common("memory", 1.0);
        let make = |common| IdleArgs { common, connections };
        self.add("floor-echo", common.clone(), |c| Task::Echo(make(c)));
        self.add(format!("idle-{}", common.transport), common.clone(), |c| Task::Idle(make(c)));
        if let Some(transport) = self.args.also.clone() {
            let common = CommonArgs { transport, ..common };
            self.add(format!("idle-{}", common.transport), common, |c| Task::Idle(make(c)));
        }
    }

    fn sends(&mut self) {
        let (seconds, brief) = (self.pick(10.0, 2.0), self.pick(5.0, 2.0));
        let stores = self.stores();
        self.add("floor-sync", self.common("sled", self.pick(3.0, 1.0)), |_| Task::Sync);
        for store in stores {
            if *store == "postgres" {
                for outstanding in OUTSTANDING {
                    let common = self.common(store, brief);
                    let make = |common| Task::Rows(RowsArgs { common, outstanding });
                    self.add(format!("floor-rows-{outstanding}"), common, make);
                }
            }
            for pairs in OUTSTANDING {
                let make = |common| Task::Dm(DmArgs { common, pairs, rate: 1.0, closed: true });
                self.add(format!("dm-{store}-saturated-{pairs}"), self.common(store, brief), make);
            }
            let rates = self.pick([1_000.0, 10_000.0].as_slice(), &[1_000.0]);
            for rate in rates.iter().copied() {
                let pairs = self.pick(1_000, 200);
                let make = |common| Task::Dm(DmArgs { common, pairs, rate, closed: false });
                self.add(format!("dm-{store}-{rate}"), self.common(store, seconds), make);
            }
        }
        let store = stores.last().copied().unwrap_or("sled");
        for spread in [false, true] {
            let make = |common| Task::Hot(HotArgs { common, senders: self.pick(64, 16), spread });
            let (key, common) = (if spread { "hot-spread" } else { "hot-one" }, self.common(store, brief));
            let task = make(common.clone());
            self.jobs.push(Job { key: key.to_owned(), common, task });
        }
    }

    fn groups(&mut self) {
        let store = self.stores().last().copied().unwrap_or("sled");
        let (key, groups, members, rate) =
            self.pick(("groups", 10, 100, 1_000.0), ("groups-few", 4, 25, 200.0));
        let common = self.common(store, self.pick(8.0, 2.0));
        let make = |common| Task::Fanout(FanoutArgs { common, groups, members, senders: 1, rate });
        self.add(key, common, make);
    }

    fn beside(&mut self) {
        let store = self.stores().last().copied().unwrap_or("sled");
        let (seconds, pairs) = self.pick((5.0, 100), (1.0, 20));
        for (name, burden, little) in BURDENS {
            let much = self.args.quick.then_some(little);
            let make = |common| Task::Beside(BesideArgs { common, burden, much, pairs, rate: 500.0 });
            self.add(format!("beside-{name}"), self.common(store, seconds), make);
        }
    }

    fn days(&mut self) {
        let store = self.stores().last().copied().unwrap_or("sled");
        let (people, rate) = self.pick((500, 1_000.0), (100, 200.0));
        let common = self.common(store, self.pick(12.0, 3.0));
        self.add("mixed", common, |common| Task::Mixed(MixedArgs { common, people, rate }));
        let people = self.pick(2_000, 200);
        self.add("storm", self.common("sled", 1.0), |common| Task::Storm(StormArgs { common, people }));
        let (people, elsewhere) = self.pick((100, 20_000), (20, 1_000));
        let make = |common| Task::Catchup(CatchupArgs { common, people, groups: 10, changes: 20, elsewhere });
        self.add("catchup", self.common(store, 1.0), make);
    }

    /// The durable stores that can be measured; what is run on one store only runs on the last.
    fn stores(&self) -> &'static [&'static str] {
        if self.args.common.database_url.is_some() { &["sled", "postgres"] } else { &["sled"] }
    }
}
