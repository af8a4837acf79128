//! Warnings: the messages that Qt prints when a program uses it in a wrong way.
//!
//! A message goes to the handler that the program has [installed](install_message_handler). Without
//! a handler it goes to the [`log`] crate's logger. Without a logger it goes to standard error, so
//! that it is not lost.

use std::{
    fmt,
    io::{self, Write},
    sync::{Arc, PoisonError, RwLock},
};

crate::numbered! {
    /// The severity of a message.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::MessageType;
    ///
    /// fn name(kind: MessageType) -> &'static str {
    ///     match kind {
    ///         MessageType::Warning => "warning",
    ///         _ => "message", // from a later version
    ///     }
    /// }
    /// assert_eq!(name(MessageType::Warning), "warning");
    /// ```
    #[doc(alias = "QtMsgType")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum MessageType {
        /// The program used something in a wrong way.
        #[doc(alias = "QtWarningMsg")]
        Warning = 1,
        /// A slot panicked, and the program continues, as its
        /// [policy](crate::QCoreApplication::set_panic_policy) says.
        #[doc(alias = "QtCriticalMsg")]
        #[doc(alias = "QtSystemMsg")]
        Critical = 2,
    }
}

/// A function that is called with each message.
pub type MessageHandler = Box<dyn Fn(MessageType, &str) + Send + Sync>;

type Handler = Arc<dyn Fn(MessageType, &str) + Send + Sync>;

static HANDLER: RwLock<Option<Handler>> = RwLock::new(None);

/// Sets the function that receives all messages of this process, from any thread. `None` restores
/// the default.
///
/// If the handler itself causes a message, it is called for that message, too.
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
/// QTimer::new().start_with_interval(-1);
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

/// Passes a warning to the message handler, the logger or standard error.
#[doc(hidden)]
pub fn warn(text: fmt::Arguments<'_>) {
    tell(MessageType::Warning, log::Level::Warn, text);
}

/// Passes a report of something that went wrong to the same.
pub(crate) fn critical(text: fmt::Arguments<'_>) {
    tell(MessageType::Critical, log::Level::Error, text);
}

fn tell(kind: MessageType, level: log::Level, text: fmt::Arguments<'_>) {
    let handler = HANDLER.read().unwrap_or_else(PoisonError::into_inner).clone();
    match handler {
        Some(handler) => handler(kind, &text.to_string()),
        // The level is `Off` until the program sets a logger.
        None if log::max_level() == log::LevelFilter::Off => print(text.to_string()),
        None => log::log!(level, "{text}"),
    }
}

/// Prints a line to standard error, which may be a full disk or a pipe that nobody reads.
/// `eprintln!` would panic then, in the middle of the library.
fn print(mut line: String) {
    line.push('\n');
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Warns that the program uses something in a wrong way; see [`message`](crate::message).
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
