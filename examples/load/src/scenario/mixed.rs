//! A day of chat.

use super::{Scene, crew};
use crate::Tried;
use crate::args::MixedArgs;
use crate::dweller::Dweller;
use crate::latency::Samples;
use crate::member::Member;
use crate::outcome::Outcome;
use crate::people;
use crate::run::Usage;
use crate::speaker::Heard;
use std::collections::BTreeMap;
use std::time::Duration;

/// People know the neighbours in their circle: so many in a group, and each the next one directly.
const CIRCLE: usize = 10;

/// Lets people live for a while.
///
/// # Errors
/// If the run can't be made; what goes wrong in it is in the outcome.
pub(crate) async fn run(args: &MixedArgs, scene: &Scene) -> Tried<Outcome> {
    let count = args.people.max(2);
    let target = scene.plan.target().await?;
    let accounts = people::sign_up(&target, count).await?;
    let pairs: Vec<_> =
        (0..count).map(|at| (accounts[at].clone(), accounts[(at + 1) % count].clone())).collect();
    // Of two people, each would open the same conversation.
    let pairs = if count == 2 { &pairs[..1] } else { &pairs[..] };
    let direct = people::pair_up(&target, pairs).await?;
    let mut convs = vec![Vec::new(); count];
    for (at, conv) in direct.iter().enumerate() {
        convs[at].push((*conv, 1));
        convs[(at + 1) % count].push((*conv, 1));
    }
    for (at, circle) in accounts.chunks(CIRCLE).enumerate() {
        if let Some((owner, others)) = circle.split_first() {
            let group = people::groups(&target, owner, others, 1).await?[0];
            let members = &mut convs[at * CIRCLE..at * CIRCLE + circle.len()];
            members.iter_mut().for_each(|convs| convs.push((group, others.len() as u64)));
        }
    }
    let stage = scene.stage();
    let name = scene.name(&format!("mixed, {count} people, {}/s", args.rate));
    let mut outcome = scene.outcome(name.clone()).with("people", count);
    outcome = outcome.with("schedule", format!("{} deeds per second", args.rate));
    let every = Duration::from_secs_f64(count as f64 / args.rate.max(0.001));
    let mut crew = crew(&name, &target, &stage.board)?;
    for (index, account) in accounts.iter().enumerate() {
        let dweller = Dweller::new(stage.clone(), u32::try_from(index)?, &convs[index], every);
        crew.add(Member::new(account.config(), dweller)?, |member| member.habit.lived());
    }
    crew.gather().await?;
    let before = Usage::now(&target);
    crew.run(scene.length).await;
    crew.wait("settling", stage.board.sent(), |board| (board.acked(), board.acked() >= board.sent())).await;
    // Messages have several readers each; when no more of them come, all have.
    let mut came = u64::MAX;
    while came != stage.board.delivered() {
        came = stage.board.delivered();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let used = Usage::now(&target).since(before);
    let board = crew.board.clone();
    let (mut heard, mut took, mut audience) = (Heard::default(), BTreeMap::new(), 0);
    for lived in crew.end().await? {
        heard.append(lived.heard);
        audience += lived.audience;
        for (deed, samples) in lived.took {
            took.entry(deed).or_insert_with(Samples::default).append(samples);
        }
    }
    let deeds: u64 = heard.lag.len();
    outcome.figure("deeds", deeds as f64, "");
    outcome.used(used, deeds, "deed");
    for (deed, samples) in &took {
        outcome.latency(deed.label(), samples);
    }
    // Who came back may have messages twice on the way, and hears of them once.
    outcome.heard(&heard, board.sent(), board.acked(), 0);
    outcome.errors.remove("delivered and not acknowledged");
    let came = heard.deliveries.len();
    outcome.error("acknowledged and not delivered", audience.saturating_sub(came));
    outcome.error("delivered and not acknowledged", came.saturating_sub(audience));
    for (what, count) in board.errors() {
        outcome.error(&what, count);
    }
    target.finish().await?;
    Ok(outcome)
}
