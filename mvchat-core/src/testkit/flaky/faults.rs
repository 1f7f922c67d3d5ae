//! Which calls of a store fail, and how.

use super::Method;
use crate::proto::ConvId;
use parking_lot::Mutex;
use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It fails with `Unavailable`, and nothing was done.
    Before,
    /// It is carried out, and fails with `Unavailable` all the same.
    After,
    /// It is carried out after the task yielded so many times.
    Delay(u32),
    /// It is carried out after so much time of tokio's clock.
    Slow(Duration),
    /// It is carried out, and is answered after so much time of tokio's clock.
    Late(Duration),
}

/// Decides on the fault of each call: first by a script, then by chance. Clones share both.
#[derive(Clone, Default)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
}

#[derive(Default)]
struct Plan {
    script: VecDeque<(Option<Method>, Fault)>,
    choose: Option<Box<dyn FnMut(Method) -> Option<Fault> + Send>>,
    met: u64,
    dead: bool,
    held: BTreeSet<ConvId>,
}

/// How often a call meets which fault, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chances {
    /// An error before the call.
    pub before: u16,
    /// An error after the call was carried out.
    pub after: u16,
    /// A delay of one to eight yields.
    pub delay: u16,
}

impl Faults {
    /// Lets the next call of the method (of any, if `None`) meet a fault, once. Several for the same method
    /// are met in the order in which they were added.
    pub fn script(&self, method: impl Into<Option<Method>>, fault: Fault) -> &Self {
        self.plan.lock().script.push_back((method.into(), fault));
        self
    }

    /// Lets a function decide on every call that the script leaves alone.
    pub fn choose(&self, choose: impl FnMut(Method) -> Option<Fault> + Send + 'static) -> &Self {
        self.plan.lock().choose = Some(Box::new(choose));
        self
    }

    /// Lets calls of the methods that `of` names meet faults by chance; the same seed gives the same faults
    /// for the same calls. The numbers come from SplitMix64.
    pub fn seed(&self, seed: u64, chances: Chances, of: impl Fn(Method) -> bool + Send + 'static) -> &Self {
        let mut state = seed;
        let mut random = move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        };
        self.choose(move |method| {
            if !of(method) {
                return None;
            }
            let drawn = random();
            let before = u64::from(chances.before);
            let after = before + u64::from(chances.after);
            let delay = after + u64::from(chances.delay);
            match drawn % 1_000 {
                draw if draw < before => Some(Fault::Before),
                draw if draw < after => Some(Fault::After),
                // The upper bits say how long, so that it has nothing to do with which.
                draw if draw < delay => Some(Fault::Delay(1 + (drawn >> 61) as u32)),
                _ => None,
            }
        })
    }

    /// Ends all faults, also those of the script that were not met yet.
    pub fn heal(&self) {
        let mut plan = self.plan.lock();
        plan.script.clear();
        plan.choose = None;
    }

    /// Holds a conversation, as a transaction of a host does: commits to it are answered with `Locked`.
    pub fn hold(&self, conv: ConvId) {
        self.plan.lock().held.insert(conv);
    }

    /// Lets go of a conversation.
    pub fn let_go(&self, conv: ConvId) {
        self.plan.lock().held.remove(&conv);
    }

    /// Returns whether a conversation is held.
    pub(super) fn is_held(&self, conv: ConvId) -> bool {
        self.plan.lock().held.contains(&conv)
    }

    /// Lets no call be carried out or answered any more, as for a process that was killed: whoever waits for the
    /// store waits for ever. What the store holds stays as it is.
    pub fn kill(&self) {
        self.plan.lock().dead = true;
    }

    /// Returns whether [`kill`](Faults::kill) was called.
    pub fn is_dead(&self) -> bool {
        self.plan.lock().dead
    }

    /// Returns how many faults were met, delays among them.
    pub fn met(&self) -> u64 {
        self.plan.lock().met
    }

    /// Decides on a call.
    pub(super) fn next(&self, method: Method) -> Option<Fault> {
        let mut plan = self.plan.lock();
        // The engine lets things expire in the background: such a call must not take the fault of another one.
        let any = method != Method::Expire;
        let scripted = plan.script.iter().position(|(of, _)| of.map_or(any, |of| of == method));
        let fault = match scripted.and_then(|place| plan.script.remove(place)) {
            Some((_, fault)) => Some(fault),
            None => plan.choose.as_mut().and_then(|choose| choose(method)),
        };
        plan.met += u64::from(fault.is_some());
        fault
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan.lock();
        write!(f, "Faults({} to come by script, {} met)", plan.script.len(), plan.met)
    }
}
