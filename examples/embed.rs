//! The engine inside another program: loads a configuration, and answers UDP and TCP through `hickory_server::Server`.
//!
//! ```text
//! cargo run --example embed -- config/windrose.toml --listen 127.0.0.1:5300 --for 60
//! dig @127.0.0.1 -p 5300 www.example.com A +subnet=133.11.0.0/24
//! ```
//!
//! Nothing is probed: every endpoint counts as up. A program that learns the health of endpoints in its own way builds
//! the next [`Snapshot`] from another [`Board`] and stores it in the same [`ArcSwap`], at any time.
#![allow(clippy::print_stdout, reason = "an example speaks on the terminal")]

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use clap::Parser;
use hickory_server::Server;
use tokio::net::{TcpListener, UdpSocket};
use windrose::answer::{Meta, Reply, Worker, respond};
use windrose::base::Now;
use windrose::health::{Board, TargetView};
use windrose::net::Responder;
use windrose::net::hosted::Handler;
use windrose::probe::clock;
use windrose::snapshot::Snapshot;

/// Answer queries from a configuration, without probes.
#[derive(Parser)]
struct Args {
    /// The configuration file
    config: PathBuf,
    /// Where to answer over UDP and TCP
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:5300")]
    listen: SocketAddr,
    /// End after so many seconds; otherwise at ctrl-c
    #[arg(long = "for", value_name = "SECONDS")]
    end_after: Option<u64>,
}

/// What answers queries: the engine of one thread.
struct Engine {
    published: Arc<ArcSwap<Snapshot>>,
    snapshot: Arc<Snapshot>,
    now: Now,
    worker: Worker,
}

impl Engine {
    fn new(published: &Arc<ArcSwap<Snapshot>>) -> Self {
        Self {
            published: Arc::clone(published),
            snapshot: published.load_full(),
            now: clock::now(),
            worker: Worker::new(fastrand::u64(..)),
        }
    }
}

impl Responder for Engine {
    fn start_batch(&mut self) {
        self.snapshot = self.published.load_full();
        self.now = clock::now();
    }

    fn respond(&mut self, query: &[u8], meta: &Meta, out: &mut [u8]) -> Option<usize> {
        match respond(&self.snapshot, query, meta, self.now, &mut self.worker, out) {
            Reply::Send(len) => Some(len),
            Reply::Drop => None,
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();

    // Everything that the file names is read, or every mistake in it is reported.
    let (setup, _warnings) = windrose::control::load(&args.config).map_err(|report| {
        report.diagnostics.iter().for_each(|found| println!("{}", report.sources.one_line(found)));
        "the configuration has errors"
    })?;

    // What is loaded, and what is known of the health of every endpoint, decide what clients are answered.
    let board = Board { targets: setup.loaded.steering.targets.iter().map(|_| TargetView::unprobed()).collect() };
    let published = Arc::new(ArcSwap::from_pointee(Snapshot::build(setup.loaded, board, 1)));

    // The sockets are yours, and so is the server: other listeners can be registered with it.
    let tcp = TcpListener::bind(args.listen).await?;
    let udp = UdpSocket::bind(tcp.local_addr()?).await?;
    let threads = tokio::runtime::Handle::current().metrics().num_workers();
    let mut server = Server::new(Handler::new(args.listen.ip(), threads, || Engine::new(&published)));
    println!("listening on {} (UDP and TCP)", tcp.local_addr()?);
    server.register_socket(udp);
    server.register_listener(tcp, Duration::from_secs(10), 32);

    let end = async {
        match args.end_after {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => drop(tokio::signal::ctrl_c().await),
        }
    };
    tokio::select! {
        ended = server.block_until_done() => ended?,
        () = end => server.shutdown_gracefully().await?,
    }
    Ok(())
}
