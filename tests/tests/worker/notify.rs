//! What systemd hears of the worker's real process.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram as StdUnixDatagram};
use std::process::Stdio;
use std::time::Duration;

use sparkwright_tests::cluster::Fate;
use sparkwright_tests::faults::{Moment, On};
use tempfile::TempDir;
use tokio::net::UnixDatagram;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::site::Site;

const PATIENCE: Duration = Duration::from_secs(30);

/// After so long without a beat systemd takes the worker for hung.
const WATCHDOG: Duration = Duration::from_millis(500);

const READY: &str = "READY=1\n";
const BEAT: &str = "WATCHDOG=1\n";

/// Its open polls may take 75 s, and its last reports 30 s more.
const STOPPING: &str = "STOPPING=1\nEXTEND_TIMEOUT_USEC=105000000\n";

/// Whom the watchdog is meant for: a service may start others.
const ITSELF: &str = "$$";
const ANOTHER: &str = "1";

/// A service manager, as far as its notification socket goes.
struct Systemd {
    socket: UnixDatagram,
    /// How `NOTIFY_SOCKET` names it.
    name: String,
    /// Where it is, if it is a file.
    _folder: Option<TempDir>,
}

impl Systemd {
    /// Its socket is a file.
    fn at_path() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        Self {
            socket: UnixDatagram::bind(&path).unwrap(),
            name: path.to_str().unwrap().to_owned(),
            _folder: Some(folder),
        }
    }

    /// Its socket has a name, and no file.
    fn abstractly() -> Self {
        let name = format!("sparkwright-tests-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = StdUnixDatagram::bind_addr(&address).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self {
            socket: UnixDatagram::from_std(socket).unwrap(),
            name: format!("@{name}"),
            _folder: None,
        }
    }

    /// Starts a worker, with a watchdog for the process of this number.
    fn start(&self, site: &Site, further: &[&str], watched: &str) -> Child {
        // The shell's number is the worker's, too.
        let script = format!(r#"export WATCHDOG_PID={watched}; exec "$0" "$@""#);
        Command::new("/bin/sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_crashing-worker")])
            .args(&site.options(further)[1..])
            .env_clear()
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_ENDPOINT_URL_SFN", site.step_functions.url().as_str())
            .env("NOTIFY_SOCKET", &self.name)
            .env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string())
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// The next message.
    async fn hears(&self) -> String {
        timeout(PATIENCE, self.next()).await.expect("a message")
    }

    /// What comes within this time.
    async fn hears_within(&self, time: Duration) -> Vec<String> {
        let mut heard = Vec::new();
        let hearing = async {
            loop {
                heard.push(self.next().await);
            }
        };
        let _ = timeout(time, hearing).await;
        heard
    }

    /// Waits for this message; those before it.
    async fn hears_until(&self, message: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            match self.hears().await {
                said if said == message => return before,
                other => before.push(other),
            }
        }
    }

    async fn next(&self) -> String {
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).await.unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }
}

fn terminate(worker: &Child) {
    let id = worker.id().expect("it runs").to_string();
    let sent = std::process::Command::new("kill").args(["-TERM", &id]).status();
    assert!(sent.unwrap().success());
}

async fn starts_lives_and_stops(systemd: Systemd) {
    let site = Site::new().await;
    let mut worker = systemd.start(&site, &["--drain=wait"], ITSELF);
    assert_eq!(systemd.hears().await, READY);
    let task = site.run("forever.py");
    site.running(1).await;
    for _ in 0..3 {
        let beat = timeout(WATCHDOG, systemd.hears_until(BEAT)).await;
        let said = beat.expect("it beats in time");
        assert!(
            said.iter().all(|message| message.starts_with("STATUS=")),
            "{said:?}"
        );
    }
    // What `systemctl status` shows.
    while !systemd.hears().await.contains("1 task") {}
    terminate(&worker);
    systemd.hears_until(STOPPING).await;
    // It lives as long as it drains.
    for _ in 0..2 {
        systemd.hears_until(BEAT).await;
    }
    site.end(Fate::Succeeds);
    assert!(worker.wait().await.unwrap().success());
    task.outcome().await.output();
}

#[tokio::test]
async fn it_starts_lives_and_stops() {
    starts_lives_and_stops(Systemd::at_path()).await;
}

#[tokio::test]
async fn a_socket_without_a_file_is_told_the_same() {
    starts_lives_and_stops(Systemd::abstractly()).await;
}

#[tokio::test]
async fn a_worker_that_cannot_start_is_never_ready() {
    let (site, systemd) = (Site::new().await, Systemd::at_path());
    let mut worker = systemd.start(&site, &["--journal=/nonexistent/worker.db"], ITSELF);
    let ended = timeout(PATIENCE, worker.wait()).await.expect("it ends");
    assert!(!ended.unwrap().success());
    // What it had said would be here by now.
    assert_eq!(
        systemd.hears_within(Duration::from_millis(50)).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn it_is_not_ready_before_it_has_taken_up_what_an_earlier_process_has_left() {
    let (site, systemd) = (Site::new().await, Systemd::at_path());
    let journal = site.journal("kept");
    let mut first = systemd.start(&site, &[&journal], ITSELF);
    let task = site.run("forever.py");
    site.running(1).await;
    first.kill().await.unwrap();
    let gate = site
        .step_functions
        .server()
        .faults()
        .hold(On::operation("SendTaskHeartbeat"), Moment::Before);
    systemd.hears_within(Duration::from_millis(50)).await;
    let _second = systemd.start(&site, &[&journal], ITSELF);
    let heard = systemd.hears_within(Duration::from_secs(1)).await;
    assert_eq!(heard, Vec::<String>::new());
    gate.open();
    assert_eq!(systemd.hears().await, READY);
    site.end(Fate::Succeeds);
    task.outcome().await.output();
}

#[tokio::test]
async fn a_watchdog_for_another_process_hears_no_beat() {
    let (site, systemd) = (Site::new().await, Systemd::at_path());
    let _worker = systemd.start(&site, &[], ANOTHER);
    assert_eq!(systemd.hears().await, READY);
    let heard = systemd.hears_within(2 * WATCHDOG).await;
    assert!(
        heard.iter().all(|message| message.starts_with("STATUS=")),
        "{heard:?}"
    );
}
