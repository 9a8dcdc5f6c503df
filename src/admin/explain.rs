//! `/v1/explain?name=NAME[&type=TYPE][&client=ADDR[/LEN]][&resolver=ADDR]`.

use std::net::IpAddr;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::control::Handle;
use crate::control::explain::{ExplainError, Question, explain};
use crate::probe::clock;
use crate::wire::Rtype;

use super::things::probes;

/// How many may be explained at once: queries of clients should not feel it.
static AT_ONCE: Semaphore = Semaphore::const_new(1);

/// The question, as a client writes it.
#[derive(Deserialize)]
pub(super) struct Asked {
    name: String,
    #[serde(rename = "type")]
    rtype: Option<String>,
    client: Option<String>,
    resolver: Option<String>,
}

impl Asked {
    fn question(&self) -> Result<Question, String> {
        let rtype = self.rtype.as_deref().unwrap_or("A");
        let client = self.client.as_deref().map(Question::parse_client).transpose();
        let resolver = self.resolver.as_deref().map(str::parse::<IpAddr>).transpose();
        Ok(Question {
            name: self.name.parse().map_err(|error| format!("name: {error}"))?,
            rtype: rtype.parse::<Rtype>().map_err(|_| format!("type: there is no record type {rtype:?}"))?,
            client: client.map_err(|error| format!("client: {error}"))?,
            resolver: resolver.map_err(|error| format!("resolver: {error}"))?,
        })
    }
}

/// Why a client gets its answer.
pub(super) async fn answer(State(handle): State<Handle>, Query(asked): Query<Asked>) -> Response {
    let question = match asked.question() {
        Ok(question) => question,
        Err(why) => return (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
    };
    // each reads the geo databases
    let _permit = AT_ONCE.acquire().await;
    let explained = tokio::task::spawn_blocking(move || {
        let snapshot = handle.control.published().load_full();
        explain(&snapshot, &question, clock::now(), &|key| probes(&handle, key))
    });
    match explained.await {
        Ok(Ok(explanation)) => Json(explanation).into_response(),
        Ok(Err(error @ ExplainError::Type(_))) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
        Err(panic) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{panic}\n")).into_response(),
    }
}
