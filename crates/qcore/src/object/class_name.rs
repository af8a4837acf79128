//! The names of an object's classes, and the tree of its children as text.

use std::fmt::Write as _;

use super::QObject;
use crate::classes::Object;

/// # Class names
impl QObject {
    /// Returns the name of the object's class, whatever class this handle is of.
    ///
    /// Stands for Qt's `metaObject()->className()`. A class that is declared with
    /// [`class!`](crate::class!) has the name of its handle type. As in a slot of Qt's
    /// `destroyed()`, a dead object is a `QObject`.
    ///
    /// ```
    /// use qcore::{QObject, QTimer};
    ///
    /// let object = QObject::from(QTimer::new());
    /// assert_eq!(object.class_name(), "QTimer");
    /// ```
    #[doc(alias = "metaObject")]
    #[doc(alias = "className")]
    #[must_use]
    pub fn class_name(&self) -> &'static str {
        let mut first = "QObject";
        Object::life(self).any_class_name(|name| {
            first = name;
            true
        });
        first
    }

    /// Returns whether the object's class is `class_name` or derives from the class of that name.
    ///
    /// [`cast`](QObject::cast) asks for a type instead and returns a handle of it.
    ///
    /// ```
    /// use qcore::QTimer;
    ///
    /// let timer = QTimer::new();
    /// assert!(timer.inherits("QTimer") && timer.inherits("QObject"));
    /// assert!(!timer.inherits("QIODevice"));
    /// ```
    #[must_use]
    pub fn inherits(&self, class_name: &str) -> bool {
        class_name == "QObject" || Object::life(self).any_class_name(|name| name == class_name)
    }

    /// Returns the object and its descendants as text, for debugging.
    ///
    /// The text is the one that Qt writes to its log. Each object has a line with its class and its
    /// name, indented by four spaces for each level below this object.
    ///
    /// ```
    /// use qcore::{QObject, QTimer};
    ///
    /// let window = QObject::new();
    /// window.set_object_name("window");
    /// let clock = QTimer::new();
    /// clock.set_object_name("clock");
    /// clock.set_parent(Some(&window));
    /// assert_eq!(window.dump_object_tree(), "QObject::window \n    QTimer::clock \n");
    /// ```
    #[doc(alias = "dumpObjectTree")]
    #[must_use]
    pub fn dump_object_tree(&self) -> String {
        let mut text = String::new();
        // A list instead of recursion: a chain of children may be longer than the stack.
        let mut left = vec![(0, self.clone())];
        while let Some((level, object)) = left.pop() {
            let (class, name) = (object.class_name(), object.object_name());
            let _ = writeln!(text, "{:1$}{class}::{name} ", "", 4 * level);
            let children = object.children().into_iter().rev();
            left.extend(children.map(|child| (level + 1, child)));
        }
        text
    }
}
