//! The URL that answers a request.

use std::fmt;

use url::Url;

use crate::Issued;

/// Presigned: whoever reads it may answer for us, so it prints as nothing.
#[derive(Clone)]
pub(crate) struct ResponseUrl(Url);

impl ResponseUrl {
    /// Reads a URL, or says why it cannot be answered to, without repeating it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "it is not a URL")?;
        match url.scheme() {
            "https" | "http" => Ok(Self(url)),
            _ => Err("its scheme is neither https nor http"),
        }
    }

    pub(crate) fn issued(&self) -> Issued {
        Issued::from_query(self.0.query().unwrap_or_default())
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// For the one place that sends the answer.
    pub(crate) fn expose(&self) -> Url {
        self.0.clone()
    }
}

impl fmt::Debug for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseUrl(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRESIGNED: &str = "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/\
                             arn%3Aaws%3Acloudformation%3Aus-east-1%3A123456789012%3Astack/nightly%7CReport%7C6dd3\
                             ?X-Amz-Date=20260314T092653Z&X-Amz-Expires=7199&X-Amz-Signature=c0ffee";

    #[test]
    fn a_presigned_url_is_sent_exactly_as_signed_and_printed_nowhere() {
        let url = ResponseUrl::parse(PRESIGNED).unwrap();
        assert_eq!(url.expose().as_str(), PRESIGNED);
        assert_eq!(format!("{url:?}"), "ResponseUrl(..)");
        assert_eq!(url.issued().as_str(), "20260314T092653Z");
    }

    #[test]
    fn only_http_urls_can_be_answered_to() {
        for text in [
            "",
            "not a url",
            "/path",
            "ftp://host/x",
            "file:///tmp/x",
            "https://",
        ] {
            assert!(ResponseUrl::parse(text).is_err(), "{text}");
        }
    }
}
