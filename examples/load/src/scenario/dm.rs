//! Messages between two, kept durably.

use super::{Scene, crew, share, talk};
use crate::Tried;
use crate::args::DmArgs;
use crate::member::Member;
use crate::outcome::Outcome;
use crate::people;
use crate::speaker::{Pace, Speaker};

/// Lets one of each pair write to the other.
///
/// # Errors
/// If the run can't be made; what goes wrong in it is in the outcome.
pub(crate) async fn run(args: &DmArgs, scene: &Scene) -> Tried<Outcome> {
    let target = scene.plan.target().await?;
    let accounts = people::sign_up(&target, args.pairs * 2).await?;
    let pairs: Vec<_> = accounts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    let convs = people::pair_up(&target, &pairs).await?;
    let stage = scene.stage();
    let how = if args.closed { "saturated".to_owned() } else { format!("{}/s", args.rate) };
    let name = scene.name(&format!("dm, {} pairs, {how}", args.pairs));
    let mut crew = crew(&name, &target, &stage.board)?;
    for (index, ((one, other), conv)) in pairs.iter().zip(&convs).enumerate() {
        let pace = if args.closed { Pace::Closed } else { share(args.rate, pairs.len(), index) };
        let speaker = Speaker::new(stage.clone(), u32::try_from(index)?, &[*conv], pace);
        crew.add(Member::new(one.config(), speaker)?, |member| member.habit.heard());
        let listener = Speaker::new(stage.clone(), u32::MAX, &[], Pace::Silent);
        crew.add(Member::new(other.config(), listener)?, |member| member.habit.heard());
    }
    let mut outcome = scene.outcome(name).with("pairs", args.pairs);
    outcome = match args.closed {
        true => outcome.with("schedule", "none, one message of each pair on its way"),
        false => outcome.with("schedule", format!("{} messages per second", args.rate)),
    };
    talk(crew, &target, scene.length, 1, &mut outcome).await?;
    target.finish().await?;
    Ok(outcome)
}
