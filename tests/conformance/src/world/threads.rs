//! Threads: each has a world of its own, with the objects that live there.

use std::{rc::Rc, sync::Arc};

use qcore::{Connection, QThread, Remote};

use super::{CURRENT, Thing, World, lock};
use crate::{
    error::{Error, Result},
    kinds::{self, Kind},
    syntax::{Block, KindName},
};

/// How long `in THREAD wait` waits, in milliseconds.
const PATIENCE: i32 = 5000;

impl World {
    /// Returns the world of this thread.
    pub(crate) fn current() -> Option<Rc<World>> {
        CURRENT.with_borrow(std::rc::Weak::upgrade)
    }

    /// Makes a thread, and the world in it.
    pub(super) fn make_thread(self: &Rc<Self>, name: &str) -> Rc<dyn Kind> {
        lock(&self.shared.threads).push(name.to_owned());
        let thread = QThread::new();
        let inside = self.make_inside(&thread, name);
        kinds::thread(thread, inside)
    }

    /// Makes the world in a thread that is to start. It ends with the thread.
    pub(crate) fn make_inside(&self, thread: &QThread, name: &str) -> Remote<Rc<World>> {
        let (shared, own) = (self.shared.clone(), name.to_owned());
        let inside = thread.build(move || {
            let world = World::of_thread(shared, Some(own.clone()), None);
            let face = Thing::Object(kinds::face_of(QThread::current_thread()));
            world.things.borrow_mut().insert(own, face);
            world
        });
        let own = name.to_owned();
        thread.started.connect_to(&inside, move |world: &World, ()| world.log(&own, "| started"));
        let own = name.to_owned();
        thread.finished.connect_to(&inside, move |world: &World, result| {
            match result {
                Ok(code) => world.log(&own, format!("= {code}")),
                Err(panic) => world.log(&own, format!("! {panic}")),
            }
            world.log(&own, "| finished");
        });
        inside
    }

    /// Keeps a connection of `connectTo`, for `disconnectFrom`.
    pub(crate) fn keep_link(&self, object: &str, signal: &str, label: &str, link: Connection) {
        let key = [object, signal, label].map(str::to_owned);
        self.links.borrow_mut().entry(key).or_default().push(link);
    }

    /// Cuts the connections that `connectTo` has made.
    pub(crate) fn cut_links(&self, object: &str, signal: &str, label: &str) {
        let key = [object, signal, label].map(str::to_owned);
        let links = self.links.borrow_mut().remove(&key).unwrap_or_default();
        for link in &links {
            link.disconnect();
        }
    }

    fn place(&self, thread: &str) -> Result<(QThread, Remote<Rc<World>>)> {
        let place = self.living(thread)?.place();
        place.ok_or_else(|| Error::new(format!("{thread} is no thread")))
    }

    /// Makes an object that lives in another thread.
    pub(super) fn make_elsewhere(
        self: &Rc<Self>,
        kind: KindName,
        name: &str,
        thread: &str,
    ) -> Result<()> {
        self.is_free(name)?;
        let (thread, inside) = self.place(thread)?;
        let own = name.to_owned();
        thread.build(move || {
            if let Some(world) = World::current()
                && let Err(error) = world.make(kind, &own, &[])
            {
                world.fail(&error);
            }
            Rc::new(())
        });
        self.name(name, Thing::Object(kinds::elsewhere(name, thread, inside)));
        Ok(())
    }

    /// Runs a block in a thread.
    pub(super) fn run_in(&self, thread: &str, wait: bool, block: &Block) -> Result<()> {
        let (_, inside) = self.place(thread)?;
        let block: Block = Arc::clone(block);
        let run = move |world: &World| {
            if let Some(current) = World::current()
                && let Err(error) = current.run_block(&block)
            {
                world.fail(&error);
            }
        };
        let ran = match wait {
            true => inside.call_with_deadline(PATIENCE, run).map_err(|error| error.to_string()),
            false => inside.post(run).map_err(|error| error.to_string()),
        };
        ran.map_err(|error| Error::new(format!("the thread does not run the block: {error}")))
    }
}
