//! The execution of statements.

use std::{
    cell::Cell,
    rc::Rc,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use qcore::{QEventLoop, QTimer, TimerType};
use qnetwork::simulation;

use super::{Reaction, Thing, World, lock};
use crate::{
    error::{Error, Result},
    run::now,
    syntax::{Action, Call, Condition, Event, Statement},
    value::Value,
};

/// The interval at which `run until` checks its condition, in milliseconds.
const LOOK_EVERY: i32 = 2;

/// How long the end of a scenario waits for events in progress, in milliseconds.
const SETTLE: u64 = 30;

impl World {
    /// Runs statements one after another.
    pub(crate) fn run_block(self: &Rc<Self>, block: &[Statement]) -> Result<()> {
        for statement in block {
            self.statement(&statement.action).map_err(|error| error.at(statement.line))?;
        }
        Ok(())
    }

    /// Lets events in progress finish, so that a trace never ends in the middle of a burst.
    pub(crate) fn settle(self: &Rc<Self>) {
        self.spin(SETTLE * self.patience(), |_| Ok(false));
    }

    /// Returns a factor for the time that loops run. With a proxy it is larger: the proxy's threads
    /// may have to wait for a processor.
    fn patience(&self) -> u64 {
        if self.proxy.is_some() { 3 } else { 1 }
    }

    fn statement(self: &Rc<Self>, action: &Action) -> Result<()> {
        match action {
            Action::Global => self.shared.ungrouped.store(true, Ordering::Relaxed),
            Action::Make { kind, name, thread: Some(thread), .. } => {
                return self.make_elsewhere(*kind, name, thread);
            }
            Action::Make { kind, name, options, thread: None } => {
                return self.make(*kind, name, options);
            }
            Action::In { thread, wait, block } => return self.run_in(thread, *wait, block),
            Action::Take { name, call, .. } => return self.take(name, call),
            Action::Call { call, text } => return self.call(call, text),
            Action::Delete(name) => return self.delete(name),
            Action::RunUntil { condition, text, within } => {
                self.run_until(condition, text, *within);
            }
            Action::RunFor(time) => drop(self.spin(*time * self.patience(), |_| Ok(false))),
            Action::Sleep(time) => simulation::sleep(Duration::from_millis(*time)),
            Action::On { event, times, block } => {
                let reaction = Reaction { left: Mutex::new(*times), block: block.clone() };
                let mut reactions = lock(&self.shared.reactions);
                reactions.entry(event.clone()).or_default().push(Arc::new(reaction));
            }
            Action::Meanwhile { delay, call } => return self.meanwhile(*delay, call),
            Action::Set { argument, method, text } => return self.set(*argument, method, text),
        }
        Ok(())
    }

    fn call(self: &Rc<Self>, call: &Call, text: &str) -> Result<()> {
        let name = &call.object;
        if let Thing::Object(_) = self.thing(name)? {
            self.log(name, format!("> {text}"));
        }
        if let Some(value) = self.evaluate(call)? {
            let shown = value.show(&**self);
            self.log(name, format!("< {shown}"));
        }
        Ok(())
    }

    fn run_until(self: &Rc<Self>, condition: &Arc<Condition>, text: &str, within: u64) {
        let condition = condition.clone();
        let came = match &*condition {
            Condition::Signal(event) => {
                let (event, before) = (event.clone(), self.count(event));
                self.spin(within, move |world| Ok(world.count(&event) > before))
            }
            _ => self.spin(within, move |world| world.holds(&condition)),
        };
        if !came {
            self.log("run", format!("! timed out: until {text}"));
            self.group("run");
        }
        self.settle();
    }

    /// Returns how often the event has happened.
    fn count(&self, event: &Event) -> u64 {
        lock(&self.shared.counts).get(event).copied().unwrap_or(0)
    }

    fn holds(self: &Rc<Self>, condition: &Condition) -> Result<bool> {
        let value = |call| {
            let value = self.evaluate(call)?;
            value.ok_or_else(|| Error::new("this call returns nothing to wait for"))
        };
        match condition {
            Condition::Signal(_) => Ok(false),
            Condition::True(call) => value(call)?.is_true(),
            Condition::Compare { call, comparison, value: other } => {
                value(call)?.compare(*comparison, &self.literal(other)?)
            }
        }
    }

    /// Runs a nested loop until `done` returns `true` or the time is over.
    fn spin(
        self: &Rc<Self>,
        time: u64,
        done: impl Fn(&Rc<World>) -> Result<bool> + 'static,
    ) -> bool {
        let deadline = now() + Duration::from_millis(time);
        let (event_loop, ticker) = (QEventLoop::new(), QTimer::new());
        let came = Rc::new(Cell::new(false));
        let (world, seen) = (self.clone(), came.clone());
        ticker.set_timer_type(TimerType::Precise);
        ticker.timeout.connect_to(&event_loop, move |event_loop, ()| match done(&world) {
            Ok(true) => {
                seen.set(true);
                event_loop.quit();
            }
            Ok(false) if now() >= deadline => event_loop.quit(),
            Ok(false) => {}
            Err(error) => world.fail(&error),
        });
        ticker.start_with_interval(LOOK_EVERY);
        event_loop.exec();
        ticker.stop();
        came.get()
    }

    fn set(&self, argument: usize, method: &str, text: &str) -> Result<()> {
        match (self.arguments.borrow().get(argument - 1), method) {
            (None, _) => return Err(Error::new(format!("the signal has no argument {argument}"))),
            (Some(Value::Authenticator(it)), "setUser") => it.set_user(text),
            (Some(Value::Authenticator(it)), "setPassword") => it.set_password(text),
            (Some(Value::Authenticator(it)), "setRealm") => it.set_realm(text),
            (Some(_), _) => {
                return Err(Error::new(format!("argument {argument} has no setter {method}")));
            }
        }
        Ok(())
    }
}
