//! The function's process.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::sync::lock;

/// A running process whose output is being kept.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    pub(super) fn start(
        binary: &Path,
        variables: &HashMap<String, String>,
        log: &Arc<Mutex<Vec<String>>>,
    ) -> io::Result<Process> {
        let mut child = Command::new(binary)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().expect("piped above");
        let stderr = child.stderr.take().expect("piped above");
        let readers = vec![
            tokio::spawn(keep(stdout, Arc::clone(log))),
            tokio::spawn(keep(stderr, Arc::clone(log))),
        ];
        Ok(Process { child, readers })
    }

    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end and tells what it was; by then all its output is in the log.
    pub(super) async fn ended(&mut self) -> String {
        let status = self.child.wait().await;
        for reader in self.readers.drain(..) {
            // A grandchild may hold the pipe open; what the process itself wrote is read by then.
            let _ = tokio::time::timeout(std::time::Duration::from_secs(1), reader).await;
        }
        status.map_or_else(|error| error.to_string(), |status| status.to_string())
    }

    pub(super) async fn kill(mut self) {
        // It may have ended by itself.
        let _ = self.child.kill().await;
        self.ended().await;
    }
}

async fn keep(mut output: impl AsyncRead + Unpin, log: Arc<Mutex<Vec<String>>>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = output.read(&mut buffer).await {
        lock(&log).push(String::from_utf8_lossy(&buffer[..read]).into_owned());
    }
}
