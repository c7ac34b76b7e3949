//! A few places for work that blocks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::platform::error::{Code, Problem};

/// How long somebody waits for a place.
const PATIENCE: Duration = Duration::from_secs(5);

/// The places.
#[derive(Debug)]
pub(super) struct Pool {
    places: Arc<Semaphore>,
    patience: Duration,
}

impl Pool {
    pub(super) fn new(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), patience: PATIENCE }
    }

    /// Runs `work` on a thread for blocking work. It goes on when nobody waits for it any more, and keeps its place.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = tokio::time::timeout(self.patience, Arc::clone(&self.places).acquire_owned())
            .await
            .map_err(|_elapsed| Problem::new(Code::Overloaded).cause("no place for work on files"))?
            .map_err(Problem::internal)?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        })
        .await
        .map_err(Problem::internal)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_gets_no_place_in_time_is_told_so_and_places_come_back() {
        let pool = Pool { places: Arc::new(Semaphore::new(1)), patience: Duration::from_millis(20) };
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let first = pool.run(move || wait.recv().map_err(Problem::internal));
        let second = async {
            tokio::task::yield_now().await;
            let refused = pool.run(|| Ok(())).await.unwrap_err();
            go.send(()).unwrap();
            refused
        };
        let (first, refused) = tokio::join!(first, second);
        first.unwrap();
        assert_eq!(refused.code, Code::Overloaded);
        pool.run(|| Ok(())).await.unwrap();
    }
}
