//! Where the API is served: opened, and closed again.

use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use axum::Router;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::control::Handle;

use super::api;

/// Owner and group may read and write, which is what connecting takes.
const SOCKET_MODE: u32 = 0o660;

/// Where to serve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// A Unix socket, for everything.
    pub socket: Option<PathBuf>,
    /// An address, to be read only.
    pub listen: Option<SocketAddr>,
}

/// The API being served. Dropping it closes the sockets.
#[derive(Debug)]
pub struct Server {
    /// Where.
    pub places: Places,
    /// What of it could be opened.
    open: Vec<String>,
    /// The socket's file, which is ours to remove.
    file: Option<PathBuf>,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// Opens what can be opened and serves it; each failure is told.
    pub async fn start(places: Places, handle: &Handle, mut failed: impl FnMut(io::Error)) -> Self {
        let (mut tasks, mut open, mut file) = (Vec::new(), Vec::new(), None);
        if let Some(path) = &places.socket {
            match open_socket(path).await {
                Ok(listener) => {
                    tasks.push(serve(listener, api::writable(handle.clone())));
                    open.push(path.display().to_string());
                    file = Some(path.clone());
                }
                Err(error) => failed(explain(&error, &path.display().to_string())),
            }
        }
        if let Some(address) = places.listen {
            match TcpListener::bind(address).await {
                Ok(listener) => {
                    open.push(format!("http://{}", listener.local_addr().unwrap_or(address)));
                    tasks.push(serve(listener, api::readable(handle.clone())));
                }
                Err(error) => failed(explain(&error, &address.to_string())),
            }
        }
        Self { places, open, file, tasks }
    }

    /// Where it is served, for the log.
    #[must_use]
    pub fn open(&self) -> &[String] {
        &self.open
    }

    /// Closes the sockets.
    pub fn close(&mut self) {
        self.tasks.drain(..).for_each(|task| task.abort());
        if let Some(path) = self.file.take() {
            // nobody needs it; the next server replaces what is left
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

fn serve<L>(listener: L, router: Router) -> JoinHandle<()>
where
    L: axum::serve::Listener,
    L::Addr: std::fmt::Debug,
{
    tokio::spawn(async move {
        // never ends: errors of accepting are waited out inside
        let _ = axum::serve(listener, router).await;
    })
}

/// Opens the socket in place of one that nobody serves any more.
async fn open_socket(path: &Path) -> io::Result<UnixListener> {
    if UnixStream::connect(path).await.is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another server is answering there"));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE))?;
    Ok(listener)
}

fn explain(error: &io::Error, place: &str) -> io::Error {
    io::Error::new(error.kind(), format!("cannot serve the admin API at {place}: {error}"))
}
