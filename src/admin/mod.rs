//! The admin API: HTTP over a Unix socket, which may change things, and over TCP, to be read only.
//!
//! | path           | gives                                                                        |
//! |----------------|------------------------------------------------------------------------------|
//! | `/v1/status`   | the server at a glance                                                       |
//! | `/v1/zones`    | zones with their steered names                                               |
//! | `/v1/pools`    | pools with their endpoints, and how they stand                               |
//! | `/v1/targets`  | what is probed: state, since when, why, last probes, latency, certificate    |
//! | `/v1/policies` | policies with their pools and what they answered                             |
//! | `/v1/explain`  | why a client gets its answer                                                 |
//! | `/v1/reload`   | POST, on the Unix socket alone: load the files anew, and how that went       |
//! | `/live`        | 200 while the process works                                                  |
//! | `/ready`       | 200 while its DNS listeners answer, asked as a client would                  |
//! | `/metrics`     | for Prometheus, as OpenMetrics text                                          |
//!
//! Everything is read from the newest snapshot and from the poller; nothing here waits for a serving thread, nor they for
//! it. Over TCP, requests are guarded (`guard`) against pages of other sites that a browser on this machine has open.

mod api;
mod explain;
mod guard;
mod metrics;
mod ready;
mod server;
mod things;

pub use api::{ROUTES, Status};
pub use server::{Places, Server};
pub use things::{Database, EndpointStatus, FamilyStatus, PoolStatus, TargetStatus};
