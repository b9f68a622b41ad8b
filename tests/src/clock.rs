//! The time of day, real or virtual, also in the forms that Spark, YARN and Step Functions print it.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

mod virtual_time;

pub use virtual_time::run as run_virtual;
pub(crate) use virtual_time::stir;

/// The time of day: virtual inside [`run_virtual`], else the machine's.
pub fn wall_clock() -> SystemTime {
    virtual_time::elapsed().map_or_else(SystemTime::now, virtual_time::time_of_day)
}

/// Milliseconds since the epoch, as YARN counts.
pub(crate) fn now_ms() -> i64 {
    let elapsed = wall_clock()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is past 1970");
    i64::try_from(elapsed.as_millis()).expect("milliseconds fit 63 bits for 292 million years")
}

/// `26/11/21 01:49:21`: the start of Spark's log lines.
pub(crate) fn spark_stamp(ms: i64) -> String {
    format(ms, "%y/%m/%d %H:%M:%S")
}

/// `2026-11-21 01:50:41.968`: as YARN's diagnostics print it.
pub(crate) fn yarn_stamp(ms: i64) -> String {
    format!("{}.{:03}", format(ms, "%Y-%m-%d %H:%M:%S"), ms.rem_euclid(1000))
}

/// `Sat Nov 21 01:51:16 +0000 2026`: as a NodeManager prints a log's last change.
pub(crate) fn node_stamp(ms: i64) -> String {
    format(ms, "%a %b %d %H:%M:%S +0000 %Y")
}

/// Parses `20261121T015116Z`, the form of `X-Amz-Date`.
pub(crate) fn parse_amz_date(text: &str) -> Option<i64> {
    let date = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(
        date.to_zoned(jiff::tz::TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_millisecond(),
    )
}

/// `20261121T015116Z`, the form of `X-Amz-Date`.
pub(crate) fn amz_date(ms: i64) -> String {
    format(ms, "%Y%m%dT%H%M%SZ")
}

fn format(ms: i64, pattern: &str) -> String {
    Timestamp::from_millisecond(ms)
        .expect("a time of this era is a timestamp")
        .strftime(pattern)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANT: i64 = 1_795_225_841_968;

    #[test]
    fn the_stamps_read_as_spark_and_yarn_print_them() {
        assert_eq!(spark_stamp(INSTANT), "26/11/21 01:50:41");
        assert_eq!(yarn_stamp(INSTANT), "2026-11-21 01:50:41.968");
        assert_eq!(node_stamp(INSTANT), "Sat Nov 21 01:50:41 +0000 2026");
    }

    #[test]
    fn an_amazon_date_is_read_back() {
        assert_eq!(parse_amz_date(&amz_date(INSTANT)), Some(INSTANT / 1000 * 1000));
        assert_eq!(parse_amz_date("yesterday"), None);
    }
}
