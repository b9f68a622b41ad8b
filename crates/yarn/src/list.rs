//! A list of applications, read as it comes: of ten thousand the body would be larger than all that is kept of it.

use serde_json::Deserializer;

use crate::application::Application;

/// What stands before the first application.
const HEAD: &[u8] = br#"{"apps":{"app":["#;

/// Takes from a body what it has of a list already.
pub(crate) trait Elements: Send {
    /// A body begins; what came of another one that broke off counts no more.
    fn begin(&mut self);

    /// Takes the first ones out of the body so far. What is left is a list of the others.
    fn take(&mut self, body: &mut Vec<u8>);
}

/// The applications of a list, each as `keep` makes it.
pub(crate) struct Kept<T, K> {
    pub(crate) list: Vec<T>,
    keep: K,
}

impl<T, K: FnMut(Application) -> T> Kept<T, K> {
    pub(crate) fn new(keep: K) -> Self {
        Self {
            list: Vec::new(),
            keep,
        }
    }

    pub(crate) fn push(&mut self, application: Application) {
        self.list.push((self.keep)(application));
    }
}

impl<T: Send, K: FnMut(Application) -> T + Send> Elements for Kept<T, K> {
    fn begin(&mut self) {
        self.list.clear();
    }

    fn take(&mut self, body: &mut Vec<u8>) {
        // An answer of another shape is left as it is, and so is what cannot be read: whoever reads the rest says why.
        let Some(start) = body_of_list(body) else { return };
        let mut taken = start;
        while let Some((application, length)) = first(&body[taken..]) {
            self.push(application);
            taken += length;
        }
        body.drain(start..taken);
    }
}

/// Where the list's first application stands.
fn body_of_list(body: &[u8]) -> Option<usize> {
    let mut head = HEAD.iter();
    for (place, byte) in body.iter().enumerate() {
        if byte.is_ascii_whitespace() {
            continue;
        }
        if head.next() != Some(byte) {
            return None;
        }
        if head.len() == 0 {
            return Some(place + 1);
        }
    }
    None
}

/// The first application, if another one follows, and where that begins.
fn first(elements: &[u8]) -> Option<(Application, usize)> {
    let mut stream = Deserializer::from_slice(elements).into_iter();
    let application = stream.next()?.ok()?;
    let end = stream.byte_offset();
    let comma = elements[end..]
        .iter()
        .position(|byte| !byte.is_ascii_whitespace())?
        + end;
    (elements[comma] == b',').then_some((application, comma + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::Applications;

    /// A list of so many, with what a reader could take for the end of one.
    fn body(count: usize) -> Vec<u8> {
        let one = |number: usize| {
            format!(
                r#"{{"id":"application_1_{number}","state":"RUNNING","name":"}} , {{ ] \" é",
                    "resourceSecondsMap":{{"entry":{{"key":"a"}},"entry":{{"key":"b"}}}}}}"#
            )
        };
        let all: Vec<_> = (0..count).map(one).collect();
        format!(" {{\"apps\" : {{\"app\":\n[{}] }} }}", all.join(" , ")).into_bytes()
    }

    /// Reads a body that comes in parts of this size; the most that was kept of it.
    fn read(body: &[u8], size: usize) -> (Vec<u64>, usize) {
        let mut kept = Kept::new(|application: Application| application.id.number());
        let (mut so_far, mut most) = (Vec::new(), 0);
        kept.begin();
        for part in body.chunks(size) {
            so_far.extend_from_slice(part);
            kept.take(&mut so_far);
            most = most.max(so_far.len());
        }
        let rest: Applications = serde_json::from_slice(&so_far).expect("a list of what is left");
        rest.into_vec().into_iter().for_each(|one| kept.push(one));
        (kept.list, most)
    }

    #[test]
    fn however_a_list_is_cut_each_is_read_once_and_little_is_kept() {
        for count in [0, 1, 2, 50] {
            let body = body(count);
            for size in [1, 7, 200, 1000, body.len()] {
                let (numbers, most) = read(&body, size);
                let expected: Vec<_> = (0..count as u64).collect();
                assert_eq!(numbers, expected, "{count} in parts of {size}");
                assert!(size == body.len() || most < 700 + size, "{most} bytes are kept");
            }
        }
    }

    #[test]
    fn a_body_that_begins_again_brings_nobody_twice() {
        let mut kept = Kept::new(|application: Application| application.id.number());
        kept.begin();
        kept.take(&mut body(3));
        assert_eq!(kept.list, [0, 1]);
        kept.begin();
        kept.take(&mut body(3));
        assert_eq!(kept.list, [0, 1]);
    }

    #[test]
    fn what_is_no_list_of_applications_is_left_whole() {
        for text in [
            "",
            "{",
            r#"{"apps":{}}"#,
            r#"{"apps":null}"#,
            r#"{"apps":{"app":[]}}"#,
            r#"{"apps":{"app":{"id":"application_1_1","state":"RUNNING"}}}"#,
            r#"{"many":{"app":[{"id":"application_1_1","state":"RUNNING"},1]}}"#,
            r#"{"apps":{"app":[{"id":"x","state":"RUNNING"},{"id":"application_1_1","state":"RUNNING"}]}}"#,
            "This is standby RM.",
        ] {
            let mut body = text.as_bytes().to_vec();
            let mut kept = Kept::new(|application| application);
            kept.take(&mut body);
            assert_eq!((body.as_slice(), kept.list.len()), (text.as_bytes(), 0));
        }
    }
}
