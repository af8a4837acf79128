//! [`either`]: waits for the first of two futures.

use std::{future::poll_fn, pin::pin, task::Poll};

/// Waits until one of two futures is done, and drops both.
pub(crate) async fn either(one: impl Future, other: impl Future) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|context| {
        let done = one.as_mut().poll(context).is_ready() || other.as_mut().poll(context).is_ready();
        if done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
