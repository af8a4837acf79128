//! [`Recorder`]: is connected to every signal of an object before anything else.

use std::{rc::Rc, sync::Arc};

use qcore::Signal;

use super::{Reaction, Thing, World, is_dying, lock};
use crate::{syntax::Event, value::Value};

/// Records an object's signals and then runs the blocks that react to them.
pub(crate) struct Recorder {
    world: Rc<World>,
    name: Rc<str>,
}

impl Recorder {
    pub(super) fn new(world: &Rc<World>, name: &str) -> Self {
        Recorder { world: world.clone(), name: name.into() }
    }

    /// Connects to a signal without arguments, or one whose arguments are not shown.
    pub(crate) fn plain<T: 'static>(&self, signal: &Signal<T>, name: &'static str) {
        self.with(signal, name, |_| Vec::new());
    }

    /// Connects to a signal with one argument.
    pub(crate) fn one<T: 'static, V: Into<Value>>(
        &self,
        signal: &Signal<T>,
        name: &'static str,
        shown: impl Fn(&T) -> V + 'static,
    ) {
        self.with(signal, name, move |value| vec![shown(value).into()]);
    }

    /// Connects to any signal.
    pub(crate) fn with<T: 'static>(
        &self,
        signal: &Signal<T>,
        name: &'static str,
        shown: impl Fn(&T) -> Vec<Value> + 'static,
    ) {
        let (world, object) = (self.world.clone(), self.name.clone());
        signal.connect(move |value| world.heard(&object, name, shown(value)));
    }
}

impl World {
    fn heard(self: &Rc<Self>, name: &str, signal: &str, args: Vec<Value>) {
        let mut brackets = String::new();
        if let Ok(Thing::Object(object)) = self.thing(name)
            && !is_dying(&*object)
            && let Some(snapshot) = object.snapshot()
        {
            // Learns the port before it writes the line, so that the line can show its name.
            self.note_port(name, &*object);
            brackets = format!(" [{snapshot}]");
        }
        let shown: Vec<_> = args.iter().map(|value| value.show(&**self)).collect();
        let shown =
            if shown.is_empty() { String::new() } else { format!("({})", shown.join(", ")) };
        self.log(name, format!("| {signal}{shown}{brackets}"));
        let event = Event::Signal { object: name.to_owned(), signal: signal.to_owned() };
        if signal == "destroyed" {
            lock(&self.shared.dead).insert(name.to_owned());
        }
        *lock(&self.shared.counts).entry(event.clone()).or_default() += 1;
        self.react(&event, &args.into());
    }

    /// Records the call of an `obj`'s slot.
    pub(crate) fn slot_called(self: &Rc<Self>, name: &str, signal: &str, label: &str, value: i32) {
        self.log(name, format!("| {signal}.{label}({value})"));
        self.react(&Event::Slot(label.to_owned()), &vec![value.into()].into());
    }

    /// Records the call of a slot of `connectTo`.
    pub(crate) fn called(self: &Rc<Self>, name: &str, label: &str, value: Option<i32>) {
        let shown = value.map_or(String::new(), |value| value.to_string());
        self.log(name, format!("| {label}({shown})"));
        let args: Vec<Value> = value.into_iter().map(Value::from).collect();
        self.react(&Event::Slot(label.to_owned()), &args.into());
    }

    /// Runs the blocks that react to the event. Blocks added meanwhile do not run.
    fn react(self: &Rc<Self>, event: &Event, args: &Rc<[Value]>) {
        let reactions: Vec<Arc<Reaction>> =
            lock(&self.shared.reactions).get(event).cloned().unwrap_or_default();
        for reaction in reactions {
            match &mut *lock(&reaction.left) {
                Some(0) => continue,
                Some(left) => *left -= 1,
                None => {}
            }
            let outer = self.arguments.replace(args.clone());
            if let Err(error) = self.run_block(&reaction.block) {
                self.fail(&error);
            }
            self.arguments.replace(outer);
        }
    }
}
