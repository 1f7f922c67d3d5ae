//! The parts of the reference server `mvchat`; the binary puts them together.

pub mod accept;
mod auth;
mod chat;
pub mod cli;
pub mod command;
pub mod config;
mod control;
pub mod database;
mod keeper;
pub mod log;
mod mail;
mod mvchat2;
mod proxy;
pub mod run;
pub mod signal;
mod transport;
pub mod web;
