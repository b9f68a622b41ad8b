//! What a simulator was asked, and how each request ended: for assertions.
//!
//! Each request is counted under its *route*: `POST /batches`, `GET /batches/{batch}`, `SendTaskHeartbeat`. The
//! simulator's module documents its routes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::sync::watch;
use wildmatch::WildMatch;

use crate::http::Request;
use crate::sync::lock;

// Ten thousand tasks make millions of requests; the counts stay exact, the entries are the latest ones.
const KEPT_ENTRIES: usize = 20_000;

/// The journal of one server.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    pages: Arc<Mutex<Pages>>,
    changes: watch::Sender<()>,
}

#[derive(Default)]
struct Pages {
    next: u64,
    entries: VecDeque<Entry>,
    routes: BTreeMap<String, Counts>,
    further: Vec<Further>,
}

/// What is counted besides the routes.
struct Further {
    name: String,
    wanted: Box<dyn Fn(&Request) -> bool + Send>,
    count: usize,
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages")
            .field("next", &self.next)
            .field("entries", &self.entries)
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct Entry {
    /// 0 for the first request of the server.
    pub number: u64,
    /// When it had arrived.
    pub at: Instant,
    /// Under which route it is counted.
    pub route: String,
    /// The request itself.
    pub request: Request,
    /// How it ended.
    pub ending: Ending,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Not yet.
    Open,
    /// With this status, as far as the simulator knows.
    Answered(u16),
    /// Without an answer, by a fault.
    Cut,
    /// The caller went away, or the server was taken down, before the answer.
    Abandoned,
}

/// The counts of one route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All requests.
    pub total: usize,
    /// Those not yet ended.
    pub open: usize,
    /// The most that were open at one time.
    pub peak_open: usize,
}

impl Journal {
    /// How many requests came on the routes that `pattern` matches (`*` stands for any text).
    pub fn count(&self, pattern: &str) -> usize {
        self.sum(pattern).total
    }

    /// The counts over the routes that `pattern` matches; the peak is that of the busiest of them.
    pub fn sum(&self, pattern: &str) -> Counts {
        let pattern = WildMatch::new(pattern);
        let pages = lock(&self.pages);
        let matching = pages.routes.iter().filter(|(route, _)| pattern.matches(route));
        matching.fold(Counts::default(), |sum, (_, counts)| Counts {
            total: sum.total + counts.total,
            open: sum.open + counts.open,
            peak_open: sum.peak_open.max(counts.peak_open),
        })
    }

    /// The counts of every route.
    pub fn counts(&self) -> BTreeMap<String, Counts> {
        lock(&self.pages).routes.clone()
    }

    /// The latest 20,000 requests of the routes that `pattern` matches, in the order of their arrival.
    pub fn entries(&self, pattern: &str) -> Vec<Entry> {
        let pattern = WildMatch::new(pattern);
        lock(&self.pages)
            .entries
            .iter()
            .filter(|entry| pattern.matches(&entry.route))
            .cloned()
            .collect()
    }

    /// The latest request of the routes that `pattern` matches.
    pub fn last(&self, pattern: &str) -> Option<Entry> {
        self.entries(pattern).pop()
    }

    /// From now on the requests that `wanted` picks are counted under this name, too: a route does not tell everything,
    /// and entries are kept for a while only.
    pub fn also_count(&self, name: &str, wanted: impl Fn(&Request) -> bool + Send + 'static) {
        lock(&self.pages).further.push(Further {
            name: name.to_owned(),
            wanted: Box::new(wanted),
            count: 0,
        });
    }

    /// What [`Journal::also_count`] has counted under a name.
    pub fn counted(&self, name: &str) -> usize {
        let pages = lock(&self.pages);
        let further = pages.further.iter().find(|further| further.name == name);
        further.map_or(0, |further| further.count)
    }

    /// Waits until `count` requests came on the routes that `pattern` matches.
    pub async fn reached(&self, pattern: &str, count: usize) {
        self.until(|journal| journal.count(pattern) >= count).await;
    }

    /// Waits until `is_so`, which is asked again at every arrival and every end of a request.
    pub async fn until(&self, is_so: impl Fn(&Journal) -> bool) {
        let mut changes = self.changes.subscribe();
        while !is_so(self) {
            changes.changed().await.expect("this journal keeps the sender");
        }
    }

    /// Forgets everything so far, so that a test's second part counts from nought. Open requests stay counted as open.
    pub fn clear(&self) {
        let mut pages = lock(&self.pages);
        pages.entries.clear();
        for counts in pages.routes.values_mut() {
            *counts = Counts {
                total: 0,
                peak_open: counts.open,
                open: counts.open,
            };
        }
    }

    pub(crate) fn record(&self, route: String, request: &Request) -> Recorded {
        let mut pages = lock(&self.pages);
        let number = pages.next;
        pages.next += 1;
        let counts = pages.routes.entry(route.clone()).or_default();
        counts.total += 1;
        counts.open += 1;
        counts.peak_open = counts.peak_open.max(counts.open);
        for further in &mut pages.further {
            further.count += usize::from((further.wanted)(request));
        }
        if pages.entries.len() == KEPT_ENTRIES {
            pages.entries.pop_front();
        }
        let (at, request, ending) = (Instant::now(), request.clone(), Ending::Open);
        pages.entries.push_back(Entry {
            number,
            at,
            route: route.clone(),
            request,
            ending,
        });
        drop(pages);
        self.changes.send_replace(());
        Recorded {
            journal: self.clone(),
            number,
            route,
            ending: Ending::Abandoned,
        }
    }

    fn finish(&self, number: u64, route: &str, ending: Ending) {
        let mut pages = lock(&self.pages);
        if let Some(counts) = pages.routes.get_mut(route) {
            counts.open = counts.open.saturating_sub(1);
        }
        // Numbers ascend without gaps, so an entry's place follows from its number.
        let first = pages.entries.front().map_or(0, |entry| entry.number);
        let place = number
            .checked_sub(first)
            .and_then(|place| usize::try_from(place).ok());
        if let Some(entry) = place.and_then(|place| pages.entries.get_mut(place)) {
            entry.ending = ending;
        }
        drop(pages);
        self.changes.send_replace(());
    }
}

/// An entry being written; dropped without an ending, it was abandoned.
#[derive(Debug)]
pub(crate) struct Recorded {
    journal: Journal,
    number: u64,
    route: String,
    ending: Ending,
}

impl Recorded {
    pub(crate) fn end(mut self, ending: Ending) {
        self.ending = ending;
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.journal.finish(self.number, &self.route, self.ending);
    }
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;

    fn request() -> Request {
        Request::new(Method::GET, "/version", "", "")
    }

    #[test]
    fn a_journal_counts_by_route_and_keeps_how_each_ended() {
        let journal = Journal::default();
        let first = journal.record("GET /version".to_owned(), &request());
        let second = journal.record("GET /version".to_owned(), &request());
        assert_eq!(
            journal.sum("GET *"),
            Counts {
                total: 2,
                open: 2,
                peak_open: 2
            }
        );
        second.end(Ending::Answered(200));
        drop(first);
        let endings: Vec<_> = journal
            .entries("*")
            .into_iter()
            .map(|entry| entry.ending)
            .collect();
        assert_eq!(endings, [Ending::Abandoned, Ending::Answered(200)]);
        assert_eq!(
            journal.sum("*"),
            Counts {
                total: 2,
                open: 0,
                peak_open: 2
            }
        );
    }

    #[test]
    fn what_a_route_does_not_tell_is_counted_by_the_request() {
        let journal = Journal::default();
        journal.also_count("posts", |request| request.method == Method::POST);
        for method in [Method::GET, Method::POST, Method::POST] {
            drop(journal.record("a".to_owned(), &Request::new(method, "/", "", "")));
        }
        assert_eq!((journal.counted("posts"), journal.counted("others")), (2, 0));
    }

    #[test]
    fn after_clear_only_open_requests_are_counted() {
        let journal = Journal::default();
        drop(journal.record("a".to_owned(), &request()));
        let open = journal.record("a".to_owned(), &request());
        journal.clear();
        assert_eq!(
            journal.sum("a"),
            Counts {
                total: 0,
                open: 1,
                peak_open: 1
            }
        );
        open.end(Ending::Cut);
        assert_eq!(journal.sum("a").open, 0);
        assert!(journal.entries("*").is_empty());
    }
}
