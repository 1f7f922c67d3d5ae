//! What goes wrong, by chance.

use super::node::start;
use super::trace::Seen;
use super::world::World;
use crate::seam::Store;
use std::time::Duration;

/// How long a graceful stop may take.
const DRAIN: Duration = Duration::from_secs(10);

/// Lets faults come until the time is over.
pub(super) async fn rage<S: Store + Clone>(world: &World, store: &S) {
    let scenario = world.scenario.clone();
    let mut rng = world.fork();
    let end = tokio::time::Instant::now() + scenario.chaos;
    loop {
        let next = tokio::time::Instant::now() + Duration::from_millis(rng.between(100, 1_500));
        if next >= end {
            tokio::time::sleep_until(end).await;
            return;
        }
        tokio::time::sleep_until(next).await;
        match rng.below(100) {
            0..=44 if scenario.links => break_link(world, rng.next()),
            45..=59 if scenario.links => stall_link(world, rng.next(), rng.between(200, 25_000)),
            60..=67 if scenario.links => darken_link(world, rng.next()),
            68..=77 if scenario.nodes_fail => {
                let node = rng.below(scenario.nodes as u64);
                let node = usize::try_from(node).unwrap_or(0);
                if rng.chance(300) {
                    drain(world, node).await;
                } else if world.nodes.lock()[node].kill() {
                    world.trace.note(Seen::Killed(node));
                }
                tokio::time::sleep(Duration::from_millis(rng.below(3_000))).await;
                start(world, store, node, scenario.store).await;
            }
            78..=81 if scenario.jumps => {
                let micros = i64::try_from(rng.below(7_200_000_000)).unwrap_or(0) - 3_600_000_000;
                world.clock.jump(micros);
                world.trace.note(Seen::Jumped(micros));
            }
            82..=91 if scenario.bus && scenario.nodes > 1 => {
                let nodes = scenario.nodes as u64;
                let (one, by) = (rng.below(nodes), rng.between(1, nodes - 1));
                cut_nodes(world, one, (one + by) % nodes, Duration::from_millis(rng.between(200, 12_000)));
            }
            _ => {}
        }
    }
}

/// Cuts two nodes off from each other for a while.
fn cut_nodes(world: &World, one: u64, other: u64, time: Duration) {
    let place = |node| usize::try_from(node).unwrap_or(0);
    let (one, other, ether) = (place(one), place(other), world.ether.clone());
    ether.cut(one, other);
    world.trace.note(Seen::Parted(one, other));
    tokio::spawn(async move {
        tokio::time::sleep(time).await;
        ether.join_again(one, other);
    });
}

/// Ends all faults and starts what does not run.
pub(super) async fn heal<S: Store + Clone>(world: &World, store: &S) {
    for node in 0..world.scenario.nodes {
        world.nodes.lock()[node].heal();
        start(world, store, node, false).await;
    }
    world.ether.heal();
    world.trace.note(Seen::Healed);
}

async fn drain(world: &World, node: usize) {
    let Some(running) = world.nodes.lock()[node].retire() else { return };
    let clean = running.stop(DRAIN).await;
    world.trace.note(Seen::Drained { node, clean });
}

/// Finds a connection over which something still arrives.
fn some_link(world: &World, drawn: u64) -> Option<(usize, super::link::Weather)> {
    let links = world.links.lock();
    let alive: Vec<_> = links.iter().enumerate().filter(|(_, weather)| weather.is_alive()).collect();
    let place = usize::try_from(drawn % alive.len().max(1) as u64).unwrap_or(0);
    alive.get(place).map(|(id, weather)| (*id, (*weather).clone()))
}

fn break_link(world: &World, drawn: u64) {
    if let Some((link, weather)) = some_link(world, drawn) {
        weather.cut();
        world.trace.note(Seen::Cut(link));
    }
}

fn darken_link(world: &World, drawn: u64) {
    if let Some((link, weather)) = some_link(world, drawn) {
        weather.darken();
        world.trace.note(Seen::Dark(link));
    }
}

pub(super) fn stall_link(world: &World, drawn: u64, millis: u64) {
    if let Some((link, weather)) = some_link(world, drawn) {
        weather.stall(Duration::from_millis(millis));
        world.trace.note(Seen::Stalled(link));
    }
}
