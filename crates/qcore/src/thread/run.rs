//! What runs in the thread that a `QThread` starts.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
    thread::{Builder, JoinHandle},
};

use super::{
    QThread, ThreadPanic, ThreadPriority, ThreadResult,
    control::{Control, Stage},
};
use crate::{
    classes::Object,
    event::EventType,
    event_loop::{Dispatcher, Inbox, Preparation, Which},
    panics::text_of,
    signal::{Receiver, Remote},
};

/// One start of a thread.
pub(super) struct Start {
    control: Arc<Control>,
    inbox: Arc<Inbox>,
    owner: Remote<QThread>,
    /// The stage before the start, and the result of the last run.
    before: (Stage, Option<ThreadResult>),
}

impl Start {
    /// Begins a start. Returns `None` if the thread is running.
    pub(super) fn new(
        control: &Arc<Control>,
        owner: Remote<QThread>,
        priority: ThreadPriority,
        is_restartable: bool,
    ) -> io::Result<Option<Self>> {
        let mut state = control.state();
        if state.stage == Stage::Running {
            return Ok(None);
        }
        if !is_restartable && state.function.is_none() {
            drop(state);
            let text = "the function of this thread has run already";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        let stage = std::mem::replace(&mut state.stage, Stage::Running);
        state.priority = priority;
        let before = (stage, state.result.take());
        let inbox = state.inbox.clone();
        drop(state);
        Ok(Some(Start { control: control.clone(), inbox, owner, before }))
    }

    /// Creates the thread.
    pub(super) fn spawn(self, builder: Builder) -> io::Result<JoinHandle<()>> {
        let (control, before) = (self.control.clone(), self.before.clone());
        #[cfg(feature = "simulation")]
        let spawned = crate::event_loop::simulated::spawn(builder, move || self.run());
        #[cfg(not(feature = "simulation"))]
        let spawned = builder.spawn(move || self.run());
        spawned.inspect_err(|_| {
            let mut state = control.state();
            (state.stage, state.result) = before;
            state.priority = ThreadPriority::Inherit;
        })
    }

    fn run(self) {
        // The first thread-local variable of the thread is destroyed last.
        END.set(Some(End(self.control.clone())));
        self.control.blocked_calls.clone().install();
        let dispatcher = Dispatcher::with_inbox(self.inbox.clone());
        let face = QThread::inside(self.control.clone());
        let result = caught(|| self.work(&dispatcher, &face));
        self.control.begin_finish(&result);
        let result = &result;
        // The panic hook has reported a panic in here. The thread goes on ending.
        let step = |step: &dyn Fn()| drop(caught(step));
        step(&|| face.finished.emit(result.clone()));
        step(&|| {
            if let Some(spread) = &self.control.finished {
                spread.fire(result);
            }
        });
        let told = result.clone();
        // The owner may have ended.
        let _ = self.owner.post(move |thread| thread.finished.emit(told));
        let deletions = Which::new(None, Some(EventType::DEFERRED_DELETE.raw()));
        step(&|| {
            dispatcher.send_posted(&deletions);
        });
        let kept = dispatcher.local::<Kept>();
        while let Some(last) = kept.take_last() {
            let last = Cell::new(Some(last));
            step(&|| drop(last.take()));
        }
        let face = Cell::new(Some(face));
        step(&|| drop(face.take()));
        step(&|| dispatcher.shut_down());
    }

    /// Runs the function of the thread or its event loop. Returns the exit code.
    fn work(&self, dispatcher: &Rc<Dispatcher>, face: &QThread) -> i32 {
        let mut state = self.control.state();
        let (builders, function) = (std::mem::take(&mut state.builders), state.function.take());
        drop(state);
        builders.into_iter().for_each(|build| build());
        // Connects what was connected to these objects, and what these objects were connected to.
        // Their calls wait for the loop.
        dispatcher.collect_posts();
        dispatcher.send_posted(&Which::new(None, Some(Preparation::KIND)));
        face.started.emit(());
        if let Some(spread) = &self.control.started {
            spread.fire(&());
        }
        // The owner may have ended.
        let _ = self.owner.post(|thread| thread.started.emit(()));
        match function {
            Some(function) => {
                function();
                0
            }
            None => face.exec(),
        }
    }
}

/// Calls `call`. Returns its result, or the panic that it ended with.
fn caught<V>(call: impl FnOnce() -> V) -> Result<V, ThreadPanic> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        let panic = ThreadPanic::new(text_of(&*payload as &dyn Any));
        // The payload may have any type, so that dropping it may panic again.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(again);
        }
        panic
    })
}

thread_local! {
    static END: Cell<Option<End>> = const { Cell::new(None) };
}

/// Tells those who wait that the thread is gone.
struct End(Arc<Control>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// The objects that a thread has built and keeps.
#[derive(Default)]
struct Kept {
    objects: RefCell<Vec<Rc<dyn AnyKept>>>,
    sweep_at: Cell<usize>,
}

trait AnyKept {
    fn is_alive(&self) -> bool;
}

impl<R: Receiver> AnyKept for R {
    fn is_alive(&self) -> bool {
        R::is_alive(&self.downgrade())
    }
}

impl Kept {
    fn add(&self, object: Rc<dyn AnyKept>) {
        if self.objects.borrow().len() >= self.sweep_at.get() {
            self.sweep();
        }
        self.objects.borrow_mut().push(object);
    }

    /// Lets go of the objects that were deleted.
    fn sweep(&self) {
        let objects = self.objects.take();
        let (alive, dead): (Vec<_>, Vec<_>) =
            objects.into_iter().partition(|object| object.is_alive());
        let added = self.objects.replace(alive);
        self.objects.borrow_mut().extend(added);
        drop(dead);
        self.sweep_at.set((self.objects.borrow().len() * 2).max(16));
    }

    fn take_last(&self) -> Option<Rc<dyn AnyKept>> {
        self.objects.borrow_mut().pop()
    }
}

/// Builds an object in this thread, keeps it, and makes `remote` its handle.
pub(super) fn build<R: Receiver>(remote: Remote<R>, make: impl FnOnce() -> R) {
    /// Whoever calls an object that could not be built learns that there is none.
    struct Building<R: Receiver>(Remote<R>);
    impl<R: Receiver> Drop for Building<R> {
        fn drop(&mut self) {
            self.0.give_up();
        }
    }
    let building = Building(remote);
    let object = make();
    building.0.place(&&object);
    let dispatcher = Dispatcher::current();
    if !dispatcher.has_ended() {
        dispatcher.local::<Kept>().add(Rc::new(object));
    }
}

/// The thread that ends with its thread-local variables, although no `QThread` has started it.
pub(super) fn finish_with(dispatcher: &Dispatcher, face: &QThread) {
    let life = Rc::downgrade(Object::life(face));
    dispatcher.at_end(move || {
        let face = life.upgrade().and_then(|life| life.cast::<QThread>());
        if let Some(face) = face {
            let result: ThreadResult = Ok(0);
            face.control.begin_finish(&result);
            face.finished.emit(result);
        }
    });
}
