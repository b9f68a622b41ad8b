//! Memory sizes in Spark's form, and Spark's complaints about them.

use super::output;
use super::spark_submit::Launch;

/// A size such as `512m` or `4g` in megabytes, as Spark reads it.
pub(crate) fn megabytes(text: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let bytes_of_unit: u64 = match unit {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        "t" | "tb" => 1 << 40,
        _ => return None,
    };
    let bytes = number.parse::<u64>().ok()?.checked_mul(bytes_of_unit)?;
    (bytes > 0).then_some(bytes >> 20)
}

/// What spark-submit checks before it submits; the error is what it prints.
pub(crate) fn check(launch: &Launch, limit_mb: u64) -> Result<(), Vec<String>> {
    let driver_mb = size(launch.driver_memory.as_deref(), "Driver")?;
    let executor_mb = size(launch.executor_memory.as_deref(), "Executor")?;
    let too_much = |required: String| {
        Err(output::start_failure(&format!(
            "java.lang.IllegalArgumentException: Required {required} is above the max threshold ({limit_mb} MB) of this \
             cluster! Please check the values of 'yarn.scheduler.maximum-allocation-mb' and/or \
             'yarn.nodemanager.resource.memory-mb'."
        )))
    };
    let overhead = output::overhead_mb(executor_mb);
    if executor_mb + overhead > limit_mb {
        return too_much(format!(
            "executor memory ({executor_mb} MB), offHeap memory (0) MB, overhead ({overhead} MB), and PySpark memory (0 MB)"
        ));
    }
    let overhead = output::overhead_mb(driver_mb);
    if driver_mb + overhead > limit_mb {
        return too_much(format!("AM memory ({driver_mb}+{overhead} MB)"));
    }
    Ok(())
}

fn size(text: Option<&str>, whose: &str) -> Result<u64, Vec<String>> {
    match text {
        None => Ok(1024),
        Some(text) => megabytes(text)
            .ok_or_else(|| output::refused_option(&format!("{whose} memory must be a positive number"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_spark_reads_them() {
        for (text, expected) in [
            ("512m", Some(512)),
            ("4G", Some(4096)),
            ("2gb", Some(2048)),
            ("1048576", Some(1)),
            ("lots", None),
            ("1.5g", None),
            ("0g", None),
            ("", None),
        ] {
            assert_eq!(megabytes(text), expected, "{text}");
        }
    }
}
