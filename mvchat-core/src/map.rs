//! A map in order of its keys that is small when compiled.

use crate::wire::{Members, Read, Reader, Write};
use std::borrow::Borrow;
use std::ops::Index;
use std::slice;

/// A map whose entries stand in the order of their keys, in one row of memory.
///
/// Finding is a binary search. Adding and removing are cheap at the end, where messages come, and elsewhere cost a move
/// of what lies behind: a key and a pointer per entry, for the values lie apart.
///
/// A tree would bring one compiled copy of its machinery for every type of entry, some ten kilobytes each, which
/// everyone who opens a chat in a browser would download.
///
/// # Examples
/// ```
/// use mvchat_core::map::Map;
///
/// let mut map = Map::new();
/// map.insert(2, "b");
/// *map.or_default(1) = "a";
/// assert_eq!(map.get(&1), Some(&"a"));
/// assert_eq!(map.keys().copied().collect::<Vec<_>>(), [1, 2]);
/// assert_eq!((map.pop_first(), map.len()), (Some((1, "a")), 1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map<K, V> {
    entries: Vec<(K, Box<V>)>,
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> Map<K, V> {
    /// Makes an empty map.
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the entries in order.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter(self.entries.iter())
    }

    /// Returns the entries in order; the values can be changed.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&K, &mut V)> {
        self.entries.iter_mut().map(|(key, value)| (&*key, &mut **value))
    }

    /// Returns the keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.entries.iter().map(|(key, _)| key)
    }

    /// Returns the values in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.entries.iter().map(|(_, value)| &**value)
    }

    /// Returns the first entry.
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.entries.first().map(|(key, value)| (key, &**value))
    }

    /// Takes the first entry.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        if self.entries.is_empty() {
            return None;
        }
        let (key, value) = self.entries.remove(0);
        Some((key, *value))
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Keeps only the entries that `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.entries.retain(|(key, value)| keep(key, value));
    }
}

impl<K: Ord, V> Map<K, V> {
    /// Returns where a key stands, or where it would.
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        // Most of what comes is newer than all that is there.
        if self.entries.last().is_none_or(|(last, _)| last.borrow() < key) {
            return Err(self.entries.len());
        }
        self.entries.binary_search_by(|(known, _)| known.borrow().cmp(key))
    }

    /// Returns a key's value.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(self.find(key).ok()?).map(|(_, value)| &**value)
    }

    /// Returns a key's value, to change it.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        self.entries.get_mut(at).map(|(_, value)| &mut **value)
    }

    /// Returns whether there is such a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Sets a key's value. Returns the one before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => self.entries.get_mut(at).map(|(_, known)| std::mem::replace(&mut **known, value)),
            Err(at) => {
                self.entries.insert(at, (key, Box::new(value)));
                None
            }
        }
    }

    /// Returns a key's value, an empty one if there was none.
    pub fn or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let at = match self.find(&key) {
            Ok(at) => at,
            Err(at) => {
                self.entries.insert(at, (key, Box::default()));
                at
            }
        };
        &mut self.entries[at].1
    }

    /// Removes a key. Returns its value.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        Some(*self.entries.remove(at).1)
    }

    /// Returns the entries from a key on.
    pub fn from(&self, key: &K) -> Iter<'_, K, V> {
        let (Ok(at) | Err(at)) = self.find(key);
        Iter(self.entries.get(at..).unwrap_or_default().iter())
    }
}

impl<K: Ord> Map<K, ()> {
    /// Adds a key that stands for itself. Returns whether it is new.
    pub fn add(&mut self, key: K) -> bool {
        self.insert(key, ()).is_none()
    }
}

/// The entries of a [`Map`] in order.
#[derive(Clone, Debug)]
pub struct Iter<'a, K, V>(slice::Iter<'a, (K, Box<V>)>);

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key, &**value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, value)| (key, &**value))
    }
}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl<K: Ord, V> Index<&K> for Map<K, V> {
    type Output = V;

    /// # Panics
    /// If there is no such key.
    fn index(&self, key: &K) -> &V {
        &self.entries[self.find(key).unwrap_or(usize::MAX)].1
    }
}

impl<V: Read> Read for Map<String, V> {
    fn blank() -> Self {
        Self::new()
    }
    fn read(&mut self, reader: &mut Reader<'_>) -> bool {
        self.clear();
        reader.object(&mut |reader, key| {
            let mut value = V::blank();
            let read = value.read(reader);
            self.insert(key.into_owned(), value);
            read
        })
    }
}

impl<V: Write> Write for Map<String, V> {
    fn write(&self, out: &mut String) {
        let mut members = Members::new(out);
        for (key, value) in self {
            members.put(key, value);
        }
        members.end();
    }
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8, u16),
        Change(u8),
        Remove(u8),
        PopFirst,
        Retain(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (any::<u8>(), any::<u16>()).prop_map(|(key, value)| Step::Insert(key, value)),
            2 => any::<u8>().prop_map(Step::Change),
            2 => any::<u8>().prop_map(Step::Remove),
            1 => Just(Step::PopFirst),
            1 => any::<u8>().prop_map(Step::Retain),
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_map_like_any_other(steps in proptest::collection::vec(step(), 0..60), key: u8) {
            let (mut map, mut tree) = (Map::new(), BTreeMap::new());
            for step in steps {
                match step {
                    Step::Insert(key, value) => prop_assert_eq!(map.insert(key, value), tree.insert(key, value)),
                    Step::Change(key) => {
                        *map.or_default(key) ^= 1;
                        *tree.entry(key).or_default() ^= 1;
                    }
                    Step::Remove(key) => prop_assert_eq!(map.remove(&key), tree.remove(&key)),
                    Step::PopFirst => prop_assert_eq!(map.pop_first(), tree.pop_first()),
                    Step::Retain(most) => {
                        map.retain(|key, _| *key <= most);
                        tree.retain(|key, _| *key <= most);
                    }
                }
            }
            prop_assert!(map.iter().eq(tree.iter()) && map.iter().rev().eq(tree.iter().rev()));
            prop_assert!(map.from(&key).eq(tree.range(key..)));
            prop_assert!(map.keys().eq(tree.keys()) && map.values().eq(tree.values()));
            prop_assert_eq!((map.get(&key), map.len()), (tree.get(&key), tree.len()));
            prop_assert_eq!(map.contains_key(&key), map.get_mut(&key).is_some());
            prop_assert_eq!(map.first_key_value(), tree.first_key_value());
            prop_assert_eq!(tree.into_iter().rev().collect::<Map<_, _>>(), map);
        }
    }
}
