//! Searches for children, and casts to classes.

use super::QObject;
use crate::classes::Object;

crate::numbered! {
    /// The depth of the search in
    /// [`find_children_with_options`](QObject::find_children_with_options).
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{FindChildOptions, QObject, QTimer};
    ///
    /// let (root, branch, leaf) = (QObject::new(), QObject::new(), QTimer::new());
    /// branch.set_parent(Some(&root));
    /// leaf.set_parent(Some(&branch));
    /// assert_eq!(root.find_children::<QTimer>(None).len(), 1);
    /// let direct = FindChildOptions::DirectChildrenOnly;
    /// assert_eq!(root.find_children_with_options::<QTimer>(None, direct).len(), 0);
    /// ```
    #[doc(alias = "Qt::FindChildOptions")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum FindChildOptions {
        /// Searches the children only.
        #[doc(alias = "FindDirectChildrenOnly")]
        DirectChildrenOnly = 0,
        /// Searches the children and all their descendants. The default.
        #[doc(alias = "FindChildrenRecursively")]
        #[default]
        ChildrenRecursively = 1,
    }
}

impl QObject {
    /// Returns the object as a handle of class `T`, or `None` if the object is not of that class or
    /// one derived from it. `From` converts in the other direction, to a base class.
    ///
    /// ```
    /// use qcore::{QBuffer, QIODevice, QObject, QTimer};
    ///
    /// fn size_of(object: &QObject) -> Option<i64> {
    ///     Some(object.cast::<QIODevice>()?.size())
    /// }
    ///
    /// let buffer = QBuffer::new();
    /// buffer.set_data(b"four");
    /// assert_eq!(size_of(&buffer), Some(4));
    /// assert_eq!(size_of(&QTimer::new()), None);
    /// ```
    #[doc(alias = "qobject_cast")]
    #[must_use]
    pub fn cast<T: Object>(&self) -> Option<T> {
        Object::life(self).cast()
    }

    /// Finds the first descendant that is of class `T` and has the given name.
    ///
    /// A name of `None` matches every object. An empty name matches objects without a name. All
    /// children are searched before any grandchild.
    ///
    /// ```
    /// use qcore::{QObject, QTimer};
    ///
    /// let parent = QObject::new();
    /// let timer = QTimer::new();
    /// timer.set_object_name("heartbeat");
    /// timer.set_parent(Some(&parent));
    /// assert_eq!(parent.find_child::<QTimer>("heartbeat"), Some(timer));
    /// assert_eq!(parent.find_child::<QTimer>(""), None);
    /// assert!(parent.find_child::<QObject>(None).is_some());
    /// ```
    #[doc(alias = "findChild")]
    #[must_use]
    pub fn find_child<'a, T: Object>(&self, name: impl Into<Option<&'a str>>) -> Option<T> {
        self.find_child_with_options(name, FindChildOptions::default())
    }

    /// Finds a descendant as [`find_child`](QObject::find_child) does. `options` sets the depth of
    /// the search.
    #[doc(alias = "findChild")]
    #[must_use]
    pub fn find_child_with_options<'a, T: Object>(
        &self,
        name: impl Into<Option<&'a str>>,
        options: FindChildOptions,
    ) -> Option<T> {
        first(self, name.into(), options)
    }

    /// Returns all descendants that are of class `T` and have the given name. Each is followed by
    /// its own descendants. The name is as in [`find_child`](QObject::find_child).
    ///
    /// ```
    /// use qcore::{QObject, QTimer};
    ///
    /// let parent = QObject::new();
    /// for _ in 0..3 {
    ///     QTimer::new().with_parent(&parent);
    /// }
    /// for timer in parent.find_children::<QTimer>(None) {
    ///     timer.start_with_interval(1000);
    /// }
    /// assert_eq!(parent.find_children::<QObject>("heartbeat").len(), 0);
    /// ```
    #[doc(alias = "findChildren")]
    #[must_use]
    pub fn find_children<'a, T: Object>(&self, name: impl Into<Option<&'a str>>) -> Vec<T> {
        self.find_children_with_options(name, FindChildOptions::default())
    }

    /// Returns descendants as [`find_children`](QObject::find_children) does. `options` sets the
    /// depth of the search.
    #[doc(alias = "findChildren")]
    #[must_use]
    pub fn find_children_with_options<'a, T: Object>(
        &self,
        name: impl Into<Option<&'a str>>,
        options: FindChildOptions,
    ) -> Vec<T> {
        let mut found = Vec::new();
        collect(self, name.into(), options, &mut found);
        found
    }
}

/// Returns the object as a `T` if it matches the class and the name.
fn wanted<T: Object>(object: &QObject, name: Option<&str>) -> Option<T> {
    if name.is_none_or(|name| object.has_name(name)) { object.cast() } else { None }
}

fn first<T: Object>(of: &QObject, name: Option<&str>, options: FindChildOptions) -> Option<T> {
    let children = of.children();
    if let Some(child) = children.iter().find_map(|child| wanted(child, name)) {
        return Some(child);
    }
    match options {
        FindChildOptions::DirectChildrenOnly => None,
        FindChildOptions::ChildrenRecursively => {
            children.iter().find_map(|child| first(child, name, options))
        }
    }
}

fn collect<T: Object>(
    of: &QObject,
    name: Option<&str>,
    options: FindChildOptions,
    found: &mut Vec<T>,
) {
    for child in of.children() {
        found.extend(wanted(&child, name));
        if options == FindChildOptions::ChildrenRecursively {
            collect(&child, name, options, found);
        }
    }
}
