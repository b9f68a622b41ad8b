//! What a task waits for before it does anything: its intent, and the word that its token is good.

use tokio::time::sleep_until;

use crate::executor::{STOPPING, Task, handing_back, loss};
use crate::hands::{Hands, Words};
use crate::life::Event;
use crate::life::fate::Loss;

impl Task {
    /// `is_new`: nothing was submitted for the task yet.
    pub(crate) async fn claim(&self, is_new: bool, hands: &mut Hands) -> Event {
        // Whoever has the intent may have submitted something while it was waited for.
        if is_new && self.is_of_other_job() {
            return self.refuse(hands);
        }
        match self.wait_for_claim(is_new, hands).await {
            Event::Claimed if is_new && self.is_of_other_job() => self.refuse(hands),
            event => event,
        }
    }

    /// Whether the ClientToken is known to name another job.
    fn is_of_other_job(&self) -> bool {
        let input = &self.input;
        input.has_client_token && self.context.intents.names_other(input.intent, input.spec)
    }

    fn refuse(&self, hands: &mut Hands) -> Event {
        (hands.claim, hands.waiting) = (None, None);
        hands.words = self.names_other_job("this worker has submitted it for the same with other parameters");
        Event::Taken
    }

    /// The ClientToken names another job; how that is known.
    pub(crate) fn names_other_job(&self, how: &str) -> Words {
        Words::of(self.redacted(&format!(
            "the ClientToken already names another job: {how}. Give each job one of its own, with the index of every \
             enclosing Map"
        )))
    }

    async fn wait_for_claim(&self, is_new: bool, hands: &mut Hands) -> Event {
        if hands.claim.is_some() {
            return Event::Claimed;
        }
        let intents = &self.context.intents;
        let claiming = intents.claim(self.input.intent, &self.id, self.heartbeats.pulse());
        let claim = tokio::select! {
            claim = claiming => claim,
            lease = self.heartbeats.over(), if is_new => {
                return Event::TokenOver(loss(lease).unwrap_or(Loss::Expired));
            }
            () = self.context.draining.begun(), if is_new => {
                hands.words = Words::of(handing_back(STOPPING));
                return Event::Drains;
            }
            () = self.context.draining.end() => return Event::Goes,
            () = sleep_until(self.start_deadline.into()), if is_new => {
                hands.words = Words::of("an earlier run of this ClientToken is still being stopped");
                return Event::Late;
            }
        };
        hands.waiting = None;
        match claim {
            Ok(claim) => {
                hands.claim = Some(claim);
                Event::Claimed
            }
            Err(taken) => {
                if !matches!(hands.words, Words::Whole(_)) {
                    hands.words = Words::of(self.redacted(&format!(
                        "the ClientToken already names another open task ({}): give each job one of its own, with the \
                         index of every enclosing Map",
                        taken.by
                    )));
                }
                Event::Taken
            }
        }
    }

    /// Its slot is free meanwhile.
    pub(crate) async fn claim_unheard(&self, hands: &mut Hands) -> Event {
        hands.slot = None;
        let intents = &self.context.intents;
        let claim = tokio::select! {
            claim = intents.claim(self.input.intent, &self.id, self.heartbeats.pulse()) => claim,
            () = self.context.draining.leave() => return Event::Goes,
        };
        hands.waiting = None;
        // What another job has is not this task's to see to.
        hands.claim = claim.ok().filter(|_| !self.is_of_other_job());
        if hands.claim.is_some() {
            Event::Claimed
        } else {
            Event::Taken
        }
    }

    /// Asks whether the token is good, however long the answer takes.
    pub(crate) async fn ask(&self) -> Event {
        tokio::select! {
            is_good = self.heartbeats.is_good() => match loss(self.heartbeats.lease()) {
                None if is_good => Event::Good,
                loss => Event::TokenOver(loss.unwrap_or(Loss::Expired)),
            },
            () = self.context.draining.end() => Event::Goes,
        }
    }
}
