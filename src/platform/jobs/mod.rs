//! Work that a timer does: the loop around it, and the lease by which normally one node does it.

mod lease;

use std::time::Duration;

use tokio::sync::watch;

pub use lease::{Lease, Standing};

/// Runs `work` after `first` and then again `between` after each end, until `stopped` turns true. What fails in `work`
/// is its own to log: the loop goes on.
pub async fn repeat(
    first: Duration,
    between: Duration,
    mut stopped: watch::Receiver<bool>,
    mut work: impl AsyncFnMut(),
) {
    let mut wait = first;
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            // An error means that nobody is left to say stop: the program ends.
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        work().await;
        wait = between;
    }
}
