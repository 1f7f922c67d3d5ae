//! Messages between two, kept durably.

use super::{Scene, crew, share, talk};
use crate::Tried;
use crate::args::DmArgs;
use crate::member::Member;
use crate::outcome::Outcome;
use crate::people;
use crate::run::Crew;
use crate::speaker::{Heard, Pace, Speaker};
use crate::target::Target;

/// Lets one of each pair write to the other.
///
/// # Errors
/// If the run can't be made; what goes wrong in it is in the outcome.
pub(crate) async fn run(args: &DmArgs, scene: &Scene) -> Tried<Outcome> {
    let target = scene.plan.target().await?;
    let rate = (!args.closed).then_some(args.rate);
    let how = rate.map_or_else(|| "saturated".to_owned(), |rate| format!("{rate}/s"));
    let name = scene.name(&format!("dm, {} pairs, {how}", args.pairs));
    let crew = pairs(args.pairs, rate, scene, &target, &name).await?;
    let mut outcome = scene.outcome(name).with("pairs", args.pairs);
    outcome = match rate {
        None => outcome.with("schedule", "none, one message of each pair on its way"),
        Some(rate) => outcome.with("schedule", format!("{rate} messages per second")),
    };
    talk(crew, &target, scene.length, 1, &mut outcome).await?;
    target.finish().await?;
    Ok(outcome)
}

/// Makes pairs of people, one of whom will write to the other: so many messages per second in all, or without a
/// schedule.
///
/// # Errors
/// With the server's refusal.
pub(super) async fn pairs(
    count: usize,
    rate: Option<f64>,
    scene: &Scene,
    target: &Target,
    name: &str,
) -> Tried<Crew<Heard>> {
    let accounts = people::sign_up(target, count * 2).await?;
    let pairs: Vec<_> = accounts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    let convs = people::pair_up(target, &pairs).await?;
    let stage = scene.stage();
    let mut crew = crew(name, target, &stage.board)?;
    for (index, ((one, other), conv)) in pairs.iter().zip(&convs).enumerate() {
        let pace = rate.map_or(Pace::Closed, |rate| share(rate, pairs.len(), index));
        let speaker = Speaker::new(stage.clone(), u32::try_from(index)?, &[*conv], pace);
        crew.add(Member::new(one.config(), speaker)?, |member| member.habit.heard());
        let listener = Speaker::new(stage.clone(), u32::MAX, &[], Pace::Silent);
        crew.add(Member::new(other.config(), listener)?, |member| member.habit.heard());
    }
    Ok(crew)
}
