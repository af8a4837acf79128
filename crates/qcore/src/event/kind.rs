//! [`EventType`]: the type of an event.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, PoisonError},
};

use crate::number::UnknownNumberError;

/// The type of an event: one of Qt's types or, from [`USER`](EventType::USER) on, a type of the
/// program's own.
///
/// # Examples
///
/// ```
/// use qcore::EventType;
///
/// const MEASURED: EventType = EventType::user(1);
/// assert!(MEASURED > EventType::USER && MEASURED < EventType::MAX_USER);
/// assert_eq!(i32::from(MEASURED), 1001);
/// assert_eq!(EventType::try_from(1001), Ok(MEASURED));
/// ```
#[doc(alias = "QEvent::Type")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType(u16);

impl EventType {
    /// Not an event.
    #[doc(alias = "QEvent::None")]
    pub const NONE: EventType = EventType(0);
    /// A timer is due. [`QEvent::timer`](super::QEvent::timer) returns the event with its id.
    #[doc(alias = "QEvent::Timer")]
    pub const TIMER: EventType = EventType(1);
    /// The application or the event loop that receives the event is to quit.
    #[doc(alias = "QEvent::Quit")]
    pub const QUIT: EventType = EventType(20);
    /// A queued slot of the object is to run.
    #[doc(alias = "QEvent::MetaCall")]
    pub const META_CALL: EventType = EventType(43);
    /// The file descriptor of a socket notifier is ready.
    #[doc(alias = "QEvent::SockAct")]
    pub const SOCK_ACT: EventType = EventType(50);
    /// The object is to be destroyed. [`delete_later`](crate::QObject::delete_later) posts this
    /// event.
    #[doc(alias = "QEvent::DeferredDelete")]
    pub const DEFERRED_DELETE: EventType = EventType(52);
    /// The object has a new child, which [`QEvent::child`](super::QEvent::child) returns.
    #[doc(alias = "QEvent::ChildAdded")]
    pub const CHILD_ADDED: EventType = EventType(68);
    /// The object has lost a child: the child has another parent now, no parent, or has died.
    #[doc(alias = "QEvent::ChildRemoved")]
    pub const CHILD_REMOVED: EventType = EventType(71);
    /// A [property](crate::QObject::set_property) of the object was set or removed. The
    /// [data](super::QEvent::data) is the name of the property, a `String`.
    #[doc(alias = "QEvent::DynamicPropertyChange")]
    #[doc(alias = "QDynamicPropertyChangeEvent")]
    pub const DYNAMIC_PROPERTY_CHANGE: EventType = EventType(170);
    /// The first type of the program's own.
    #[doc(alias = "QEvent::User")]
    pub const USER: EventType = EventType(1000);
    /// The last type of the program's own.
    #[doc(alias = "QEvent::MaxUser")]
    pub const MAX_USER: EventType = EventType(u16::MAX);

    /// Returns the type with the number [`USER`](EventType::USER)` + offset`, one of the program's
    /// own.
    ///
    /// # Panics
    ///
    /// If the number is greater than [`MAX_USER`](EventType::MAX_USER). In a constant this is an
    /// error at compile time.
    #[must_use]
    #[track_caller]
    pub const fn user(offset: u16) -> EventType {
        assert!(offset <= u16::MAX - 1000, "there are no event types beyond 65535");
        EventType(1000 + offset)
    }

    /// Returns Qt's number of the type. The layers below this one use it to identify types.
    pub(crate) const fn raw(self) -> u16 {
        self.0
    }

    /// Reserves an unused type: no other call in this process returns it. The numbers count down
    /// from [`MAX_USER`](EventType::MAX_USER). Returns `None` if all are taken.
    ///
    /// ```
    /// use qcore::EventType;
    ///
    /// let (one, other) = (EventType::register().unwrap(), EventType::register().unwrap());
    /// assert!(one != other && one > EventType::USER);
    /// ```
    #[doc(alias = "registerEventType")]
    #[must_use]
    pub fn register() -> Option<EventType> {
        register(None)
    }

    /// Reserves the type `hint` if it is at least [`USER`](EventType::USER) and not taken.
    /// Otherwise reserves a type as [`register`](EventType::register) does.
    #[doc(alias = "registerEventType")]
    #[must_use]
    pub fn register_with_hint(hint: EventType) -> Option<EventType> {
        register(Some(hint).filter(|hint| *hint >= EventType::USER))
    }
}

fn register(hint: Option<EventType>) -> Option<EventType> {
    static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    // No code panics while it holds this lock.
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let own = || (EventType::USER.0..=EventType::MAX_USER.0).rev();
    let kind = match hint {
        Some(hint) if !taken.contains(&hint.0) => hint.0,
        _ => own().find(|kind| !taken.contains(kind))?,
    };
    taken.insert(kind);
    Some(EventType(kind))
}

impl From<EventType> for i32 {
    /// Returns Qt's number for the type.
    fn from(kind: EventType) -> i32 {
        kind.0.into()
    }
}

impl TryFrom<i32> for EventType {
    type Error = UnknownNumberError;

    /// Returns the type with this number, from 0 to 65535. It may be one of Qt's types that has no
    /// constant here.
    fn try_from(number: i32) -> Result<Self, UnknownNumberError> {
        u16::try_from(number)
            .map(EventType)
            .map_err(|_| UnknownNumberError::new("EventType", number))
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            EventType::NONE => "None",
            EventType::TIMER => "Timer",
            EventType::QUIT => "Quit",
            EventType::META_CALL => "MetaCall",
            EventType::SOCK_ACT => "SockAct",
            EventType::DEFERRED_DELETE => "DeferredDelete",
            EventType::CHILD_ADDED => "ChildAdded",
            EventType::CHILD_REMOVED => "ChildRemoved",
            EventType::DYNAMIC_PROPERTY_CHANGE => "DynamicPropertyChange",
            EventType(number) => return write!(f, "EventType({number})"),
        };
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_taken_once_and_only_among_the_programs_own() {
        let hint = EventType::user(17);
        assert_eq!(EventType::register_with_hint(hint), Some(hint));
        let other = EventType::register_with_hint(hint).unwrap();
        assert!(other != hint && other > EventType::USER);
        let other = EventType::register_with_hint(EventType::TIMER).unwrap();
        assert!(other > EventType::USER);
    }
}
