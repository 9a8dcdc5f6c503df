//! Where the API is served: opened, and closed again.

use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use axum::Router;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::control::{Handle, shown};

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
pub struct Server {
    handle: Handle,
    socket: Option<Served<Socket>>,
    http: Option<Served<SocketAddr>>,
}

/// One of the places, open.
struct Served<P> {
    place: P,
    task: JoinHandle<()>,
}

/// The Unix socket, and which file it is: another server may have put its own in the place.
struct Socket {
    path: PathBuf,
    file: Option<(u64, u64)>,
}

impl Socket {
    fn is_there(&self) -> bool {
        self.file.is_some() && identity(&self.path) == self.file
    }

    fn remove(&self) {
        if self.is_there() {
            // nobody needs it; the next server replaces what is left
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

impl Server {
    /// An API that is served nowhere yet.
    #[must_use]
    pub const fn new(handle: Handle) -> Self {
        Self { handle, socket: None, http: None }
    }

    /// Serves it at these places: what is open there stays, what is not wanted is closed, what is missing is opened.
    /// Returns what was opened, and what could not be; another call tries that again.
    pub async fn serve_at(&mut self, places: Places) -> Vec<io::Result<String>> {
        let mut opened = Vec::new();
        let kept = |open: &Served<Socket>| Some(&open.place.path) == places.socket.as_ref() && open.place.is_there();
        if let Some(old) = self.socket.take_if(|open| !kept(open)) {
            old.place.remove();
            old.close().await;
        }
        if let Some(old) = self.http.take_if(|open| Some(open.place) != places.listen) {
            old.close().await;
        }
        if let (None, Some(path)) = (&self.socket, places.socket) {
            let listener = open_socket(&path).await;
            opened.push(listener.map_err(|error| explain_socket(&error, &path)).map(|listener| {
                let (name, task) = (shown(&path), serve(listener, api::writable(self.handle.clone())));
                self.socket = Some(Served { place: Socket { file: identity(&path), path }, task });
                name
            }));
        }
        if let (None, Some(place)) = (&self.http, places.listen) {
            let listener = TcpListener::bind(place).await;
            opened.push(listener.map_err(|error| explain_http(&error, place)).map(|listener| {
                let name = format!("http://{}", listener.local_addr().unwrap_or(place));
                self.http = Some(Served { place, task: serve(listener, api::readable(self.handle.clone())) });
                name
            }));
        }
        opened
    }
}

impl<P> Served<P> {
    /// Closes it, and returns when it is closed.
    async fn close(self) {
        self.task.abort();
        // an error says that it was aborted
        let _ = self.task.await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(socket) = &self.socket {
            socket.task.abort();
            socket.place.remove();
        }
        if let Some(http) = &self.http {
            http.task.abort();
        }
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
    match std::fs::symlink_metadata(path) {
        Ok(there) if there.file_type().is_socket() => std::fs::remove_file(path)?,
        Ok(_) => return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is no socket is there")),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE))?;
    Ok(listener)
}

fn explain_socket(error: &io::Error, path: &Path) -> io::Error {
    let text = format!("cannot serve the admin API at {}: {error}; DNS is served without it", shown(path));
    io::Error::new(error.kind(), text)
}

fn explain_http(error: &io::Error, address: SocketAddr) -> io::Error {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(" (`ss -ltnp sport = :{}` shows what listens there); choose another [admin] listen", address.port())
        }
        _ => String::new(),
    };
    let text = format!("cannot serve the admin API at {address}: {error}{hint}; DNS is served without it");
    io::Error::new(error.kind(), text)
}
