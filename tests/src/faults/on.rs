//! Which requests a fault strikes.

use hyper::Method;
use wildmatch::WildMatch;

use crate::http::Request;

/// A choice of requests: by method, path, text, and by their number among those that match.
///
/// In a path `*` stands for any text, slashes included, and `?` for one character. It is matched against the path as
/// sent, without the query.
#[derive(Clone, Debug)]
pub struct On {
    method: Option<Method>,
    path: Option<WildMatch>,
    target: Option<String>,
    texts: Vec<String>,
    from: usize,
    to: usize,
}

impl On {
    /// Every request.
    pub fn any() -> On {
        On {
            method: None,
            path: None,
            target: None,
            texts: Vec::new(),
            from: 1,
            to: usize::MAX,
        }
    }

    /// Requests of this method.
    pub fn method(method: Method) -> On {
        On {
            method: Some(method),
            ..On::any()
        }
    }

    /// GET requests of a path.
    pub fn get(path: &str) -> On {
        On::method(Method::GET).at(path)
    }

    /// POST requests of a path.
    pub fn post(path: &str) -> On {
        On::method(Method::POST).at(path)
    }

    /// PUT requests of a path.
    pub fn put(path: &str) -> On {
        On::method(Method::PUT).at(path)
    }

    /// DELETE requests of a path.
    pub fn delete(path: &str) -> On {
        On::method(Method::DELETE).at(path)
    }

    /// Calls of an AWS operation, by the end of `X-Amz-Target`: `SendTaskHeartbeat`.
    pub fn operation(name: &str) -> On {
        On {
            target: Some(format!(".{name}")),
            ..On::any()
        }
    }

    /// Only those whose path matches.
    #[must_use]
    pub fn at(mut self, path: &str) -> On {
        self.path = Some(WildMatch::new(path));
        self
    }

    /// Only those that contain the text in their query or body.
    #[must_use]
    pub fn containing(mut self, text: &str) -> On {
        self.texts.push(text.to_owned());
        self
    }

    /// Only the `n`th that matches; the first is 1.
    #[must_use]
    pub fn nth(mut self, n: usize) -> On {
        (self.from, self.to) = (n, n);
        self
    }

    /// Only the first `n` that match.
    #[must_use]
    pub fn first(mut self, n: usize) -> On {
        (self.from, self.to) = (1, n);
        self
    }

    /// All but the first `n` that match.
    #[must_use]
    pub fn after(mut self, n: usize) -> On {
        (self.from, self.to) = (n + 1, usize::MAX);
        self
    }

    pub(crate) fn matches(&self, request: &Request) -> bool {
        self.method
            .as_ref()
            .is_none_or(|method| *method == request.method)
            && self.path.as_ref().is_none_or(|path| path.matches(&request.path))
            && self.target.as_ref().is_none_or(|target| {
                request
                    .header("x-amz-target")
                    .is_some_and(|sent| sent.ends_with(target.as_str()))
            })
            && self
                .texts
                .iter()
                .all(|text| request.query.contains(text) || request.text().contains(text.as_str()))
    }

    /// Whether the rule strikes the `seen`th request that matches.
    pub(crate) fn strikes(&self, seen: usize) -> bool {
        (self.from..=self.to).contains(&seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, path: &str, query: &str, body: &str) -> Request {
        let mut request = Request::new(method, path, query, body);
        request.headers.insert(
            "x-amz-target",
            "AWSStepFunctions.GetActivityTask".parse().unwrap(),
        );
        request
    }

    #[test]
    fn a_star_spans_segments() {
        let deletion = request(Method::DELETE, "/batches/a%20b/x", "", "");
        assert!(On::delete("/batches/*").matches(&deletion));
        assert!(!On::delete("/sessions/*").matches(&deletion));
        assert!(!On::get("/batches/*").matches(&deletion));
    }

    #[test]
    fn texts_are_sought_in_query_and_body() {
        let post = request(Method::POST, "/batches", "doAs=bob", r#"{"name":"etl"}"#);
        assert!(
            On::post("/batches")
                .containing("doAs=bob")
                .containing("\"etl\"")
                .matches(&post)
        );
        assert!(!On::post("/batches").containing("other").matches(&post));
    }

    #[test]
    fn an_operation_is_the_end_of_the_target() {
        let poll = request(Method::POST, "/", "", "{}");
        assert!(On::operation("GetActivityTask").matches(&poll));
        assert!(!On::operation("Task").matches(&poll));
    }

    #[test]
    fn the_window_counts_from_one() {
        assert!(On::any().nth(2).strikes(2) && !On::any().nth(2).strikes(1));
        assert!(On::any().first(2).strikes(2) && !On::any().first(2).strikes(3));
        assert!(On::any().after(2).strikes(3) && !On::any().after(2).strikes(2));
    }
}
