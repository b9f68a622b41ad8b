//! What Livy checks of a batch after it has registered it: so a refusal leaves a zombie.

use super::body::Body;
use crate::cluster::options::{LivyVersion, Options};

/// Confs that hold lists of files.
const FILE_LISTS: [&str; 12] = [
    "spark.jars",
    "spark.files",
    "spark.archives",
    "spark.submit.pyFiles",
    "spark.yarn.archive",
    "spark.yarn.dist.archives",
    "spark.yarn.dist.files",
    "spark.yarn.dist.jars",
    "spark.yarn.jar",
    "spark.yarn.jars",
    "livy.rsc.jars",
    "livy.rsc.pyspark.archives",
];

/// Refused since 0.8.
const BLACKLIST: [&str; 2] = [
    "spark.submit.deployMode",
    "spark.submit.proxyUser.allowCustomClasspathInClusterMode",
];

// One argument of an exec may not be longer on Linux, its closing zero included.
const LONGEST_ARGUMENT: usize = 131_072;

/// Checks what Livy checks, in its order; the error is the text of its 400.
pub(crate) fn check(body: &Body, options: &Options) -> Result<String, String> {
    if options.version >= LivyVersion::V0_8 {
        let refused: Vec<&str> = BLACKLIST
            .into_iter()
            .filter(|key| body.conf.contains_key(*key))
            .collect();
        if !refused.is_empty() {
            let refused = refused.join(", ");
            return Err(format!(
                "Blacklisted configuration values in session config: {refused}"
            ));
        }
    }
    for uri in &body.lists {
        resolve(uri, options)?;
    }
    let of_conf = FILE_LISTS.iter().filter_map(|key| body.conf.get(*key));
    for uri in of_conf
        .flat_map(|list| list.split([',', ' ']))
        .filter(|uri| !uri.is_empty())
    {
        resolve(uri, options)?;
    }
    let Some(file) = &body.file else {
        return Err("requirement failed: File is required.".to_owned());
    };
    resolve(file, options)
}

/// Whether spark-submit could be started with these arguments at all.
pub(crate) fn fits_a_command_line(body: &Body) -> bool {
    let confs = body.conf.iter().map(|(key, value)| key.len() + value.len() + 1);
    body.args
        .iter()
        .map(String::len)
        .chain(confs)
        .all(|length| length < LONGEST_ARGUMENT)
}

fn resolve(uri: &str, options: &Options) -> Result<String, String> {
    if let Some(index) = uri.find(|c: char| c.is_control() || " \"<>\\^`{|}".contains(c)) {
        let part = if uri[..index].contains('#') {
            "fragment"
        } else {
            "path"
        };
        return Err(format!(
            "java.net.URISyntaxException: Illegal character in {part} at index {index}: {uri}"
        ));
    }
    match uri.split_once(':') {
        Some(("file", path)) => {
            let path = format!("/{}", path.trim_start_matches('/'));
            let allowed = options
                .local_dirs
                .iter()
                .any(|dir| path.starts_with(dir.as_str()));
            let refused = format!("requirement failed: Local path {path} cannot be added to user sessions.");
            if allowed { Ok(uri.to_owned()) } else { Err(refused) }
        }
        Some((scheme, _)) if !scheme.contains('/') => Ok(uri.to_owned()),
        _ if uri.starts_with('/') => Ok(format!("hdfs://{uri}")),
        _ => Err(format!("requirement failed: Path '{uri}' is not absolute.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_file(file: &str, expected: Result<&str, &str>) {
        let body = Body {
            file: Some(file.to_owned()),
            ..Body::default()
        };
        let found = check(&body, &Options::default());
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{file}");
    }

    #[test]
    fn uris_are_judged_as_livy_judges_them() {
        check_file("s3://bucket/a.py", Ok("s3://bucket/a.py"));
        check_file("local:/usr/lib/a.jar", Ok("local:/usr/lib/a.jar"));
        check_file("/user/a.py", Ok("hdfs:///user/a.py"));
        check_file("file:///jobs/pi.py", Ok("file:///jobs/pi.py"));
        check_file(
            "relative.py",
            Err("requirement failed: Path 'relative.py' is not absolute."),
        );
        check_file(
            "file:///etc/passwd",
            Err("requirement failed: Local path /etc/passwd cannot be added to user sessions."),
        );
        check_file(
            "file:///bed/run/fix/a b.py",
            Err(
                "java.net.URISyntaxException: Illegal character in path at index 21: file:///bed/run/fix/a b.py",
            ),
        );
    }

    #[test]
    fn lists_are_checked_before_the_file() {
        let body = Body {
            lists: vec!["rel.jar".to_owned()],
            ..Body::default()
        };
        assert_eq!(
            check(&body, &Options::default()),
            Err("requirement failed: Path 'rel.jar' is not absolute.".to_owned())
        );
    }
}
