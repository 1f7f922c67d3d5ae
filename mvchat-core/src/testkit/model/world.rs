//! The small world in which histories happen: few users, few conversations, few words, so that they meet often.

use crate::proto::{ConvId, SessionId, UserId};
use uuid::Uuid;

/// How many users there are.
pub(super) const USERS: u8 = 4;
/// How many ids of conversations there are.
pub(super) const CONVS: u8 = 5;
/// Names, some of which differ in case only.
pub(super) const NAMES: [&str; 6] = ["Ana", "ANA", "ana_b", "b%c", "Böb", "BÖB"];
/// What is searched for.
pub(super) const TEXTS: [&str; 6] = ["", "an", "_", "%", "ö", "zzz"];

fn id(kind: u128, number: u8) -> Uuid {
    // The factor mixes the order, so that ids don't come in the order of their numbers.
    Uuid::from_u128((kind << 120) | (u128::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) << 8)
}

pub(super) fn user(number: u8) -> UserId {
    UserId(id(1, number % USERS))
}

pub(super) fn conv(number: u8) -> ConvId {
    ConvId(id(2, number % CONVS))
}

pub(super) fn session(number: u8) -> SessionId {
    SessionId(id(3, number))
}

pub(super) fn message(step: usize, place: usize) -> Uuid {
    Uuid::from_u128((4 << 120) | ((step as u128) << 16) | place as u128)
}

pub(super) fn all_users() -> impl Iterator<Item = u8> {
    0..USERS
}

pub(super) fn all_convs() -> impl Iterator<Item = u8> {
    0..CONVS
}
