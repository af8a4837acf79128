//! The dynamic properties of an object.

use std::{
    any::{Any, type_name},
    cell::RefCell,
    rc::Rc,
};

use super::Life;
use crate::event::{EventType, QEvent};

/// The dynamic properties of an object, in the order in which they were added.
#[derive(Default)]
pub(super) struct Properties(RefCell<Vec<Property>>);

struct Property {
    name: String,
    value: Rc<dyn Value>,
}

/// The value of a property, of whatever type.
pub(crate) trait Value: Any {
    fn equals(&self, other: &dyn Value) -> bool;
    fn type_name(&self) -> &'static str;
}

impl<T: PartialEq + 'static> Value for T {
    fn equals(&self, other: &dyn Value) -> bool {
        (other as &dyn Any).downcast_ref() == Some(self)
    }

    fn type_name(&self) -> &'static str {
        type_name::<T>()
    }
}

impl Properties {
    fn get(&self, name: &str) -> Option<Rc<dyn Value>> {
        let properties = self.0.borrow();
        let found = properties.iter().find(|property| property.name == name)?;
        Some(found.value.clone())
    }

    /// Returns the previous value, if there was one.
    fn set(&self, name: String, value: Rc<dyn Value>) -> Option<Rc<dyn Value>> {
        let mut properties = self.0.borrow_mut();
        if let Some(found) = properties.iter_mut().find(|property| property.name == name) {
            return Some(std::mem::replace(&mut found.value, value));
        }
        properties.push(Property { name, value });
        None
    }

    fn remove(&self, name: &str) -> Option<Rc<dyn Value>> {
        let mut properties = self.0.borrow_mut();
        let at = properties.iter().position(|property| property.name == name)?;
        Some(properties.remove(at).value)
    }

    /// Takes the properties of an object that has died. A value may be a handle to it.
    pub(super) fn take(&self) -> Properties {
        Properties(RefCell::new(self.0.take()))
    }
}

// Comparing and dropping values runs code of the program's. No borrow is held meanwhile.
impl Life {
    pub(crate) fn property(&self, name: &str) -> Option<Rc<dyn Value>> {
        self.existing_event_side()?.properties().get(name)
    }

    pub(crate) fn set_property(self: &Rc<Self>, name: String, value: Rc<dyn Value>) {
        if self.property(&name).is_some_and(|before| before.equals(&*value)) {
            return;
        }
        // The comparison may have destroyed the object.
        if !self.is_dead() {
            let before = self.event_side().properties().set(name.clone(), value);
            drop(before);
            self.tell_property(name);
        }
    }

    pub(crate) fn remove_property(self: &Rc<Self>, name: &str) -> bool {
        let Some(side) = self.existing_event_side() else { return false };
        let before = side.properties().remove(name);
        let existed = before.is_some();
        drop(before);
        if existed {
            self.tell_property(name.to_owned());
        }
        existed
    }

    pub(crate) fn property_names(&self) -> Vec<String> {
        let Some(side) = self.existing_event_side() else { return Vec::new() };
        side.properties().0.borrow().iter().map(|property| property.name.clone()).collect()
    }

    fn tell_property(self: &Rc<Self>, name: String) {
        self.tell(|| Some(QEvent::with_data(EventType::DYNAMIC_PROPERTY_CHANGE, name)));
    }
}
