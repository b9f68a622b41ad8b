//! What systemd is told: that polling has begun, that the end has begun, how it goes, and that the process lives.
//!
//! systemd names the socket in `NOTIFY_SOCKET`, and the time after which it takes a silent process for hung in
//! `WATCHDOG_USEC`. Where it names none, everything here does nothing.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use sd_notify::{NotifyState, watchdog_enabled};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

/// Names the socket.
const SOCKET: &str = "NOTIFY_SOCKET";

/// How often the text is renewed where no watchdog asks for more.
const STATUS_PERIOD: Duration = Duration::from_secs(30);

/// Tells the service manager, if there is one. The default tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Notifier {
    is_heard: bool,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// Whoever the environment names is told.
    pub fn from_environment() -> Self {
        Self {
            is_heard: std::env::var_os(SOCKET).is_some(),
            watchdog: watchdog_enabled().filter(|limit| !limit.is_zero()),
        }
    }

    /// Polling has begun: whoever waits for the unit's start goes on.
    pub fn ready(self) {
        self.tell(&[NotifyState::Ready]);
    }

    /// Draining has begun, and ends within this time. From version 236 on systemd waits so long, whatever the unit's
    /// TimeoutStopSec says.
    pub fn stopping(self, within: Duration) {
        let extension = format!("EXTEND_TIMEOUT_USEC={}", within.as_micros());
        self.tell(&[NotifyState::Stopping, NotifyState::Custom(&extension)]);
    }

    /// What `systemctl status` shows, in one line.
    pub fn status(self, text: &str) {
        self.tell(&[NotifyState::Status(&text.replace('\n', " "))]);
    }

    /// Says again and again that the process lives, and what `describe` says; never ends.
    ///
    /// It is a task of the runtime, so that a runtime that hangs misses it, and it comes through `describe`, so that
    /// whoever holds a lock for ever that `describe` takes is found out too. systemd then restarts the process.
    pub async fn watchdog(self, describe: impl Fn() -> String) {
        if !self.is_heard {
            return std::future::pending().await;
        }
        let mut beats = interval(self.watchdog.map_or(STATUS_PERIOD, |limit| limit / 2));
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            self.status(&describe());
            if self.watchdog.is_some() {
                self.tell(&[NotifyState::Watchdog]);
            }
        }
    }

    fn tell(self, states: &[NotifyState<'_>]) {
        if !self.is_heard {
            return;
        }
        if let Err(error) = notify(states) {
            warn!(%error, "systemd could not be told");
        }
    }
}

/// As sd-notify's function of this name, which takes the name of an abstract socket for a file's.
fn notify(states: &[NotifyState<'_>]) -> io::Result<()> {
    let Some(name) = std::env::var_os(SOCKET) else {
        return Ok(());
    };
    let message: String = states.iter().map(|state| format!("{state}\n")).collect();
    UnixDatagram::unbound()?.send_to_addr(message.as_bytes(), &address(&name)?)?;
    Ok(())
}

/// The socket of this name: with an `@` before it, it is no file.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    use super::*;

    /// Set for the process in which one of the tests below runs.
    const IS_UNDER_SYSTEMD: &str = "SPARKWRIGHT_TEST_UNDER_SYSTEMD";

    /// What systemd hears of a process in which one test runs, to the end of that; each with its time.
    fn heard_of(test: &str) -> Vec<(Instant, String)> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        systemd.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // The environment is a whole process's, so the notifier gets a process of its own.
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("systemd::tests::{test}")])
            .env(IS_UNDER_SYSTEMD, "1")
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "100000")
            .env_remove("WATCHDOG_PID")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut heard = Vec::new();
        while heard
            .last()
            .is_none_or(|(_, last): &(Instant, String)| !last.starts_with("STOPPING"))
        {
            let mut buffer = [0; 1024];
            let length = systemd.recv(&mut buffer).unwrap();
            let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
            heard.push((Instant::now(), said));
        }
        assert!(process.wait().unwrap().success());
        heard
    }

    #[test]
    fn systemd_hears_of_the_start_the_end_and_that_the_process_lives() {
        let heard: Vec<_> = heard_of("a_process_under_systemd")
            .into_iter()
            .map(|(_, said)| said)
            .collect();
        let count = |message: &str| heard.iter().filter(|line| *line == message).count();
        assert_eq!(heard.first().unwrap(), "READY=1\n");
        assert_eq!(
            heard.last().unwrap(),
            "STOPPING=1\nEXTEND_TIMEOUT_USEC=75000000\n"
        );
        assert_eq!(count("WATCHDOG=1\n"), 3, "{heard:?}");
        assert_eq!(count("STATUS=2 tasks of 100 slots\n"), 3, "{heard:?}");
    }

    #[test]
    fn a_runtime_that_hangs_and_a_lock_that_is_held_are_not_said_to_live() {
        let heard = heard_of("a_process_that_hangs");
        let beats: Vec<_> = heard
            .iter()
            .filter(|(_, said)| said == "WATCHDOG=1\n")
            .map(|(at, _)| *at)
            .collect();
        let pauses = beats.windows(2).map(|pair| pair[1] - pair[0]);
        let long = pauses.filter(|pause| *pause >= HANG.mul_f64(0.8)).count();
        assert!(long >= 2, "{heard:?}");
    }

    #[tokio::test]
    async fn a_process_under_systemd() {
        if std::env::var_os(IS_UNDER_SYSTEMD).is_none() {
            return;
        }
        let notifier = Notifier::from_environment();
        notifier.ready();
        let (begun, beats) = (Instant::now(), AtomicUsize::new(0));
        let describe = || {
            beats.fetch_add(1, Ordering::Relaxed);
            "2 tasks\nof 100 slots".to_owned()
        };
        tokio::select! {
            () = notifier.watchdog(describe) => {}
            () = async { while beats.load(Ordering::Relaxed) < 3 { tokio::task::yield_now().await } } => {}
        }
        // The first beat comes at once, each other one after half of the time that systemd gives.
        assert!(begun.elapsed() >= Duration::from_millis(100));
        notifier.stopping(Duration::from_secs(75));
    }

    /// Several times the watchdog's period.
    const HANG: Duration = Duration::from_secs(1);

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_process_that_hangs() {
        if std::env::var_os(IS_UNDER_SYSTEMD).is_none() {
            return;
        }
        let notifier = Notifier::from_environment();
        let lock = Arc::new(Mutex::new(0));
        let beats = Arc::clone(&lock);
        tokio::spawn(notifier.watchdog(move || {
            *beats.lock().unwrap() += 1;
            "busy".to_owned()
        }));
        let two_beats = async || {
            let before = *lock.lock().unwrap();
            while *lock.lock().unwrap() < before + 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        two_beats().await;
        // The runtime's only thread.
        tokio::spawn(async { std::thread::sleep(HANG) }).await.unwrap();
        two_beats().await;
        {
            let _held = lock.lock().unwrap();
            std::thread::sleep(HANG);
        }
        two_beats().await;
        notifier.stopping(Duration::from_secs(75));
    }

    #[tokio::test(start_paused = true)]
    async fn without_systemd_nothing_is_told_and_the_watchdog_does_not_end() {
        let beats = tokio::spawn(Notifier::default().watchdog(|| unreachable!("nobody listens")));
        tokio::time::timeout(Duration::from_secs(3600), beats)
            .await
            .unwrap_err();
    }
}
