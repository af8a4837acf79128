//! `loop`: a QEventLoop.

use qcore::QEventLoop;

use super::{AnyHeld, Held, Kind, call_object};
use crate::{args::Args, error::Result, value::Value, world::Recorder};

pub(super) struct Loop(Held<QEventLoop>);

impl Loop {
    pub(super) fn new() -> Self {
        Loop(Held::new(QEventLoop::new(), |it| it))
    }
}

impl Kind for Loop {
    fn class(&self) -> &'static str {
        "QEventLoop"
    }

    fn call(&self, args: &Args<'_>) -> Result<Value> {
        let event_loop = self.0.get()?;
        Ok(match args.method {
            "exec" | "exec_" => event_loop.exec().into(),
            "exit" => event_loop.exit(args.or(0, Args::number)?).into(),
            "quit" => event_loop.quit().into(),
            "isRunning" => event_loop.is_running().into(),
            "processEvents" => event_loop.process_events().into(),
            _ => return call_object(&event_loop, self.class(), args),
        })
    }

    fn watch(&self, recorder: &Recorder) {
        if let Ok(event_loop) = self.0.get() {
            recorder.plain(&event_loop.destroyed, "destroyed");
        }
    }

    fn held(&self) -> Option<&dyn AnyHeld> {
        Some(&self.0)
    }
}
