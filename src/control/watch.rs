//! Watches the files that are served, and says when they have changed and come to rest.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use super::files::Files;

/// Files are at rest when nothing has happened to them for this long: editors and `git` write several one after the other.
const REST: Duration = Duration::from_millis(200);
/// Folders in which something always happens are looked at this often.
const BUSY: Duration = Duration::from_secs(2);
/// Files that never rest are loaded all the same after this long: a large zone may take some seconds to be written.
const PATIENCE: Duration = Duration::from_secs(30);
/// Without any event the files are compared this often: network file systems do not tell of changes.
const LOOK: Duration = Duration::from_secs(30);

/// Watches one set of files at a time.
pub struct Watch {
    watcher: Option<RecommendedWatcher>,
    events: mpsc::Receiver<()>,
    files: Arc<Files>,
    watched: Vec<PathBuf>,
    /// When the files are compared next, if nothing is told before.
    look: Instant,
}

impl Watch {
    /// Watches these files from now on.
    #[must_use]
    pub fn new(files: Files) -> Self {
        // one is enough: it says that something has happened
        let (told, events) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // reading a file is an event too, and ours would never end
            if !event.is_ok_and(|event| event.kind.is_access()) {
                let _ = told.try_send(());
            }
        });
        let watcher = watcher
            .inspect_err(|error| warn!("cannot watch files: {error}; they are looked at every {} s", LOOK.as_secs()))
            .ok();
        let mut watch = Self { watcher, events, files: Arc::default(), watched: Vec::new(), look: Instant::now() };
        watch.follow(files);
        watch
    }

    /// Watches other files instead: those that were read last.
    pub fn follow(&mut self, files: Files) {
        let folders = files.folders();
        if let Some(watcher) = &mut self.watcher {
            for gone in self.watched.iter().filter(|folder| !folders.contains(folder)) {
                // fails where the folder itself is gone
                let _ = watcher.unwatch(gone);
            }
            for folder in &folders {
                // again for those that are watched: a folder that was replaced has the same name
                if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive)
                    && folder.exists()
                {
                    let every = LOOK.as_secs();
                    warn!("cannot watch {}: {error}; its files are looked at every {every} s", folder.display());
                }
            }
        }
        self.watched = folders;
        self.files = Arc::new(files);
        // what changed between reading and watching was not told
        self.look = Instant::now();
    }

    /// Waits until the files differ from what was read, and are at rest.
    pub async fn changed(&mut self) {
        let mut seen: Option<Instant> = None;
        loop {
            // None comes only where there is no watcher, and so nothing but the look
            match timeout_at(self.look, self.events.recv()).await {
                Ok(Some(())) => self.rest().await,
                Ok(None) => tokio::time::sleep_until(self.look).await,
                Err(_) => {}
            }
            self.look = Instant::now() + LOOK;
            let files = Arc::clone(&self.files);
            let compared = tokio::task::spawn_blocking(move || (files.changed(), files.rest(REST))).await;
            let (changed, rest) = compared.unwrap_or((false, true));
            if changed {
                let since = *seen.get_or_insert_with(Instant::now);
                if rest || since.elapsed() > PATIENCE {
                    return;
                }
                self.look = Instant::now() + REST;
            }
        }
    }

    /// Waits until no event comes for a while.
    async fn rest(&mut self) {
        let patience = Instant::now() + BUSY;
        while let Ok(Some(())) = timeout_at((Instant::now() + REST).min(patience), self.events.recv()).await {
            if Instant::now() >= patience {
                return;
            }
        }
    }
}
