//! Asks a running server over the Unix socket of its admin API.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::base::Sources;
use crate::config;
use crate::control::{reason, shown};

/// Where a server is asked.
pub(super) struct Client {
    socket: PathBuf,
    http: reqwest::Client,
}

/// Why a server could not be asked, for the operator.
pub(super) type Failed = String;

impl Client {
    /// A client of the server that runs with this configuration.
    pub(super) fn of(config: &Path) -> Result<Self, Failed> {
        let socket = admin_socket(config)?;
        let http = reqwest::Client::builder().unix_socket(socket.clone()).no_proxy().build();
        Ok(Self { socket, http: http.map_err(|error| error.to_string())? })
    }

    /// What a path of the API gives.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T, Failed> {
        let mut url = reqwest::Url::parse("http://localhost").expect("written here");
        url.set_path(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let response = self.http.get(url).send().await.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(response.text().await.unwrap_or_default().trim_end().to_owned());
        }
        self.read(response).await
    }

    /// Sends a command and reads what follows from it, also where it was refused.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failed> {
        let request = self.http.post(format!("http://localhost{path}"));
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        self.read(response).await
    }

    async fn read<T: DeserializeOwned>(&self, response: reqwest::Response) -> Result<T, Failed> {
        let bytes = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        let text = || String::from_utf8_lossy(&bytes).trim_end().to_owned();
        serde_json::from_slice(&bytes).map_err(|_| format!("the server at {} said: {}", shown(&self.socket), text()))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failed {
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        format!(
            "no server answers at {}: {cause}; is it running, and may you write to that socket? (where the file now names another \
             socket or state folder, send SIGHUP instead)",
            shown(&self.socket)
        )
    }
}

/// The admin socket that a configuration names. The rest of it need not be sound.
fn admin_socket(config: &Path) -> Result<PathBuf, Failed> {
    let bytes = std::fs::read(config).map_err(|error| format!("cannot read {}: {}", shown(config), reason(&error)))?;
    let (mut sources, mut found) = (Sources::default(), Vec::new());
    let file = sources.add(config.display().to_string(), bytes);
    let main = config::main_file(&sources, file, &mut found);
    let unreadable = || found.iter().map(|found| sources.one_line(found)).collect::<Vec<_>>().join("\n");
    let main = main.ok_or_else(unreadable)?;
    let folder = config.parent().unwrap_or(Path::new(""));
    main.admin_socket().map(|socket| folder.join(socket)).ok_or_else(|| {
        format!("{} has neither [admin] socket nor a state folder, so its server cannot be asked", config.display())
    })
}
