use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// A map of bounded size that forgets roughly what was unused for longest.
///
/// Two generations stand in for a usage list: a hit in the old one moves the entry to the young one, and when the young
/// one is full, the old one is dropped as a whole and the young one takes its place. So every operation is O(1), and
/// an entry survives at least as many insertions of others as one generation holds.
pub(super) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    generation: usize,
}

impl<K: Hash + Eq + Clone, V: Clone> Recent<K, V> {
    /// Makes a map of at most `2 × generation` entries.
    pub(super) fn new(generation: usize) -> Recent<K, V> {
        Recent { young: HashMap::new(), old: HashMap::new(), generation }
    }

    pub(super) fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let value = self.old.remove(key)?;
        self.insert(key.clone(), value.clone());
        Some(value)
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.old.remove(&key);
        if self.young.len() >= self.generation && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(super) fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.young.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_bounded_and_keeps_what_is_used() {
        let mut recent = Recent::new(4);
        recent.insert("hot".to_owned(), 0);
        for i in 0..100 {
            recent.insert(i.to_string(), i);
            assert_eq!(recent.get(&"hot".to_owned()), Some(0));
            assert!(recent.young.len() + recent.old.len() <= 8);
        }
        assert_eq!(recent.get(&"99".to_owned()), Some(99));
        assert_eq!(recent.get(&"5".to_owned()), None);
    }

    #[test]
    fn removal_and_replacement_reach_both_generations() {
        let mut recent = Recent::new(1);
        recent.insert(1, 'a');
        recent.insert(2, 'b');
        recent.insert(1, 'c');
        assert_eq!(recent.get(&1), Some('c'));
        recent.insert(2, 'd');
        recent.remove(&1);
        recent.remove(&2);
        assert_eq!((recent.get(&1), recent.get(&2)), (None, None));
    }
}
