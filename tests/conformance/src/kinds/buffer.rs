//! `buffer`: a QBuffer.

use qcore::QBuffer;

use super::{AnyHeld, Held, Kind, device};
use crate::{args::Args, error::Result, value::Value, world::Recorder};

pub(super) struct Buffer(Held<QBuffer>);

impl Buffer {
    pub(super) fn new() -> Self {
        Buffer(Held::new(QBuffer::new(), |it| it))
    }
}

impl Kind for Buffer {
    fn class(&self) -> &'static str {
        "QBuffer"
    }

    fn call(&self, args: &Args<'_>) -> Result<Value> {
        let buffer = self.0.get()?;
        Ok(match args.method {
            "data" | "buffer" => buffer.data().into(),
            "setData" => buffer.set_data(args.bytes()?).into(),
            _ => return device::call_device(&buffer, self.class(), args),
        })
    }

    fn watch(&self, recorder: &Recorder) {
        if let Ok(buffer) = self.0.get() {
            device::watch_device(recorder, &buffer);
        }
    }

    fn held(&self) -> Option<&dyn AnyHeld> {
        Some(&self.0)
    }
}
