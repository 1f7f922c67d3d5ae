//! Messages between two, first alone and then beside something heavy: what a few do should not be felt by all others.

use super::burden::Heavy;
use super::dm::pairs;
use super::{Scene, talk};
use crate::Tried;
use crate::args::BesideArgs;
use crate::outcome::Outcome;

/// What is compared.
const P99: &str = "send to delivery p99";

/// Lets pairs talk twice, and puts the burden on the server the second time.
///
/// # Errors
/// If the run can't be made; what goes wrong in it is in the outcome.
pub(crate) async fn run(args: &BesideArgs, scene: &Scene) -> Tried<Outcome> {
    let target = scene.plan.target().await?;
    let heavy = Heavy::prepare(args, &target).await?;
    let name = scene.name(&format!("{} messages/s beside {}", args.rate, heavy.name));
    let mut alone = Outcome::new(&*name);
    let crew = pairs(args.pairs, Some(args.rate), scene, &target, &name).await?;
    talk(crew, &target, scene.length, 1, &mut alone).await?;

    let mut outcome = scene.outcome(name.clone()).with("pairs", args.pairs);
    outcome = outcome.with("schedule", format!("{} messages per second", args.rate));
    // New people, so that both times everybody starts with nothing.
    let crew = pairs(args.pairs, Some(args.rate), scene, &target, &name).await?;
    crew.gather().await?;
    let burden = heavy.begin(scene, &target).await?;
    let before = target.resident();
    let (talked, weighed) =
        tokio::join!(talk(crew, &target, scene.length, 1, &mut outcome), burden.weigh(scene, &target));
    talked?;
    let weighed = weighed?;
    if let (Some(before), Some(after)) = (before, target.resident()) {
        outcome.figure("server memory grown meanwhile", (after - before) / 1024.0, "MiB");
    }
    if let (Some(alone), Some(beside)) = (alone.value(P99), outcome.value(P99)) {
        outcome.figure(&format!("{P99}, alone"), alone, "ms");
        outcome.figure(&format!("{P99}, to alone"), beside / alone.max(1e-9), "");
    }
    for other in [alone, weighed] {
        outcome.figures.extend(other.figures.into_iter().filter(|figure| figure.name.starts_with("burden:")));
        for (what, count) in other.errors {
            outcome.error(&what, count);
        }
    }
    target.finish().await?;
    Ok(outcome)
}
