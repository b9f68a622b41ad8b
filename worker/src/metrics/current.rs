//! What is read off when Prometheus asks: nothing is counted twice, and nothing is kept that the page does not show.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::snapshot::TaskState;
use crate::status::Status;

/// The worker as it is now.
#[derive(Debug)]
pub(super) struct Current(pub(super) Status);

impl Collector for Current {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let now = self.0.snapshot();
        let mut gauges = Gauges(encoder);
        gauges.alone("slots", "Tasks that may run at once", now.slots)?;
        gauges.alone(
            "slots_free",
            "Slots that hold neither a task nor an open poll",
            now.free_slots,
        )?;
        gauges.alone(
            "draining",
            "Whether the worker is stopping",
            usize::from(now.draining),
        )?;
        let steps =
            TaskState::SHOWN.map(|step| (step.name(), now.steps.get(step.name()).copied().unwrap_or(0)));
        gauges.by(
            "tasks",
            "Tasks that are open, by what they are at",
            None,
            "state",
            steps,
        )?;
        let polls = now
            .activities
            .iter()
            .map(|(arn, activity)| (arn.as_str(), activity.open_polls));
        gauges.by(
            "open_polls",
            "Polls that wait for a task",
            None,
            "activity",
            polls,
        )?;
        // What was never answered stands at the epoch, so that an alert on the age of the last answer sees it too.
        let last = now.activities.iter().map(|(arn, activity)| {
            let at = activity.last_answer.unwrap_or_default();
            (arn.as_str(), at.as_millisecond() as f64 / 1000.0)
        });
        let help = "When a poll was last answered, with a task or without; 0 if never";
        gauges.by(
            "last_poll_timestamp",
            help,
            Some(&Unit::Seconds),
            "activity",
            last,
        )?;
        let services = now
            .services
            .iter()
            .map(|(service, failing)| (service.as_str(), usize::from(failing.is_none())));
        gauges.by(
            "service_up",
            "Whether what the worker needs can be used",
            None,
            "service",
            services,
        )
    }
}

struct Gauges<'a>(DescriptorEncoder<'a>);

impl Gauges<'_> {
    fn alone(&mut self, name: &str, help: &str, value: usize) -> fmt::Result {
        self.0
            .encode_descriptor(name, help, None, MetricType::Gauge)?
            .encode_gauge(&gauge(value))
    }

    fn by<'v, V: Value>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        label: &'static str,
        values: impl IntoIterator<Item = (&'v str, V)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        for (of, value) in values {
            metric
                .encode_family(&[(label, of)])?
                .encode_gauge(&value.gauge())?;
        }
        Ok(())
    }
}

/// What a gauge may show.
trait Value {
    fn gauge(self) -> impl EncodeGaugeValue;
}

impl Value for usize {
    fn gauge(self) -> impl EncodeGaugeValue {
        gauge(self)
    }
}

impl Value for f64 {
    fn gauge(self) -> impl EncodeGaugeValue {
        self
    }
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
