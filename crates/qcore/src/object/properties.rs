//! The dynamic properties of objects.

use std::{
    any::{Any, type_name},
    rc::Rc,
};

use super::QObject;
use crate::classes::Object;

/// # Dynamic properties
///
/// A property is a value that a program attaches to an object by name. The value may be of any
/// type that can be cloned and compared. The properties that Qt's classes declare, such as
/// `objectName`, are functions here, and these four functions do not know them. A class that is
/// declared with [`class!`](crate::class!) has fields instead.
impl QObject {
    /// Attaches a value to the object, in place of an earlier value of that name.
    ///
    /// If the property is new, or if the value or its type changes, the object gets an event of
    /// type [`DYNAMIC_PROPERTY_CHANGE`](crate::EventType::DYNAMIC_PROPERTY_CHANGE). Its data is the
    /// name, a `String`. The object drops the value when it dies. A dead object gets no properties.
    ///
    /// ```
    /// use qcore::QObject;
    ///
    /// let object = QObject::new();
    /// object.set_property("retries", 3);
    /// object.set_property("peer", "Ann".to_owned());
    /// assert_eq!(object.property::<i32>("retries"), Some(3));
    /// assert_eq!(object.property::<String>("peer").as_deref(), Some("Ann"));
    /// assert_eq!(object.property::<i32>("port"), None);
    /// assert_eq!(object.dynamic_property_names(), ["retries", "peer"]);
    /// ```
    #[doc(alias = "setProperty")]
    pub fn set_property<T>(&self, name: impl Into<String>, value: T)
    where
        T: Clone + PartialEq + 'static,
    {
        Object::life(self).set_property(name.into(), Rc::new(value));
    }

    /// Returns the value of a property, or `None` if the object has none of that name.
    ///
    /// The type has to be the one that the value was set with. If it is another one, the function
    /// logs a warning with both types and returns `None`.
    #[must_use]
    pub fn property<T: Clone + 'static>(&self, name: &str) -> Option<T> {
        let value = Object::life(self).property(name)?;
        let found = (&*value as &dyn Any).downcast_ref::<T>();
        if found.is_none() {
            let (is, asked) = (value.type_name(), type_name::<T>());
            crate::q_warning!("QObject::property: {name:?} is of type {is}, not {asked}");
        }
        found.cloned()
    }

    /// Removes a property. Returns whether there was one.
    ///
    /// If there was, the object gets the same event as for a change. In Qt, setting an invalid
    /// `QVariant` removes a property.
    ///
    /// ```
    /// use qcore::QObject;
    ///
    /// let object = QObject::new();
    /// object.set_property("retries", 3);
    /// assert!(object.remove_property("retries") && !object.remove_property("retries"));
    /// assert_eq!(object.property::<i32>("retries"), None);
    /// ```
    #[doc(alias = "setProperty")]
    pub fn remove_property(&self, name: &str) -> bool {
        Object::life(self).remove_property(name)
    }

    /// Returns the names of the properties, in the order in which they were added.
    #[doc(alias = "dynamicPropertyNames")]
    #[must_use]
    pub fn dynamic_property_names(&self) -> Vec<String> {
        Object::life(self).property_names()
    }
}
