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
    #[project = Projection]
    pub(super) enum Work<F: Future> {
        Future { #[pin] future: F },
        Output { output: Option<F::Output> },
    }
}

impl<F: Future> Work<F> {
    pub(super) fn new(future: F) -> Self {
        Work::Future { future }
    }
}

impl<F: Future> Job for Work<F>
where
    F::Output: 'static,
{
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Payload>> {
        let poll = || match self.as_mut().project() {
            Projection::Future { future } => future.poll(context).map(Some),
            Projection::Output { .. } => Poll::Ready(None),
        };
        let (output, panic) = match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => (output, None),
            Err(payload) => (None, Some(payload)),
        };
        // The future ends here. Its drop runs code of the program, which may panic.
        let end = || self.set(Work::Output { output });
        let dropped = catch_unwind(AssertUnwindSafe(end));
        Poll::Ready(panic.map_or(dropped, Err))
    }

    fn take_output(self: Pin<&mut Self>, place: &mut dyn Any) {
        if let (Some(place), Projection::Output { output }) =
            (place.downcast_mut::<Option<F::Output>>(), self.project())
        {
            *place = output.take();
        }
    }
}
