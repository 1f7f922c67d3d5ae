//! Messages to groups whose members are all there.
//!
//! Those who write have the client machine. The others only read, without a machine, as they do beside the floor: what
//! thousands of models would cost is no figure of the server.

use super::{Scene, crew, talk};
use crate::args::FanoutArgs;
use crate::bare::{Bare, Entry};
use crate::member::Member;
use crate::outcome::Outcome;
use crate::run::Crew;
use crate::speaker::{Heard, Pace, Speaker};
use crate::target::Target;
use crate::{Tried, people};
use std::time::Duration;

/// Sends to groups.
///
/// # Errors
/// If the run can't be made; what goes wrong in it is in the outcome.
pub(crate) async fn run(args: &FanoutArgs, scene: &Scene) -> Tried<Outcome> {
    let target = scene.plan.target().await?;
    let name = scene.name(&name(args));
    let crew = members(args, scene, &target, &name).await?;
    let mut outcome = described(scene.outcome(name), args).with("groups", args.groups);
    talk(crew, &target, scene.length, audience(args), &mut outcome).await?;
    target.finish().await?;
    Ok(outcome)
}

/// Makes the groups and their members.
///
/// # Errors
/// With the server's refusal.
pub(super) async fn members(
    args: &FanoutArgs,
    scene: &Scene,
    target: &Target,
    name: &str,
) -> Tried<Crew<Heard>> {
    let (groups, senders) = (args.groups.max(1), senders(args));
    let accounts = people::sign_up(target, args.members * groups).await?;
    let stage = scene.stage();
    let mut crew = crew(name, target, &stage.board)?;
    for (group, members) in accounts.chunks(args.members.max(1)).enumerate() {
        let (owner, others) = members.split_first().ok_or("a group has a member")?;
        let convs = people::groups(target, owner, others, 1).await?;
        for (index, account) in members.iter().enumerate() {
            let number = u32::try_from(group * args.members + index)?;
            if index < senders {
                let pace = pace(args, group);
                let speaker = Speaker::new(stage.clone(), number, &convs, pace);
                crew.add(Member::new(account.config(), speaker)?, |member| member.habit.heard());
            } else {
                let entry = Entry::Token(account.token.clone());
                crew.add(Bare::new(&stage, number, entry, Pace::Silent), Bare::heard);
            }
        }
    }
    Ok(crew)
}

/// How many hear each message.
pub(super) fn audience(args: &FanoutArgs) -> u64 {
    args.members.saturating_sub(1) as u64
}

/// What a run is called, here and beside the floor.
pub(crate) fn name(args: &FanoutArgs) -> String {
    let groups = if args.groups > 1 { format!("{} groups of ", args.groups) } else { String::new() };
    format!("fanout, {groups}{} members, {} at once, {}/s", args.members, args.senders, args.rate)
}

pub(crate) fn described(outcome: Outcome, args: &FanoutArgs) -> Outcome {
    outcome
        .with("members", args.members)
        .with("messages at once", args.senders)
        .with("schedule", format!("{} messages per second", args.rate))
}

/// How many of each group write.
pub(crate) fn senders(args: &FanoutArgs) -> usize {
    args.senders.clamp(1, args.members.max(1))
}

/// All of a group who write do so at the same instants, and the groups one after the other.
pub(crate) fn pace(args: &FanoutArgs, group: usize) -> Pace {
    let groups = args.groups.max(1);
    let every = Duration::from_secs_f64((senders(args) * groups) as f64 / args.rate.max(0.001));
    Pace::Open { every, offset: every.mul_f64((group as f64 + 0.5) / groups as f64) }
}
