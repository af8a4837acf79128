//! `timer`: a QTimer.

use qcore::QTimer;

use super::{AnyHeld, Held, Kind, call_object};
use crate::{args::Args, error::Result, names, value::Value, world::Recorder};

pub(super) struct Timer(Held<QTimer>);

impl Timer {
    pub(super) fn new() -> Self {
        Timer(Held::new(QTimer::new(), |it| it))
    }
}

impl Kind for Timer {
    fn class(&self) -> &'static str {
        "QTimer"
    }

    fn call(&self, args: &Args<'_>) -> Result<Value> {
        let timer = self.0.get()?;
        Ok(match args.method {
            "start" if args.left() == 0 => timer.start().into(),
            "start" => timer.start_with_interval(args.number::<i32>()?).into(),
            "stop" => timer.stop().into(),
            "interval" => timer.interval().as_millis().into(),
            "setInterval" => timer.set_interval(args.number::<i32>()?).into(),
            // Qt's milliseconds are rounded up.
            "remainingTime" => match timer.remaining_time() {
                Some(left) => (left.as_nanos().div_ceil(1_000_000) as i64).into(),
                None => (-1_i32).into(),
            },
            "isActive" => timer.is_active().into(),
            "isSingleShot" => timer.is_single_shot().into(),
            "setSingleShot" => timer.set_single_shot(args.boolean()?).into(),
            "timerType" => names::value(timer.timer_type()),
            "setTimerType" => timer.set_timer_type(args.named()?).into(),
            _ => return call_object(&timer, self.class(), args),
        })
    }

    fn watch(&self, recorder: &Recorder) {
        if let Ok(timer) = self.0.get() {
            recorder.plain(&timer.timeout, "timeout");
            recorder.plain(&timer.destroyed, "destroyed");
        }
    }

    fn held(&self) -> Option<&dyn AnyHeld> {
        Some(&self.0)
    }
}
