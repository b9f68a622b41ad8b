//! Which job each intent names, as far as this process can tell: before a job has an application, and where there is no YARN,
//! nobody else could.

use std::collections::{HashMap, VecDeque};

use sparkwright_spark_job::identity::{Intent, Spec};

/// So many are remembered, the newest: long before so many more have come, a job's application shows what it is.
const REMEMBERED: usize = 10_000;

/// The jobs that were submitted, or found, for intents.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    specs: HashMap<Intent, Spec>,
    /// The oldest first.
    order: VecDeque<Intent>,
}

impl Jobs {
    /// The intent names this job, unless it names one already; whether that is new.
    pub(super) fn name(&mut self, intent: Intent, spec: Spec) -> bool {
        if self.specs.contains_key(&intent) {
            return false;
        }
        if self.order.len() >= REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.specs.remove(&oldest);
        }
        self.specs.insert(intent, spec);
        self.order.push_back(intent);
        true
    }

    /// Whether the intent names another job than this.
    pub(super) fn is_other(&self, intent: Intent, spec: Spec) -> bool {
        self.specs.get(&intent).is_some_and(|known| *known != spec)
    }

    /// It was a mistake that the intent names this job.
    pub(super) fn forget(&mut self, intent: Intent, spec: Spec) {
        if self.specs.get(&intent) == Some(&spec) {
            self.specs.remove(&intent);
            self.order.retain(|known| *known != intent);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sparkwright_spark_job::endpoint::DeclaredEndpoint;
    use sparkwright_spark_job::parameters::Parameters;

    use super::*;

    fn intent(number: usize) -> Intent {
        Intent::of_token(&format!("execution/state/{number}"))
    }

    fn spec(file: &str) -> Spec {
        let parameters = Parameters::parse(json!({"File": file}).as_object().unwrap()).unwrap();
        Spec::of(&parameters, &DeclaredEndpoint::default(), "")
    }

    #[test]
    fn an_intent_names_the_job_that_came_first() {
        let (first, second) = (spec("/one.py"), spec("/two.py"));
        let mut jobs = Jobs::default();
        assert!(!jobs.is_other(intent(1), second));
        assert!(jobs.name(intent(1), first));
        assert!(!jobs.name(intent(1), second));
        assert!(jobs.is_other(intent(1), second) && !jobs.is_other(intent(1), first));
        assert!(!jobs.is_other(intent(2), second));
        // Only what was wrong is forgotten.
        jobs.forget(intent(1), second);
        assert!(jobs.is_other(intent(1), second));
        jobs.forget(intent(1), first);
        assert!(!jobs.is_other(intent(1), second));
    }

    #[test]
    fn the_oldest_is_forgotten_for_the_newest() {
        let (first, second) = (spec("/one.py"), spec("/two.py"));
        let mut jobs = Jobs::default();
        (0..=REMEMBERED).for_each(|number| assert!(jobs.name(intent(number), first)));
        assert!(!jobs.is_other(intent(0), second));
        assert!(jobs.is_other(intent(1), second) && jobs.is_other(intent(REMEMBERED), second));
        assert_eq!((jobs.specs.len(), jobs.order.len()), (REMEMBERED, REMEMBERED));
    }
}
