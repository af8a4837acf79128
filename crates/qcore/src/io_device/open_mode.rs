//! [`OpenMode`]: the modes in which a device can be opened.

use std::fmt;

bitflags::bitflags! {
    /// The mode in which a [`QIODevice`](crate::QIODevice) is opened: a set of flags.
    ///
    /// [`bits`](Self::bits) returns Qt's number for the set, and [`from_bits`](Self::from_bits)
    /// returns the set for a number.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.set_data(b"one\r\ntwo");
    /// buffer.open(OpenMode::READ_ONLY | OpenMode::TEXT)?;
    /// assert!(buffer.is_readable() && !buffer.is_writable());
    /// assert_eq!(buffer.read_line(), b"one\n");
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    #[doc(alias = "QIODevice::OpenModeFlag")]
    #[doc(alias = "QIODevice::OpenMode")]
    #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
    pub struct OpenMode: u32 {
        /// The device is closed.
        #[doc(alias = "NotOpen")]
        const NOT_OPEN = 0;
        /// The device is open for reading.
        #[doc(alias = "ReadOnly")]
        const READ_ONLY = 0x01;
        /// The device is open for writing.
        #[doc(alias = "WriteOnly")]
        const WRITE_ONLY = 0x02;
        /// The device is open for reading and writing.
        #[doc(alias = "ReadWrite")]
        const READ_WRITE = 0x03;
        /// Each write appends at the end.
        #[doc(alias = "Append")]
        const APPEND = 0x04;
        /// Opening removes the existing content.
        #[doc(alias = "Truncate")]
        const TRUNCATE = 0x08;
        /// Reading removes carriage returns, so that lines end with `\n`.
        #[doc(alias = "Text")]
        const TEXT = 0x10;
        /// The device uses no buffer of its own.
        #[doc(alias = "Unbuffered")]
        const UNBUFFERED = 0x20;
        /// Opening fails if the file exists. Only for files: no device in this library looks at it.
        #[doc(alias = "NewOnly")]
        const NEW_ONLY = 0x40;
        /// Opening fails if the file does not exist. Only for files: no device in this library
        /// looks at it.
        #[doc(alias = "ExistingOnly")]
        const EXISTING_ONLY = 0x80;
    }
}

impl fmt::Debug for OpenMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("NOT_OPEN");
        }
        let mut first = true;
        let mut rest = *self;
        if rest.contains(OpenMode::READ_WRITE) {
            f.write_str("READ_WRITE")?;
            rest -= OpenMode::READ_WRITE;
            first = false;
        }
        for (name, _) in rest.iter_names() {
            write!(f, "{}{name}", if first { "" } else { " | " })?;
            first = false;
        }
        Ok(())
    }
}
