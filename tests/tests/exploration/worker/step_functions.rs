//! Step Functions: an execution whose one state is a task, tried again when its worker was lost.

use sparkwright_worker::errors::ErrorName;
use sparkwright_worker::life::fate::ExecutionState;

/// A token that was not heard of for so many ticks expires.
pub(super) const HEARTBEAT: u8 = 2;

/// A task waits for so many ticks, at most, to be polled.
const LONGEST_WAIT: u8 = 1;

/// What is told of a task's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Told {
    Success,
    Failure(ErrorName),
}

/// How an attempt's token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Token {
    /// Nobody has it yet; for so many ticks.
    Waiting(u8),
    /// It was last heard of so many ticks ago.
    Open(u8),
    Over,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct StepFunctions {
    /// Of the attempts, in their order.
    pub(super) tokens: Vec<Token>,
    pub(super) has_ended: bool,
    retries: u8,
}

impl StepFunctions {
    pub(super) fn start(retries: u8) -> Self {
        Self {
            tokens: vec![Token::Waiting(0)],
            has_ended: false,
            retries,
        }
    }

    /// The attempt that waits for a poll.
    pub(super) fn waiting(&self) -> Option<u8> {
        let last = self.tokens.len() - 1;
        matches!(self.tokens[last], Token::Waiting(_)).then(|| u8::try_from(last).expect("few attempts"))
    }

    pub(super) fn has_to_be_polled(&self) -> bool {
        self.tokens.contains(&Token::Waiting(LONGEST_WAIT))
    }

    pub(super) fn is_open(&self, attempt: u8) -> bool {
        matches!(self.tokens[usize::from(attempt)], Token::Open(_))
    }

    pub(super) fn heard_of(&mut self, attempt: u8) {
        self.tokens[usize::from(attempt)] = Token::Open(0);
    }

    pub(super) fn execution(&self) -> ExecutionState {
        if self.has_ended {
            ExecutionState::Ended
        } else {
            ExecutionState::Runs
        }
    }

    /// Somebody stops the execution.
    pub(super) fn stop(&mut self) {
        self.has_ended = true;
        self.tokens.iter_mut().for_each(|token| *token = Token::Over);
    }

    /// An attempt has ended with this.
    pub(super) fn told(&mut self, attempt: u8, told: Told) {
        self.tokens[usize::from(attempt)] = Token::Over;
        let retried = [ErrorName::LivyUnavailable, ErrorName::WorkerDraining];
        match told {
            Told::Failure(name) if retried.contains(&name) => self.try_again(),
            Told::Success | Told::Failure(_) => self.has_ended = true,
        }
    }

    fn try_again(&mut self) {
        if self.retries == 0 {
            self.has_ended = true;
        } else {
            self.retries -= 1;
            self.tokens.push(Token::Waiting(0));
        }
    }

    pub(super) fn tick(&mut self) {
        let mut expired = false;
        for token in &mut self.tokens {
            match token {
                Token::Waiting(ticks) => *ticks = (*ticks + 1).min(LONGEST_WAIT),
                Token::Open(ticks) => {
                    *ticks += 1;
                    if *ticks >= HEARTBEAT {
                        *token = Token::Over;
                        expired = true;
                    }
                }
                Token::Over => {}
            }
        }
        if expired {
            self.try_again();
        }
    }
}
