//! Who may ask: credentials, then the CSRF header, then the version asked for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::Method;

use super::rejection;
use crate::cluster::options::{Login, Options};
use crate::http::{Answer, Request};
use crate::sync::lock;

/// The authenticated user (none when Livy does not ask), or the refusal.
pub(crate) fn check(options: &Options, request: &Request) -> Result<Option<String>, Answer> {
    let user = options
        .login
        .as_ref()
        .map(|login| authenticate(options, login, request))
        .transpose()?;
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&request.method);
    if options.csrf_protection && !reads && request.header("x-requested-by").is_none() {
        let wants_json = request
            .header("accept")
            .is_some_and(|accept| accept.contains("application/json"));
        let is_deletion = request.method == Method::DELETE;
        return Err(rejection::csrf(
            options.version,
            is_deletion,
            wants_json,
            &request.path,
        ));
    }
    let accept = request.header("accept").unwrap_or_default();
    match accept.split_once("application/vnd.livy.v").map(|(_, rest)| rest) {
        Some(rest) if !rest.starts_with("0.1") => {
            let asked: String = rest
                .chars()
                .take_while(|c| c.is_ascii_digit() || *c == '.')
                .collect();
            Err(rejection::message(406, &format!("No value found for '{asked}'")))
        }
        _ => Ok(user),
    }
}

fn authenticate(options: &Options, login: &Login, request: &Request) -> Result<String, Answer> {
    let given = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Basic "));
    match given.map(|given| BASE64.decode(given).unwrap_or_default()) {
        None => Err(
            rejection::container(options.version, 401, "Authentication required", &request.path)
                .with_header("WWW-Authenticate", "Basic"),
        ),
        Some(given) if given == format!("{}:{}", login.username, lock(&login.password)).into_bytes() => {
            Ok(login.username.clone())
        }
        // Hadoop's filter answers wrong credentials with 403.
        Some(_) => Err(rejection::container(
            options.version,
            403,
            "Error validating LDAP user",
            &request.path,
        )),
    }
}
