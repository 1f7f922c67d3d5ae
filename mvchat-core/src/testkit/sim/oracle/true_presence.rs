//! I21: a connection that is gone is noticed, even when nobody said goodbye.

use crate::testkit::sim::History;

pub(super) fn check(history: &History) -> Vec<String> {
    let (known, real) = history.audit.connections;
    // Checked longer after the last fault than a connection may be silent.
    if known == real {
        Vec::new()
    } else {
        vec![format!("the engines know {known} connections, and {real} devices are connected")]
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::Story;
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
}
