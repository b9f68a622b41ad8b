use clap::CommandFactory;

use super::*;

const ARN: &str = "arn:aws:states:eu-west-1:123456789012:activity:spark-job";
const OTHER: &str = "arn:aws:states:eu-west-1:123456789012:activity:other";

fn parse(options: &[&str]) -> Result<Config, clap::Error> {
    Config::try_parse_from(std::iter::once(&"sparkwright-worker").chain(options))
}

#[track_caller]
fn refused(options: &[&str]) -> String {
    parse(options).unwrap_err().to_string()
}

#[test]
fn the_options_are_consistent() {
    Config::command().debug_assert();
}

#[test]
fn an_arn_alone_is_enough() {
    let config = parse(&[ARN]).unwrap();
    assert_eq!(config.activities(), [ARN.parse().unwrap()]);
    assert_eq!(config.livy_urls, [Url::parse("http://localhost:8998").unwrap()]);
    assert_eq!((config.slots, config.pollers_per_activity), (100, 10));
    assert_eq!(config.sfn_rate, 300);
    assert_eq!(
        (config.heartbeat_period, config.poll_period),
        (Duration::from_secs(10), Duration::from_secs(1))
    );
    assert_eq!(
        (config.settle, config.submit_timeout),
        (Duration::from_secs(150), Duration::from_secs(900))
    );
    assert_eq!(
        (config.lost_timeout, config.drain_timeout),
        (Duration::from_secs(1800), Duration::from_secs(60))
    );
    assert_eq!((config.on_cancel, config.drain), (OnCancel::Stop, Drain::Leave));
    assert_eq!(config.listen, Listen::At("127.0.0.1:9464".parse().unwrap()));
}

#[test]
fn bare_and_named_arns_are_the_same_and_count_once() {
    let config = parse(&["--activity-arn", ARN, OTHER, ARN]).unwrap();
    assert_eq!(
        config.activities(),
        [ARN.parse().unwrap(), OTHER.parse().unwrap()]
    );
}

#[test]
fn a_worker_without_an_activity_is_refused() {
    assert!(refused(&[]).contains("--activity-arn"));
}

#[test]
fn a_wrong_value_is_refused_with_what_it_should_be() {
    assert!(refused(&["arn:aws:lambda:eu-west-1:123456789012:function:x"]).contains("activity"));
    assert!(refused(&[ARN, "--poll-period", "5"]).contains("such as `10s`"));
    assert!(refused(&[ARN, "--settle", "0s"]).contains("longer than nothing"));
    assert!(refused(&[ARN, "--livy-url", "livy:8998"]).contains("http"));
    assert!(refused(&[ARN, "--slots", "0"]).contains("1..=100000"));
    assert!(refused(&[ARN, "--listen", "9464"]).contains("127.0.0.1:9464"));
}

#[test]
fn every_option_has_its_variable_and_its_help() {
    for argument in Config::command().get_arguments() {
        let Some(long) = argument
            .get_long()
            .filter(|long| !matches!(*long, "help" | "version"))
        else {
            continue;
        };
        let variable = format!("SPARKWRIGHT_{}", long.replace('-', "_").to_uppercase());
        assert_eq!(
            argument.get_env().and_then(|name| name.to_str()),
            Some(variable.as_str())
        );
        assert!(argument.get_help().is_some(), "{long} says nothing");
    }
}

#[test]
fn the_help_names_every_default() {
    let help = Config::command().render_help().to_string();
    for default in [
        "http://localhost:8998",
        "[default: 10s]",
        "[default: 150s]",
        "[default: 100]",
        "[default: leave]",
    ] {
        assert!(help.contains(default), "{default} is missing in {help}");
    }
}
