//! I21: a connection that is gone is noticed, even when nobody said goodbye, and every node knows who is here.

use crate::testkit::sim::History;

pub(super) fn check(history: &History) -> Vec<String> {
    let (known, real) = history.audit.connections;
    let mut broken = Vec::new();
    // Checked longer after the last fault than a connection may be silent.
    if known != real {
        broken.push(format!("the engines know {known} connections, and {real} devices are connected"));
    }
    let here = &history.audit.here;
    for (node, online) in history.audit.online.iter().enumerate().filter(|(_, online)| *online != here) {
        broken.push(format!("node {node} believes {online:?} to be here, and {here:?} are"));
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, user};
    use super::check;

    #[test]
    fn a_ghost_is_seen() {
        let mut story = Story::new();
        story.audit.connections = (2, 2);
        story.keeps(check);
        let mut story = Story::new();
        story.audit.connections = (3, 2);
        story.breaks(check);
    }

    #[test]
    fn a_node_that_knows_too_few_or_too_many_is_seen() {
        let story = |online: [&[u128]; 2]| {
            let users = |users: &[u128]| users.iter().copied().map(user).collect();
            let mut story = Story::new();
            (story.audit.here, story.audit.online) = (users(&[0, 1]), online.map(users).to_vec());
            story
        };
        story([&[0, 1], &[1, 0]]).keeps(check);
        story([&[0, 1], &[0]]).breaks(check);
        story([&[0, 1, 2], &[0, 1]]).breaks(check);
    }
}
