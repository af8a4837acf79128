//! [`RateLimit`]: a token bucket that sockets share.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    fmt,
    rc::{Rc, Weak},
    time::Duration,
};

use qcore::{Dispatcher, QElapsedTimer, TimerType, event_loop::TimerId};

use super::node::{AbstractSocketNode, Direction};

/// How often per second, at most, a limit serves the sockets that wait.
const PORTIONS: u64 = 50;

/// A limit of bytes per second, which any number of sockets can share.
///
/// It is a token bucket: each second, the bucket gets as many bytes as the rate, up to the burst. A
/// socket that reads or writes takes bytes out of the bucket. If the bucket is empty, the socket
/// waits. Sockets that wait get equal shares in turn. So in `t` seconds, all sockets together move
/// at most the burst plus `t` times the rate.
///
/// [`set_read_rate`](super::QAbstractSocket::set_read_rate) and
/// [`set_write_rate`](super::QAbstractSocket::set_write_rate) set the limit of a socket. One limit
/// may apply to some sockets or all, and to one direction or both. A clone refers to the same
/// limit.
///
/// A limit belongs to the thread that created it. It has one timer, which runs only while a socket
/// waits.
///
/// # Examples
///
/// All downloads together get 1 MB/s:
///
/// ```
/// use qnetwork::{QTcpServer, RateLimit};
///
/// let server = QTcpServer::new();
/// let downloads = RateLimit::new(1_000_000);
/// server.new_connection.connect_to(&server, move |server, ()| {
///     while let Some(socket) = server.next_pending_connection() {
///         socket.set_write_rate(Some(&downloads));
///     }
/// });
/// ```
#[derive(Clone)]
pub struct RateLimit(Rc<Bucket>);

struct Bucket {
    this: Weak<Bucket>,
    dispatcher: Rc<Dispatcher>,
    rate: Cell<u64>,
    burst: Cell<u64>,
    /// How many bytes are in the bucket. Below zero if more were taken than were there.
    level: Cell<i64>,
    /// The time on the clock of `since` to which the bucket was filled, in nanoseconds.
    filled_at: Cell<u64>,
    since: QElapsedTimer,
    /// Those that wait, in the order in which they came.
    waiting: RefCell<VecDeque<(Weak<AbstractSocketNode>, Direction)>>,
    /// Runs while somebody waits.
    timer: Cell<Option<TimerId>>,
}

impl RateLimit {
    /// Creates a limit of `bytes_per_second`, at least 1. The burst is a tenth of the rate, at
    /// least 1. The bucket is full at first.
    #[must_use]
    pub fn new(bytes_per_second: u64) -> Self {
        let rate = clamp(bytes_per_second);
        let burst = (rate / 10).max(1);
        let since = QElapsedTimer::started();
        RateLimit(Rc::new_cyclic(|this| Bucket {
            this: this.clone(),
            dispatcher: Dispatcher::current(),
            rate: Cell::new(rate),
            burst: Cell::new(burst),
            level: Cell::new(burst as i64),
            filled_at: Cell::new(0),
            since,
            waiting: RefCell::default(),
            timer: Cell::new(None),
        }))
    }

    /// Returns the rate in bytes per second.
    #[must_use]
    pub fn rate(&self) -> u64 {
        self.0.rate.get()
    }

    /// Sets the rate in bytes per second, at least 1. The burst does not change. Sockets that wait
    /// now wait as long as the new rate requires.
    pub fn set_rate(&self, bytes_per_second: u64) {
        self.0.fill();
        self.0.rate.set(clamp(bytes_per_second));
        self.0.arm_again();
    }

    /// Returns the burst: how many bytes the bucket holds at most.
    #[must_use]
    pub fn burst(&self) -> u64 {
        self.0.burst.get()
    }

    /// Sets the burst: how many bytes the bucket holds at most, at least 1. After a pause, the
    /// sockets may move that many bytes at once. The default is a tenth of the rate.
    pub fn set_burst(&self, bytes: u64) {
        self.0.burst.set(clamp(bytes));
        self.0.fill();
        self.0.arm_again();
    }

    /// Returns how many sockets wait for bytes. A socket that waits in both directions counts
    /// twice.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.waiting.borrow().len()
    }

    pub(super) fn is(&self, other: &RateLimit) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Takes up to `want` bytes. Returns their number, 0 if the caller has to wait.
    pub(super) fn take(&self, want: usize) -> usize {
        let bucket = &self.0;
        bucket.fill();
        let level = bucket.level.get();
        let enough = bucket.portion().min(want as u64) as i64;
        if !bucket.waiting.borrow().is_empty() || level < enough {
            return 0;
        }
        let taken = level.min(i64::try_from(want).unwrap_or(i64::MAX));
        bucket.level.set(level - taken);
        taken as usize
    }

    /// Returns bytes that were taken and not moved.
    pub(super) fn give_back(&self, count: usize) {
        let level = self.0.level.get().saturating_add(count as i64);
        self.0.level.set(level.min(self.0.burst.get() as i64));
        if self.0.timer.get().is_some() && level >= self.0.portion() as i64 {
            self.0.arm_again();
        }
    }

    /// Takes bytes that were moved without asking.
    pub(super) fn charge(&self, count: usize) {
        self.0.fill();
        self.0.level.set(self.0.level.get().saturating_sub(count as i64));
    }

    /// Makes a socket wait for its share.
    pub(super) fn wait(&self, node: Weak<AbstractSocketNode>, direction: Direction) {
        self.0.waiting.borrow_mut().push_back((node, direction));
        self.0.arm();
    }
}

/// A number of bytes in the range that the bucket can calculate with.
fn clamp(bytes: u64) -> u64 {
    bytes.clamp(1, i64::MAX as u64 / 4)
}

impl Bucket {
    /// Adds the bytes for the time that has passed.
    fn fill(&self) {
        let now = u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let passed = now.saturating_sub(self.filled_at.get());
        let rate = u128::from(self.rate.get());
        let new = u128::from(passed) * rate / 1_000_000_000;
        let level = i128::from(self.level.get()) + new as i128;
        let burst = self.burst.get() as i64;
        if level >= i128::from(burst) {
            self.level.set(burst);
            self.filled_at.set(now);
        } else if new > 0 {
            self.level.set(level as i64);
            // The rest of a byte counts the next time.
            let used = new * 1_000_000_000 / rate;
            self.filled_at.set(self.filled_at.get() + used as u64);
        }
    }

    /// Returns how many bytes are worth a system call.
    fn portion(&self) -> u64 {
        (self.rate.get() / PORTIONS).max(1).min(self.burst.get())
    }

    /// Starts the timer, if it does not run.
    fn arm(&self) {
        if self.timer.get().is_some() {
            return;
        }
        let missing = i128::from(self.portion()) - i128::from(self.level.get());
        let nanos = missing.max(0) * 1_000_000_000 / i128::from(self.rate.get());
        let interval = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX) + 1);
        let this = self.this.clone();
        let due = move || {
            if let Some(this) = this.upgrade() {
                this.timer.set(None);
                this.serve();
            }
        };
        self.timer.set(Some(self.dispatcher.call_after(interval, TimerType::Precise, due)));
    }

    /// Starts a running timer again, because those that wait may get bytes earlier or later now.
    fn arm_again(&self) {
        if let Some(timer) = self.timer.take() {
            self.dispatcher.stop_timer(timer);
            self.arm();
        }
    }

    /// Gives each socket that waits its share, as far as there are bytes.
    fn serve(&self) {
        self.fill();
        let count = self.waiting.borrow().len();
        let portion = self.portion() as i64;
        if count > 0 && self.level.get() >= portion {
            // Shares that are too small would cost a system call for a few bytes.
            let least = 1024.min(portion);
            let share = (self.level.get() / count as i64).max(least);
            for _ in 0..count {
                let level = self.level.get();
                if level < least {
                    break;
                }
                let Some((node, direction)) = self.waiting.borrow_mut().pop_front() else { break };
                let Some(node) = node.upgrade() else { continue };
                let granted = share.min(level);
                self.level.set(level - granted);
                let limit = RateLimit(self.this.upgrade().expect("it is being used"));
                node.on_granted(&limit, direction, granted as usize);
            }
        }
        if !self.waiting.borrow().is_empty() {
            self.arm();
        }
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("rate", &self.rate())
            .field("burst", &self.burst())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}
