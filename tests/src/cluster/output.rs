//! What spark-submit, the driver and YARN print: cut to what programs read, in the words that real ones used.

use super::application::{Application, ApplicationId};
use crate::clock::{spark_stamp, yarn_stamp};
use crate::random;

/// The end of every stack that goes through spark-submit (Spark 3.5).
const SPARK_SUBMIT_FRAMES: [&str; 6] = [
    "\tat org.apache.spark.deploy.SparkSubmit.runMain(SparkSubmit.scala:1029)",
    "\tat org.apache.spark.deploy.SparkSubmit.submit(SparkSubmit.scala:222)",
    "\tat org.apache.spark.deploy.SparkSubmit.doSubmit(SparkSubmit.scala:91)",
    "\tat org.apache.spark.deploy.SparkSubmit$$anon$2.doSubmit(SparkSubmit.scala:1125)",
    "\tat org.apache.spark.deploy.SparkSubmit$.main(SparkSubmit.scala:1134)",
    "\tat org.apache.spark.deploy.SparkSubmit.main(SparkSubmit.scala)",
];

/// The exception of a file that is not there, by the file's scheme.
pub(crate) fn file_not_found(file: &str) -> String {
    match file.split_once(':') {
        Some(("file", path)) => {
            format!(
                "java.io.FileNotFoundException: File file:/{} does not exist",
                path.trim_start_matches('/')
            )
        }
        Some(("s3" | "hdfs", _)) => {
            format!("java.io.FileNotFoundException: No such file or directory '{file}'")
        }
        _ => format!("java.io.FileNotFoundException: File {file} does not exist"),
    }
}

/// spark-submit's output when `exception` ends it.
pub(crate) fn start_failure(exception: &str) -> Vec<String> {
    let now = crate::clock::now_ms();
    let mut lines = opening(now);
    lines.push(format!("Exception in thread \"main\" {exception}"));
    lines.push("\tat org.apache.spark.deploy.yarn.Client.prepareLocalResources(Client.scala:566)".to_owned());
    lines.extend(SPARK_SUBMIT_FRAMES.map(str::to_owned));
    lines.extend(closing(now));
    lines
}

/// spark-submit's output when it refuses its own options, before it has done anything.
pub(crate) fn refused_option(message: &str) -> Vec<String> {
    let mut lines = vec![
        format!("Exception in thread \"main\" org.apache.spark.SparkException: {message}"),
        "\tat org.apache.spark.deploy.SparkSubmitArguments.error(SparkSubmitArguments.scala:650)".to_owned(),
        "\tat org.apache.spark.deploy.SparkSubmitArguments.<init>(SparkSubmitArguments.scala:122)".to_owned(),
    ];
    lines.extend(SPARK_SUBMIT_FRAMES[2..].iter().map(|frame| (*frame).to_owned()));
    lines
}

/// spark-submit's output when YARN took the application.
pub(crate) fn submitted(
    application: &Application,
    file: &str,
    memory_mb: u64,
    limit_mb: u64,
    rm: &str,
) -> Vec<String> {
    let id = application.id;
    let now = spark_stamp(application.started_at);
    let file_name = file.rsplit('/').next().unwrap_or(file);
    let mut lines = opening(application.started_at);
    lines.push(format!(
        "{now} INFO Client: Verifying our application has not requested more than the maximum memory capability of \
         the cluster ({limit_mb} MB per container)"
    ));
    lines.push(format!(
        "{now} INFO Client: Will allocate AM container, with {} MB memory including {} MB overhead",
        memory_mb + overhead_mb(memory_mb),
        overhead_mb(memory_mb)
    ));
    lines.push(format!(
        "{now} INFO Client: Setting up container launch context for our AM"
    ));
    lines.push(format!(
        "{now} INFO Client: Uploading resource {file} -> hdfs:/user/{}/.sparkStaging/{id}/{file_name}",
        application.user
    ));
    lines.push(format!(
        "{now} INFO Client: Submitting application {id} to ResourceManager"
    ));
    lines.push(format!("{now} INFO YarnClientImpl: Submitted application {id}"));
    lines.push(format!(
        "{now} INFO Client: Application report for {id} (state: ACCEPTED)"
    ));
    lines.push(format!("{now} INFO Client: "));
    lines.push("\t client token: N/A".to_owned());
    lines.push(
        "\t diagnostics: AM container is launched, waiting for AM container to Register with RM".to_owned(),
    );
    lines.push("\t ApplicationMaster host: N/A".to_owned());
    lines.push("\t ApplicationMaster RPC port: -1".to_owned());
    lines.push(format!("\t queue: {}", application.queue));
    lines.push(format!("\t start time: {}", application.started_at));
    lines.push("\t final status: UNDEFINED".to_owned());
    lines.push(format!("\t tracking URL: {rm}/proxy/{id}/"));
    lines.push(format!("\t user: {}", application.user));
    lines.extend(closing(application.started_at));
    lines
}

fn opening(ms: i64) -> Vec<String> {
    let now = spark_stamp(ms);
    vec![
        format!(
            "{now} WARN NativeCodeLoader: Unable to load native-hadoop library for your platform... using \
             builtin-java classes where applicable"
        ),
        format!(
            "{now} INFO DefaultNoHARMFailoverProxyProvider: Connecting to ResourceManager at /127.0.0.1:8032"
        ),
        format!("{now} INFO Configuration: resource-types.xml not found"),
    ]
}

pub(crate) fn closing(ms: i64) -> Vec<String> {
    let now = spark_stamp(ms);
    let mut lines = vec![format!("{now} INFO ShutdownHookManager: Shutdown hook called")];
    for _ in 0..2 {
        let directory = random::uuid();
        lines.push(format!(
            "{now} INFO ShutdownHookManager: Deleting directory /scratch/spark-{directory}"
        ));
    }
    lines
}

/// Spark's memory overhead of a driver or executor.
pub(crate) fn overhead_mb(memory_mb: u64) -> u64 {
    (memory_mb / 10).max(384)
}

/// The traceback of a Python program.
pub(crate) fn traceback(file: &str, error: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    let raised = match error.split_once(": ") {
        Some((class, message)) => format!("{class}({message:?})"),
        None => error.to_owned(),
    };
    format!(
        "Traceback (most recent call last):\n  File \"{name}\", line 4, in <module>\n    raise {raised}\n{error}\n"
    )
}

/// The diagnostics of an exception in a JVM program.
pub(crate) fn user_class_threw(error: &str) -> String {
    format!(
        "User class threw exception: {error}\n\
         \tat BedJob.main(BedJob.java:11)\n\
         \tat java.base/jdk.internal.reflect.NativeMethodAccessorImpl.invoke0(Native Method)\n\
         \tat java.base/jdk.internal.reflect.NativeMethodAccessorImpl.invoke(NativeMethodAccessorImpl.java:77)\n\
         \tat java.base/jdk.internal.reflect.DelegatingMethodAccessorImpl.invoke(DelegatingMethodAccessorImpl.java:43)\n\
         \tat java.base/java.lang.reflect.Method.invoke(Method.java:569)\n\
         \tat org.apache.spark.deploy.yarn.ApplicationMaster$$anon$2.run(ApplicationMaster.scala:738)\n"
    )
}

/// The diagnostics of a driver that ended without telling YARN how.
pub(crate) fn container_exited(
    id: ApplicationId,
    attempts: u32,
    code: i32,
    stderr: &str,
    rm: &str,
) -> String {
    let (attempt, container) = (id.attempt(attempts), id.container(attempts));
    let now = yarn_stamp(crate::clock::now_ms());
    let mut cut = stderr.len().saturating_sub(4096);
    while !stderr.is_char_boundary(cut) {
        cut += 1;
    }
    format!(
        "Application {id} failed {attempts} times due to AM Container for {attempt} exited with  exitCode: {code}\n\
         Failing this attempt.Diagnostics: [{now}]Exception from container-launch.\n\
         Container id: {container}\nExit code: {code}\n\n\
         [{now}]Container exited with a non-zero exit code {code}. Error file: prelaunch.err.\n\
         Last 4096 bytes of prelaunch.err :\nLast 4096 bytes of stderr :\n{}\n\n\n\
         For more detailed output, check the application tracking page: {rm}/cluster/app/{id} Then click on links to \
         logs of each attempt.\n. Failing the application.",
        &stderr[cut..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named_by_its_scheme() {
        assert_eq!(
            file_not_found("file:///jobs/missing.py"),
            "java.io.FileNotFoundException: File file:/jobs/missing.py does not exist"
        );
        assert!(file_not_found("s3://b/missing.py").ends_with("'s3://b/missing.py'"));
    }

    #[test]
    fn a_traceback_ends_with_the_error() {
        let text = traceback("s3://b/raise.py", "RuntimeError: boom");
        assert!(
            text.contains("raise RuntimeError(\"boom\")\nRuntimeError: boom\n"),
            "{text}"
        );
    }

    #[test]
    fn container_diagnostics_keep_the_last_4096_bytes_of_stderr_on_a_character() {
        let id = ApplicationId {
            cluster: 1,
            number: 1,
        };
        let stderr = format!("{}ä{}", "x".repeat(10), "y".repeat(4095));
        let text = container_exited(id, 1, 13, &stderr, "http://rm");
        assert!(!text.contains('ä'), "{text}");
        assert!(text.contains(&"y".repeat(4095)));
    }
}
