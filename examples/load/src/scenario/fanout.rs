//! Messages to a group whose members are all there.
//!
//! Those who write have the client machine. The others only read, without a machine, as they do beside the floor: what
//! thousands of models would cost is no figure of the server.

use super::{Scene, crew, talk};
use crate::args::FanoutArgs;
use crate::bare::{Bare, Entry};
use crate::member::Member;
use crate::outcome::Outcome;
use crate::speaker::{Pace, Speaker};
use crate::{Tried, people};
use std::time::Duration;

/// Sends to a group.
///
/// # Errors
/// If the run can't be made; what goes wrong in it is in the outcome.
pub(crate) async fn run(args: &FanoutArgs, scene: &Scene) -> Tried<Outcome> {
    let senders = args.senders.clamp(1, args.members.max(1));
    let target = scene.plan.target().await?;
    let accounts = people::sign_up(&target, args.members).await?;
    let (owner, others) = accounts.split_first().ok_or("a group has a member")?;
    let convs = people::groups(&target, owner, others, 1).await?;
    let stage = scene.stage();
    let name = scene.name(&name(args));
    let mut crew = crew(&name, &target, &stage.board)?;
    for (index, account) in accounts.iter().enumerate() {
        let number = u32::try_from(index)?;
        if index < senders {
            let speaker = Speaker::new(stage.clone(), number, &convs, pace(args, senders));
            crew.add(Member::new(account.config(), speaker)?, |member| member.habit.heard());
        } else {
            let entry = Entry::Token(account.token.clone());
            crew.add(Bare::new(&stage, number, entry, Pace::Silent), Bare::heard);
        }
    }
    let mut outcome = described(scene.outcome(name), args);
    let audience = (args.members - 1) as u64;
    talk(crew, &target, scene.length, audience, &mut outcome).await?;
    target.finish().await?;
    Ok(outcome)
}

/// What a run is called, here and beside the floor.
pub(crate) fn name(args: &FanoutArgs) -> String {
    format!("fanout, {} members, {} at once, {}/s", args.members, args.senders, args.rate)
}

pub(crate) fn described(outcome: Outcome, args: &FanoutArgs) -> Outcome {
    outcome
        .with("members", args.members)
        .with("messages at once", args.senders)
        .with("schedule", format!("{} messages per second", args.rate))
}

/// All who write do so at the same instants.
pub(crate) fn pace(args: &FanoutArgs, senders: usize) -> Pace {
    let every = Duration::from_secs_f64(senders as f64 / args.rate.max(0.001));
    Pace::Open { every, offset: every / 2 }
}
