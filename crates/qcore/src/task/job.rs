//! [`Work`]: a future in the loop's table of tasks, and then its output.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use crate::event_loop::{Job, Payload};

pin_project! {
    /// A future, and its output when it is finished.
    pub(super) struct Work<F: Future> {
        #[pin]
        future: Option<F>,
        output: Option<F::Output>,
    }
}

impl<F: Future> Work<F> {
    pub(super) fn new(future: F) -> Self {
        Work { future: Some(future), output: None }
    }
}

impl<F: Future> Job for Work<F>
where
    F::Output: 'static,
{
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Payload>> {
        let mut this = self.project();
        let poll = || match this.future.as_mut().as_pin_mut() {
            Some(future) => future.poll(context).map(Some),
            None => Poll::Ready(None),
        };
        let mut outcome = match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => {
                *this.output = output;
                Ok(())
            }
            Err(payload) => Err(payload),
        };
        // The future ends here. Its drop runs code of the program, which may panic.
        let dropped = catch_unwind(AssertUnwindSafe(|| this.future.set(None)));
        if outcome.is_ok() {
            outcome = dropped;
        }
        Poll::Ready(outcome)
    }

    fn take_output(self: Pin<&mut Self>, place: &mut dyn Any) {
        if let Some(place) = place.downcast_mut::<Option<F::Output>>() {
            *place = self.project().output.take();
        }
    }
}
