//! The worker as a process of its own, that can be killed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use regex_lite::Regex;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;
use url::Url;

use crate::site::Site;

const PATIENCE: Duration = Duration::from_secs(30);

/// AWS credentials that last.
const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
];

/// A process of the real worker.
pub(crate) struct Crashing {
    child: Child,
    log: watch::Receiver<String>,
}

impl Crashing {
    /// Starts it with these further options, and waits until it polls.
    pub(crate) async fn start(site: &Site, further: &[&str]) -> Self {
        let mut process = Self::spawn(site, further, "");
        process.says("the worker polls").await;
        process
    }

    /// The same with the AWS credentials that an agent at this address hands out, as those of a container's role.
    pub(crate) async fn start_with_role(site: &Site, further: &[&str], agent: &Url) -> Self {
        let role = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.as_str())];
        let mut process = Self::spawn_with(site, further, role);
        process.says("the worker polls").await;
        process
    }

    /// Starts one that ends at a step of its journal: see the program `crashing-worker`.
    pub(crate) fn spawn(site: &Site, further: &[&str], crash_at: &str) -> Self {
        Self::spawn_with(site, further, KEYS.into_iter().chain([("CRASH_AT", crash_at)]))
    }

    /// Starts one whose journal cannot be written while this file exists.
    pub(crate) fn spawn_on_disk(site: &Site, further: &[&str], full_while: &Path) -> Self {
        Self::spawn_told_by(site, further, "DISK_FULL_WHILE", full_while)
    }

    /// Starts one whose journal takes no step, and says nothing, while this file exists.
    pub(crate) fn spawn_on_hanging_disk(site: &Site, further: &[&str], hangs_while: &Path) -> Self {
        Self::spawn_told_by(site, further, "DISK_HANGS_WHILE", hangs_while)
    }

    fn spawn_told_by(site: &Site, further: &[&str], what: &str, file: &Path) -> Self {
        let file = file.to_str().expect("a temporary folder's name is text");
        Self::spawn_with(site, further, KEYS.into_iter().chain([(what, file)]))
    }

    fn spawn_with<'a>(
        site: &Site,
        further: &[&str],
        environment: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_crashing-worker"))
            .args(&site.options(further)[1..])
            .env_clear()
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ENDPOINT_URL_SFN", site.step_functions.url().as_str())
            .envs(environment)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (sender, log) = watch::channel(String::new());
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                sender.send_modify(|log| {
                    log.push_str(&line);
                    log.push('\n');
                });
            }
        });
        Self { child, log }
    }

    /// Waits until its log has this text.
    pub(crate) async fn says(&mut self, text: &str) {
        let said = timeout(PATIENCE, self.log.wait_for(|log| log.contains(text)))
            .await
            .is_ok_and(|said| said.is_ok());
        assert!(said, "`{text}` is not in {}", *self.log.borrow());
    }

    /// Waits until its page shows a text.
    pub(crate) async fn shows(&self, text: &str) {
        self.shows_at("", text).await;
    }

    /// The same for what is below its page.
    pub(crate) async fn shows_at(&self, path: &str, text: &str) {
        // Livy and YARN are named in the log, too, when they are silent.
        let page = Regex::new(r#"page="(http://127\.0\.0\.1:\d+/)""#).unwrap();
        let address = page.captures(&self.log.borrow()).unwrap()[1].to_owned() + path;
        let get = || async { reqwest::get(&address).await.unwrap().text().await.unwrap() };
        let showing = async {
            while !get().await.contains(text) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let shown = timeout(PATIENCE, showing).await;
        assert!(shown.is_ok(), "`{text}` is not in {}", get().await);
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.unwrap().success());
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits until it has ended by itself; its log.
    pub(crate) async fn ended(mut self) -> String {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let log = self.log.borrow().clone();
        assert!(ended.is_ok(), "it goes on: {log}");
        log
    }
}

/// A task that is handed to a poll of a killed worker is lost until its heartbeat time-out.
pub(crate) async fn polls_of_the_dead_are_over() {
    tokio::time::sleep(Duration::from_millis(700)).await;
}
