//! Warnings: what Qt prints where something is used in a wrong way.
//!
//! They go to the handler that was [installed](install_message_handler), if one was; else to the
//! [`log`] crate's logger, if the program has set one; else to standard error, so that nobody
//! misses them.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

crate::numbered! {
    /// How grave a message is.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::MessageType;
    ///
    /// fn name(kind: MessageType) -> &'static str {
    ///     match kind {
    ///         MessageType::Warning => "warning",
    ///         _ => "message", // of a later version
    ///     }
    /// }
    /// assert_eq!(name(MessageType::Warning), "warning");
    /// ```
    #[doc(alias = "QtMsgType")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum MessageType {
        /// Something was used in a wrong way. This library knows no other.
        #[doc(alias = "QtWarningMsg")]
        Warning = 1,
    }
}

/// What is called with each message.
pub type MessageHandler = Box<dyn Fn(MessageType, &str) + Send + Sync>;

type Handler = Arc<dyn Fn(MessageType, &str) + Send + Sync>;

static HANDLER: RwLock<Option<Handler>> = RwLock::new(None);

/// Has all messages of this process given to `handler`, in whatever thread they arise; `None` puts
/// back what is done by default.
///
/// A handler that causes a message itself is called for that, too.
///
/// # Examples
///
/// ```standalone_crate
/// use std::sync::mpsc;
/// use qcore::{QTimer, install_message_handler};
///
/// let (tell, told) = mpsc::channel();
/// install_message_handler(Some(Box::new(move |_, text| {
///     tell.send(text.to_owned()).ok();
/// })));
/// QTimer::new().start(-1);
/// install_message_handler(None);
/// assert_eq!(told.recv().unwrap(), "QObject::startTimer: Timers cannot have negative intervals");
/// ```
#[doc(alias = "qInstallMessageHandler")]
pub fn install_message_handler(handler: Option<MessageHandler>) {
    let handler: Option<Handler> = handler.map(Arc::from);
    let before = {
        let mut place = HANDLER.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *place, handler)
    };
    drop(before);
}

/// Gives a warning to whoever hears it.
#[doc(hidden)]
pub fn warn(text: fmt::Arguments<'_>) {
    let handler = HANDLER.read().unwrap_or_else(PoisonError::into_inner).clone();
    match handler {
        Some(handler) => handler(MessageType::Warning, &text.to_string()),
        // Off is what the level is where no logger was set.
        None if log::max_level() == log::LevelFilter::Off => eprintln!("{text}"),
        None => log::warn!("{text}"),
    }
}

/// Says that something was used in a wrong way; see [`message`](crate::message).
///
/// ```
/// qcore::q_warning!("Thermometer::read: not connected to {}", "COM1");
/// ```
#[doc(alias = "qWarning")]
#[macro_export]
macro_rules! q_warning {
    ($($text:tt)*) => {
        $crate::message::warn(::std::format_args!($($text)*))
    };
}
