//! A provider that ends its requests in every possible way.

use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use custom_resource::{Failure, Provider, Provisioned, Request};

pub(crate) const NEW_ID: &str = "report-18";
pub(crate) const CLAIMED_ID: &str = "report-claimed";
pub(crate) const FALLBACK_ID: &str = "report-none";
pub(crate) const SECRET: &str = "correct horse battery staple";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    Succeed,
    SucceedWithoutId,
    SucceedWithTooLongId,
    SucceedWithTooMuch,
    Fail,
    FailWithoutReason,
    FailWithNewId,
    FailWithEverything,
    ClaimAndFail,
    Panic,
    PanicWithoutText,
    PanicBeforeItsFuture,
    PanicInFallback,
    ClaimAndPanic,
    NeverEnd,
    ClaimAndNeverEnd,
    BlockTheThread,
    TellTheSecret,
}

pub(crate) struct Scripted {
    pub(crate) script: Script,
    pub(crate) calls: Arc<AtomicUsize>,
}

impl Scripted {
    pub(crate) fn new(script: Script) -> Self {
        Self {
            script,
            calls: Arc::default(),
        }
    }

    fn begin(&self) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        assert!(self.script != Script::PanicBeforeItsFuture, "before the future");
    }
}

async fn play(script: Script, request: Request) -> Result<Provisioned, Failure> {
    let done = Provisioned::new(NEW_ID).with_attribute("Url", "https://reports.example/18");
    match script {
        Script::Succeed => Ok(done),
        Script::SucceedWithoutId => Ok(Provisioned::new("")),
        Script::SucceedWithTooLongId => Ok(Provisioned::new("é".repeat(600))),
        Script::SucceedWithTooMuch => Ok(done.with_attribute("Html", "<p>\"żółw\"</p>".repeat(2000))),
        Script::Fail | Script::PanicInFallback => Err(Failure::new("the printer is on fire")),
        Script::FailWithoutReason => Err(Failure::new("\u{1b}[0m")),
        Script::FailWithNewId => Err(Failure::new("half done").with_physical_resource_id(NEW_ID)),
        Script::FailWithEverything => {
            let lines = (0..3000).map(|n| format!("\u{1b}[33m{n} WARN\u{1b}[0m paper \"jam\" \u{0}東"));
            Err(Failure::new("jam\u{7} ".repeat(100)).with_log_lines(lines))
        }
        Script::ClaimAndFail => {
            request.claim.physical_resource_id(CLAIMED_ID);
            Err(Failure::new("the printer is on fire"))
        }
        Script::Panic => panic!("no paper in tray {}", 2),
        Script::PanicWithoutText => panic_any(2),
        Script::PanicBeforeItsFuture => unreachable!("it has panicked"),
        Script::ClaimAndPanic => {
            request.claim.physical_resource_id(CLAIMED_ID);
            panic!("no paper");
        }
        Script::NeverEnd => std::future::pending().await,
        Script::ClaimAndNeverEnd => {
            request.claim.physical_resource_id(CLAIMED_ID);
            std::future::pending().await
        }
        Script::BlockTheThread => {
            std::thread::sleep(Duration::from_secs(8));
            Ok(done)
        }
        Script::TellTheSecret => {
            request.redactions.hide(SECRET);
            let title = request.properties["Title"].as_str().unwrap_or_default();
            Err(Failure::new(format!("{title}: {SECRET} is wrong"))
                .with_log_lines([format!("--password {SECRET}")]))
        }
    }
}

impl Provider for Scripted {
    fn create(&self, request: Request) -> impl Future<Output = Result<Provisioned, Failure>> + Send {
        self.begin();
        play(self.script, request)
    }

    fn update(&self, request: Request) -> impl Future<Output = Result<Provisioned, Failure>> + Send {
        self.begin();
        play(self.script, request)
    }

    async fn delete(&self, request: Request) -> Result<(), Failure> {
        self.begin();
        play(self.script, request).await.map(drop)
    }

    fn fallback_id(&self, _: &Request) -> String {
        assert!(self.script != Script::PanicInFallback, "in the fallback");
        FALLBACK_ID.to_owned()
    }
}
