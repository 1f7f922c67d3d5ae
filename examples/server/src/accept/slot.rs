//! What a connection takes up, until its socket is closed.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OwnedSemaphorePermit;

use crate::metrics::EdgeCounts;

/// A place among all connections, and one among those of an address.
pub(super) struct Slot {
    _place: OwnedSemaphorePermit,
    _address: Option<AddressPlace>,
    counts: Arc<EdgeCounts>,
}

impl Slot {
    pub(super) fn new(
        place: OwnedSemaphorePermit,
        address: Option<AddressPlace>,
        counts: Arc<EdgeCounts>,
    ) -> Self {
        counts.opened();
        Self { _place: place, _address: address, counts }
    }

    pub(super) fn counts(&self) -> &EdgeCounts {
        &self.counts
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.counts.ended();
    }
}

/// How many connections there are of each address; of IPv6 addresses the first 64 bits count, which are what one
/// customer gets.
#[derive(Debug, Clone, Default)]
pub(super) struct Addresses {
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Addresses {
    /// Takes a place of an address, if it has fewer than `max`.
    pub(super) fn take(&self, address: IpAddr, max: usize) -> Option<AddressPlace> {
        let address = customer(address);
        let mut taken = self.lock();
        let count = taken.entry(address).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(AddressPlace { addresses: self.clone(), address })
    }

    /// What panics with the lock held has at most not counted one.
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place of an address, until it is dropped.
pub(super) struct AddressPlace {
    addresses: Addresses,
    address: IpAddr,
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let mut taken = self.addresses.lock();
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let addresses = Addresses::default();
        let take = |text: &str| addresses.take(text.parse().unwrap(), 2);
        let (first, second) = (take("192.0.2.1"), take("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some() && take("192.0.2.1").is_none());
        let neighbours = (take("2001:db8::1"), take("2001:db8::2"));
        assert!(
            take("2001:db8::3").is_none() && take("2001:db8:0:1::1").is_some() && take("192.0.2.2").is_some()
        );
        drop(second);
        assert!(take("192.0.2.1").is_some());
        drop((first, neighbours));
        assert!(addresses.lock().is_empty(), "nothing is left of those that are gone");
    }
}
