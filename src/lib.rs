//! Windrose: an authoritative DNS server that gives each client the healthiest nearby CDN edge or origin cluster.
#![allow(missing_docs, reason = "filled in as the rooms are furnished")]

pub mod base;
pub mod wire;
pub mod health;
pub mod probe;
