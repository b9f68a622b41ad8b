//! Who is told of calls, for whoever counts them.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Operation};

/// Told of every call once it has ended, with [`Operation::name`] and [`Error::kind`] or `ok`: words of a closed list, so
/// that they can be labels of metrics. A call that is dropped is not told of. The default tells nobody.
#[derive(Clone, Default)]
pub struct Observer(Option<Arc<Tell>>);

type Tell = dyn Fn(&'static str, &'static str) + Send + Sync;

impl Observer {
    /// Calls this with the operation and the result of each call.
    pub fn new(tell: impl Fn(&'static str, &'static str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    /// Waits for a call, and tells of it.
    pub(crate) async fn observe<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let answer = call.await;
        if let Some(tell) = &self.0 {
            tell(operation.name(), answer.as_ref().err().map_or("ok", Error::kind));
        }
        answer
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
