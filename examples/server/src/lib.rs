//! The parts of the reference server `mvchat`; the binary puts them together.

pub mod accept;
mod auth;
mod chat;
pub mod cli;
pub mod command;
pub mod config;
mod control;
pub mod database;
pub mod guard;
mod keeper;
pub mod log;
mod mail;
pub mod metrics;
mod mvchat2;
mod proxy;
pub mod run;
pub mod signal;
pub mod tls;
pub mod traces;
mod transport;
pub mod web;
