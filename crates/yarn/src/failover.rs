//! Which ResourceManager to ask: the one that answered last, then the configured ones.

use std::sync::{Mutex, PoisonError};

use url::Url;

/// The ResourceManagers of one cluster.
#[derive(Debug)]
pub(crate) struct ResourceManagers {
    configured: Vec<Url>,
    /// The one that answered last. A standby may have named one that is not configured.
    active: Mutex<Option<Url>>,
}

impl ResourceManagers {
    pub(crate) fn new(configured: Vec<Url>) -> Self {
        Self {
            configured,
            active: Mutex::new(None),
        }
    }

    pub(crate) fn configured(&self) -> &[Url] {
        &self.configured
    }

    /// A round through all of them.
    pub(crate) fn round(&self) -> Round {
        let active = self.active.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let waiting = active
            .into_iter()
            .chain(self.configured.iter().cloned())
            .collect();
        Round {
            waiting,
            tried: Vec::new(),
            redirects: 0,
        }
    }

    /// Notes who answered.
    pub(crate) fn answered(&self, url: &Url) {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        if active.as_ref() != Some(url) {
            *active = Some(url.clone());
        }
    }
}

/// A standby's word for the active one is taken so often: two that each name the other have no active one.
const MAX_REDIRECTS: u32 = 2;

/// One round: nobody is asked twice.
#[derive(Debug)]
pub(crate) struct Round {
    waiting: Vec<Url>,
    tried: Vec<Url>,
    redirects: u32,
}

impl Round {
    /// The next to ask.
    pub(crate) fn next(&mut self) -> Option<Url> {
        let tried = &self.tried;
        self.waiting.retain(|url| !tried.contains(url));
        if self.waiting.is_empty() {
            return None;
        }
        let url = self.waiting.remove(0);
        self.tried.push(url.clone());
        Some(url)
    }

    /// A standby at `from` says that the active one is at `target`: it is asked next. Nobody is led from TLS
    /// to none.
    pub(crate) fn redirect(&mut self, from: &Url, target: Url) {
        if self.redirects < MAX_REDIRECTS && (from.scheme() == target.scheme() || target.scheme() == "https")
        {
            self.redirects += 1;
            self.waiting.insert(0, target);
        }
    }
}

/// What a standby says instead of an answer. Newer ones redirect with 307; older ones answer 200 with a
/// `Refresh` header, and all say it in words.
pub(crate) fn is_standby(body: &[u8]) -> bool {
    const WORDS: [&str; 3] = [
        "This is standby RM",
        "Can not find any active RM",
        "There is no active RM",
    ];
    let start = body.trim_ascii_start();
    WORDS.iter().any(|words| start.starts_with(words.as_bytes()))
}

/// What every address of these APIs has in its path.
const API: &str = "/ws/v1/";

/// Where an answer leads by its `Location`, or `Refresh` (`3; url=…`): only to a REST API, never to a page to
/// log in.
pub(crate) fn target(location: Option<&str>, refresh: Option<&str>) -> Option<Url> {
    let refreshed = || {
        refresh
            .and_then(|refresh| refresh.split_once("url="))
            .map(|(_, url)| url.trim())
    };
    let url = Url::parse(location.or_else(refreshed)?).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.path().contains(API)).then_some(url)
}

/// The server's address in a [`target`].
pub(crate) fn base(target: Url) -> Url {
    let mut base = target;
    let path = base.path().split(API).next().unwrap_or_default().to_owned();
    base.set_path(&format!("{path}/"));
    base.set_query(None);
    base.set_fragment(None);
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn rest(mut round: Round) -> Vec<String> {
        std::iter::from_fn(|| round.next())
            .map(|url| url.to_string())
            .collect()
    }

    #[test]
    fn the_configured_ones_are_asked_in_their_order_each_once() {
        let managers = ResourceManagers::new(vec![
            url("http://a:8088"),
            url("http://b:8088"),
            url("http://a:8088/"),
        ]);
        assert_eq!(rest(managers.round()), ["http://a:8088/", "http://b:8088/"]);
    }

    #[test]
    fn who_answered_last_is_asked_first() {
        let managers = ResourceManagers::new(vec![url("http://a:8088"), url("http://b:8088")]);
        managers.answered(&url("http://b:8088"));
        assert_eq!(rest(managers.round()), ["http://b:8088/", "http://a:8088/"]);
        managers.answered(&url("http://c:8088"));
        assert_eq!(
            rest(managers.round()),
            ["http://c:8088/", "http://a:8088/", "http://b:8088/"]
        );
    }

    #[test]
    fn a_redirect_is_followed_at_once_but_not_in_circles() {
        let managers = ResourceManagers::new(vec![url("http://a:8088"), url("http://b:8088")]);
        let mut round = managers.round();
        let a = round.next().unwrap();
        round.redirect(&a, url("http://c:8088"));
        assert_eq!(round.next().unwrap().as_str(), "http://c:8088/");
        round.redirect(&url("http://c:8088"), a);
        assert_eq!(rest(round), ["http://b:8088/"]);
    }

    #[test]
    fn nobody_is_led_from_tls_to_none() {
        let mut round = ResourceManagers::new(vec![url("https://a:8090")]).round();
        let a = round.next().unwrap();
        round.redirect(&a, url("http://c:8088"));
        assert_eq!(round.next(), None);
    }

    #[test]
    fn a_standby_is_known_by_its_words() {
        assert!(is_standby(
            b"This is standby RM. The redirect url is: /ws/v1/cluster/apps\n"
        ));
        assert!(is_standby(
            b"This is standby RM. Redirecting to the current active RM: http://rm2:8088/ws/v1/\n"
        ));
        assert!(is_standby(
            b"\nCan not find any active RM. Will retry in next 2 seconds.\nHA Zookeeper"
        ));
        assert!(is_standby(b"There is no active RM right now.\n"));
        assert!(!is_standby(br#"{"apps":{}}"#));
        assert!(!is_standby(b""));
    }

    #[test]
    fn the_active_one_is_named_by_either_header() {
        #[track_caller]
        fn check(location: Option<&str>, refresh: Option<&str>, expected: Option<&str>) {
            assert_eq!(
                target(location, refresh).map(base).as_ref().map(Url::as_str),
                expected
            );
        }
        check(
            Some("http://rm2:8088/ws/v1/cluster/apps?states=RUNNING"),
            None,
            Some("http://rm2:8088/"),
        );
        check(
            None,
            Some("3; url=http://rm2:8088/ws/v1/cluster/metrics"),
            Some("http://rm2:8088/"),
        );
        check(
            Some("https://gw/gateway/rm/ws/v1/cluster/apps"),
            None,
            Some("https://gw/gateway/rm/"),
        );
        check(
            None,
            Some("2;url=/ws/v1/cluster/apps?next_refresh_interval=1"),
            None,
        );
        check(Some("ftp://rm2/ws/v1/"), None, None);
        check(Some("https://sso/login?from=/ws/v1/cluster"), None, None);
        check(None, None, None);
    }
}
