//! Many senders into one conversation, as fast as it goes.

use super::{Scene, crew, talk};
use crate::args::HotArgs;
use crate::member::Member;
use crate::outcome::Outcome;
use crate::speaker::{Pace, Speaker};
use crate::{Tried, people};

/// Lets everybody write into one group, or each into one of their own with the same members.
///
/// # Errors
/// If the run can't be made; what goes wrong in it is in the outcome.
pub(crate) async fn run(args: &HotArgs, scene: &Scene) -> Tried<Outcome> {
    let target = scene.plan.target().await?;
    let accounts = people::sign_up(&target, args.senders).await?;
    let (owner, others) = accounts.split_first().ok_or("somebody has to write")?;
    let count = if args.spread { args.senders } else { 1 };
    let convs = people::groups(&target, owner, others, count).await?;
    let stage = scene.stage();
    let where_to = if args.spread { "into one each" } else { "into one" };
    let name = scene.name(&format!("hot, {} senders {where_to}", args.senders));
    let mut crew = crew(&name, &target, &stage.board)?;
    for (index, account) in accounts.iter().enumerate() {
        let conv = convs[index % convs.len()];
        let speaker = Speaker::new(stage.clone(), u32::try_from(index)?, &[conv], Pace::Closed);
        crew.add(Member::new(account.config(), speaker)?, |member| member.habit.heard());
    }
    let mut outcome = scene.outcome(name).with("senders", args.senders).with("conversations", count);
    outcome = outcome.with("schedule", "none, one message of each sender on its way");
    let audience = (args.senders - 1) as u64;
    talk(crew, &target, scene.length, audience, &mut outcome).await?;
    target.finish().await?;
    Ok(outcome)
}
