//! Joins the pages of a list whose items shift while it is read.
//!
//! Livy's pages are cut by position. A batch that is deleted between two pages moves all later ones up, and
//! one of them would be missed: for a caller who looks whether its batch exists, that is a second job. So
//! each page begins with the last batch of the page before; when another stands there, something moved, and
//! reading starts again.

use std::collections::HashMap;

use crate::batch::{Batch, BatchId, BatchPage};

/// A list in which batches are deleted all the time is taken as it comes in the end.
const MAX_RESTARTS: u32 = 4;

/// The list so far, each batch as its reader keeps it.
#[derive(Debug)]
pub(crate) struct Pages<T> {
    batches: Vec<T>,
    places: HashMap<BatchId, usize>,
    /// How many positions of Livy's list have been read in this round.
    read: u64,
    last: Option<BatchId>,
    restarts: u32,
}

/// What to do after a page.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// Ask for the page that begins at this position.
    Page(u64),
    /// The list is complete.
    Done,
}

impl<T> Pages<T> {
    pub(crate) fn new() -> Self {
        Self {
            batches: Vec::new(),
            places: HashMap::new(),
            read: 0,
            last: None,
            restarts: 0,
        }
    }

    /// Takes the page that begins where [`Next::Page`] said, 0 at first.
    pub(crate) fn add(&mut self, page: BatchPage, mut keep: impl FnMut(Batch) -> T) -> Next {
        let overlap = self.last.is_some();
        let joins = !overlap || page.sessions.first().map(|batch| batch.id) == self.last;
        if !joins && self.restarts < MAX_RESTARTS {
            self.restart();
            return Next::Page(0);
        }
        let more = (page.sessions.len() as u64).saturating_sub(u64::from(overlap));
        let known = self.batches.len();
        for batch in page.sessions {
            let id = batch.id;
            self.last = Some(id);
            match self.places.get(&id) {
                Some(&place) => self.batches[place] = keep(batch),
                None => {
                    self.places.insert(id, self.batches.len());
                    self.batches.push(keep(batch));
                }
            }
        }
        self.read += more;
        // A server that always gives the same page, whatever is asked for, would be asked for ever.
        let is_news = self.batches.len() > known;
        if more == 0 || !is_news || self.read >= page.total {
            Next::Done
        } else {
            Next::Page(self.read - 1)
        }
    }

    pub(crate) fn into_batches(self) -> Vec<T> {
        self.batches
    }

    fn restart(&mut self) {
        *self = Self {
            restarts: self.restarts + 1,
            ..Self::new()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::BatchState;

    fn batch(id: i64) -> Batch {
        serde_json::from_value(serde_json::json!({"id": id, "state": "running"})).unwrap()
    }

    fn as_it_is(batch: Batch) -> Batch {
        batch
    }

    #[test]
    fn a_page_that_comes_again_and_again_is_the_end() {
        let page = || BatchPage {
            from: 0,
            total: u64::MAX,
            sessions: vec![batch(1), batch(2)],
        };
        let mut pages = Pages::new();
        let requests = (1..100).find(|_| pages.add(page(), as_it_is) == Next::Done);
        assert!(requests.is_some(), "no end");
        let ids: Vec<_> = pages.into_batches().iter().map(|batch| batch.id.0).collect();
        assert_eq!(ids, [1, 2]);
    }

    /// Reads `list` in pages of three; `change` alters it before each page.
    fn read(mut list: Vec<i64>, mut change: impl FnMut(u32, &mut Vec<i64>)) -> (Vec<i64>, u32) {
        let mut pages = Pages::new();
        let (mut from, mut requests) = (0, 0);
        loop {
            change(requests, &mut list);
            requests += 1;
            assert!(requests < 100, "no end");
            let sessions = list
                .iter()
                .skip(from as usize)
                .take(3)
                .map(|id| batch(*id))
                .collect();
            let page = BatchPage {
                from,
                total: list.len() as u64,
                sessions,
            };
            match pages.add(page, as_it_is) {
                Next::Page(next) => from = next,
                Next::Done => break,
            }
        }
        (
            pages.into_batches().iter().map(|batch| batch.id.0).collect(),
            requests,
        )
    }

    #[test]
    fn a_list_that_rests_is_read_whole_and_in_order() {
        assert_eq!(read(vec![], |_, _| ()), (vec![], 1));
        assert_eq!(read(vec![4, 1], |_, _| ()), (vec![4, 1], 1));
        assert_eq!(
            read(vec![3, 5, 2, 0, 4, 1, 9], |_, _| ()),
            (vec![3, 5, 2, 0, 4, 1, 9], 3)
        );
    }

    #[test]
    fn a_deletion_between_two_pages_hides_nobody() {
        for deleted in 0..3 {
            let (ids, _) = read((0..8).collect(), |request, list| {
                if request == 1 {
                    list.remove(deleted);
                }
            });
            let expected: Vec<_> = (0..8).filter(|id| *id != deleted as i64).collect();
            assert_eq!(ids, expected);
        }
    }

    #[test]
    fn a_batch_that_is_born_meanwhile_is_listed_once() {
        let (ids, _) = read((0..4).collect(), |request, list| {
            if request == 1 {
                list.push(4);
            }
        });
        assert_eq!(ids, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn deletions_without_end_do_not_keep_it_reading_and_double_nobody() {
        let (ids, requests) = read((0..60).collect(), |request, list| {
            if request > 0 && !list.is_empty() {
                list.remove(0);
            }
        });
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len());
        assert!(requests < 60, "{requests}");
    }

    #[test]
    fn a_total_that_is_wrong_does_not_keep_it_reading() {
        let mut pages = Pages::new();
        let page = |ids: &[i64]| BatchPage {
            from: 0,
            total: 1000,
            sessions: ids.iter().map(|id| batch(*id)).collect(),
        };
        assert_eq!(pages.add(page(&[0, 1, 2]), as_it_is), Next::Page(2));
        assert_eq!(pages.add(page(&[2]), as_it_is), Next::Done);
    }

    #[test]
    fn the_newer_of_two_sights_counts() {
        let mut pages = Pages::new();
        let mut later = batch(1);
        later.state = BatchState::Success;
        let page = |from, sessions| BatchPage {
            from,
            total: 3,
            sessions,
        };
        pages.add(page(0, vec![batch(0), batch(1)]), as_it_is);
        pages.add(page(1, vec![later, batch(2)]), as_it_is);
        let states: Vec<_> = pages
            .into_batches()
            .into_iter()
            .map(|batch| batch.state)
            .collect();
        assert_eq!(
            states,
            [BatchState::Running, BatchState::Success, BatchState::Running]
        );
    }
}
