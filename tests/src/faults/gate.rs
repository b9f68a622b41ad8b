//! A gate at which requests wait until the test lets them through.

use std::sync::Arc;

use tokio::sync::watch;

/// A gate, closed until [`Gate::open`]. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate {
    state: Arc<watch::Sender<State>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    arrived: usize,
    open: bool,
}

impl Gate {
    /// A closed gate.
    pub fn closed() -> Gate {
        Gate {
            state: Arc::new(watch::Sender::new(State::default())),
        }
    }

    /// How many have come to the gate.
    pub fn arrivals(&self) -> usize {
        self.state.borrow().arrived
    }

    /// Waits until `count` have come to the gate.
    pub async fn arrived(&self, count: usize) {
        self.until(|state| state.arrived >= count).await;
    }

    /// Lets through all who wait and all who come.
    pub fn open(&self) {
        self.state.send_modify(|state| state.open = true);
    }

    /// Comes to the gate and waits until it is open.
    pub(crate) async fn pass(&self) {
        self.state.send_modify(|state| state.arrived += 1);
        self.until(|state| state.open).await;
    }

    async fn until(&self, is_so: impl Fn(&State) -> bool) {
        let mut watched = self.state.subscribe();
        watched
            .wait_for(|state| is_so(state))
            .await
            .expect("this gate keeps the sender");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_gate_counts_who_waits_and_lets_them_through() {
        let gate = Gate::closed();
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { gate.pass().await }
        });
        gate.arrived(1).await;
        assert!(!waiting.is_finished());
        gate.open();
        waiting.await.unwrap();
        gate.pass().await;
        assert_eq!(gate.arrivals(), 2);
    }
}
