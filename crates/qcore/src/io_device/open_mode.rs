//! How a device is opened.

use std::fmt;

bitflags::bitflags! {
    /// How a [`QIODevice`](crate::QIODevice) is opened.
    ///
    /// [`bits`](Self::bits) gives Qt's number for the set, and [`from_bits`](Self::from_bits) gives
    /// the set for a number.
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
    #[doc(alias = "QIODevice::OpenMode")]
    #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
    pub struct OpenMode: u32 {
        /// Closed.
        #[doc(alias = "NotOpen")]
        const NOT_OPEN = 0;
        /// For reading.
        #[doc(alias = "ReadOnly")]
        const READ_ONLY = 0x01;
        /// For writing.
        #[doc(alias = "WriteOnly")]
        const WRITE_ONLY = 0x02;
        /// For reading and writing.
        #[doc(alias = "ReadWrite")]
        const READ_WRITE = 0x03;
        /// All that is written goes to the end.
        #[doc(alias = "Append")]
        const APPEND = 0x04;
        /// What was there is dropped.
        #[doc(alias = "Truncate")]
        const TRUNCATE = 0x08;
        /// Ends of lines are read as `\n`: carriage returns are left out.
        #[doc(alias = "Text")]
        const TEXT = 0x10;
        /// Without the device's buffers.
        #[doc(alias = "Unbuffered")]
        const UNBUFFERED = 0x20;
        /// What is opened is not to exist yet. It is for files: no device here looks at it.
        #[doc(alias = "NewOnly")]
        const NEW_ONLY = 0x40;
        /// What is opened has to exist already. It is for files: no device here looks at it.
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
