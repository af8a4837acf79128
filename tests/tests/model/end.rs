//! [`End`]: one end of a connection, and what a program does with it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use qcore::{QIODevice, QPointer, QTimer, io_device::WhenFull, run_for};
use qnetwork::{Heartbeat, SocketState, TimeoutKind, simulation};

use super::{
    conn::Conn,
    dice::Dice,
    driver::until,
    order::{Event, Order},
    run::{Run, pattern},
};

/// How long both ends together may take to end well, in virtual time: longer than TCP waits for an
/// answer.
const LIMIT: Duration = Duration::from_secs(5000);

/// What a program does with its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Act {
    Write(usize),
    Read(usize),
    ReadAll,
    ReadLine,
    Peek(usize),
    Skip(usize),
    /// Reads in a transaction. Waits so long in its middle; then commits it, or rolls it back.
    Transaction(usize, i32, bool),
    Flush,
    WaitForReadyRead(i32),
    WaitForBytesWritten(i32),
    WaitForDisconnected(i32),
    /// Runs a loop of its own.
    RunLoop(i32),
    /// Does not let the loop run.
    Block(i32),
    /// Whether the slot of `ready_read` reads.
    Attend(bool),
    LimitBuffer(usize),
    Pause,
    Resume,
    /// Limits of bytes a second, for reading and for writing.
    Rates(Option<u64>, Option<u64>),
    /// The marks of the write flow, and whether a full device refuses.
    Marks(usize, usize, bool),
    LevelTriggered(bool),
    Timeout(TimeoutKind, i32),
    /// A heartbeat with this interval and this timeout.
    Heartbeat(i32, i32),
    HandOver,
    Disconnect,
    DisconnectWithin(i32),
    Abort,
    Close,
    DeleteLater,
    Drop,
}

/// When a program does something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum When {
    Now,
    /// In a slot of this signal, when it is next emitted.
    ReadyRead,
    BytesWritten,
    State,
    Error,
    AboutToClose,
    ChannelFinished,
    Disconnected,
    Closed,
    /// After some milliseconds.
    Later(i32),
}

impl When {
    fn is(self, event: &Event) -> bool {
        matches!(
            (self, event),
            (When::ReadyRead, Event::ReadyRead)
                | (When::BytesWritten, Event::BytesWritten(_))
                | (When::State, Event::State(_))
                | (When::Error, Event::Error)
                | (When::AboutToClose, Event::AboutToClose)
                | (When::ChannelFinished, Event::ChannelFinished)
                | (When::Disconnected, Event::Disconnected)
                | (When::Closed, Event::Closed(_))
        )
    }

    pub(crate) fn random(dice: &mut Dice) -> Self {
        match dice.below(18) {
            0 | 1 => When::ReadyRead,
            2 => When::BytesWritten,
            3 => When::State,
            4 => When::Error,
            5 => When::AboutToClose,
            6 => When::ChannelFinished,
            7 => When::Disconnected,
            8 => When::Closed,
            9 | 10 => When::Later(dice.millis(300)),
            _ => When::Now,
        }
    }
}

impl Act {
    pub(crate) fn random(dice: &mut Dice) -> Self {
        let rate = |dice: &mut Dice| dice.one_in(2).then(|| 1_000 + dice.below(1_000_000));
        match dice.below(80) {
            0..26 => Act::Write(dice.size()),
            26..30 => Act::Read(dice.size()),
            30..32 => Act::ReadAll,
            32 => Act::ReadLine,
            33 => Act::Peek(dice.size()),
            34 => Act::Skip(dice.size()),
            35..37 => Act::Transaction(dice.size(), dice.millis(20), dice.one_in(2)),
            37..39 => Act::Flush,
            39..42 => Act::WaitForReadyRead(dice.millis(50)),
            42..45 => Act::WaitForBytesWritten(dice.millis(50)),
            45 => Act::WaitForDisconnected(dice.millis(50)),
            46..50 => Act::RunLoop(dice.millis(20)),
            50..53 => Act::Block(dice.millis(100)),
            53..56 => Act::Attend(dice.one_in(2)),
            56..58 => Act::LimitBuffer(dice.size()),
            58 => Act::LimitBuffer(0),
            59 => Act::Pause,
            60..62 => Act::Resume,
            62..64 => Act::Rates(rate(dice), rate(dice)),
            64..66 => {
                let high = 1 + dice.size();
                Act::Marks(dice.count(high), high, dice.one_in(2))
            }
            66 => Act::LevelTriggered(dice.one_in(2)),
            67 if dice.one_in(3) => {
                let kinds = [
                    TimeoutKind::IdleRead,
                    TimeoutKind::IdleWrite,
                    TimeoutKind::Lifetime,
                    TimeoutKind::Close,
                ];
                Act::Timeout(dice.pick(&kinds), 1 + dice.millis(500))
            }
            68..70 => Act::HandOver,
            70..72 if dice.one_in(3) => Act::Disconnect,
            72 if dice.one_in(3) => Act::DisconnectWithin(dice.millis(100)),
            73 if dice.one_in(6) => Act::Abort,
            74 if dice.one_in(6) => Act::Close,
            75 if dice.one_in(6) => Act::DeleteLater,
            76 if dice.one_in(6) => Act::Drop,
            77 if dice.one_in(2) => {
                let most = [dice.pick(&[5, 50, 500]), dice.pick(&[5, 100, 1000, 100_000])];
                let [interval, timeout] = most.map(|most| 1 + dice.millis(most));
                Act::Heartbeat(interval, timeout)
            }
            _ => Act::RunLoop(dice.millis(5)),
        }
    }
}

/// One end of a connection, in the program that has its socket.
pub(crate) struct End {
    run: Arc<Run>,
    side: usize,
    conn: RefCell<Option<Conn>>,
    order: RefCell<Option<Rc<Order>>>,
    /// All sockets of this end.
    sockets: RefCell<Vec<QPointer<QIODevice>>>,
    taps: bool,
    attends: Cell<bool>,
    /// What the program does in slots.
    armed: RefCell<Vec<(When, Act)>>,
    /// How deep acts are nested.
    depth: Cell<u32>,
    is_stopped: Cell<bool>,
}

impl End {
    /// Watches a socket, which may be connected already.
    pub(crate) fn new(run: &Arc<Run>, side: usize, conn: Conn, taps: bool) -> Rc<Self> {
        let this = Rc::new(End {
            run: run.clone(),
            side,
            conn: RefCell::default(),
            order: RefCell::default(),
            sockets: RefCell::default(),
            taps,
            attends: Cell::new(true),
            armed: RefCell::default(),
            depth: Cell::new(0),
            is_stopped: Cell::new(false),
        });
        this.watch(conn);
        this
    }

    fn watch(self: &Rc<Self>, conn: Conn) {
        // The end has the order, so the order refers to the end weakly.
        let weak = Rc::downgrade(self);
        let class = conn.class();
        let order = Rc::new(Order::new(self.run.clone(), self.side, class, move |event| {
            if let Some(this) = weak.upgrade() {
                this.on(event);
            }
        }));
        order.begin(conn.state());
        conn.tell(&order, self.taps);
        self.sockets.borrow_mut().push(conn.pointer());
        self.order.replace(Some(order));
        let before = self.conn.replace(Some(conn));
        drop(before);
    }

    pub(crate) fn conn(&self) -> Option<Conn> {
        self.conn.borrow().clone()
    }

    pub(crate) fn state(&self) -> SocketState {
        self.conn().map_or(SocketState::Unconnected, |conn| conn.state())
    }

    fn on(self: &Rc<Self>, event: &Event) {
        let due: Vec<Act> = {
            let mut armed = self.armed.borrow_mut();
            let (due, left) = armed.drain(..).partition(|(when, _)| when.is(event));
            let (due, left): (Vec<(When, Act)>, _) = (due, left);
            *armed = left;
            due.into_iter().map(|(_, act)| act).collect()
        };
        for act in due {
            self.act(act);
        }
        if *event == Event::ReadyRead && self.attends.get() {
            self.act(Act::ReadAll);
        }
    }

    /// Does something now, or when its time comes.
    pub(crate) fn plan(self: &Rc<Self>, when: When, act: Act) {
        match when {
            When::Now => self.act(act),
            When::Later(millis) => {
                let weak = Rc::downgrade(self);
                QTimer::single_shot(millis, move || {
                    if let Some(this) = weak.upgrade().filter(|this| !this.is_stopped.get()) {
                        this.act(act);
                    }
                });
            }
            _ => self.armed.borrow_mut().push((when, act)),
        }
    }

    fn flag(&self, flag: impl Fn(&super::run::EndState) -> &AtomicBool) {
        flag(&self.run.ends[self.side]).store(true, Relaxed);
    }

    fn receive(&self, data: &[u8]) {
        self.run.receive(self.side, data);
    }

    fn act(self: &Rc<Self>, act: Act) {
        let Some(conn) = self.conn() else { return };
        let depth = self.depth.get();
        let waits = matches!(
            act,
            Act::WaitForReadyRead(_)
                | Act::WaitForBytesWritten(_)
                | Act::WaitForDisconnected(_)
                | Act::RunLoop(_)
                | Act::Transaction(..)
        );
        // Waits within waits within waits are enough.
        if waits && depth >= 3 {
            return;
        }
        self.depth.set(depth + 1);
        self.do_act(act, conn);
        self.depth.set(depth);
    }

    fn do_act(self: &Rc<Self>, act: Act, conn: Conn) {
        let device = conn.device();
        match act {
            Act::Write(size) => self.write(&conn, size),
            Act::Read(size) => self.receive(&device.read(size)),
            Act::ReadAll => self.receive(&device.read_all()),
            Act::ReadLine => {
                // Nothing can be in the way of a whole line.
                let can = device.can_read_line();
                let line = device.read_line();
                if can && line.last() != Some(&b'\n') {
                    self.run.fail(format!("end {}: a line without an end", self.side));
                }
                self.receive(&line);
            }
            Act::Peek(size) => {
                let at = self.run.ends[self.side].received.load(Relaxed);
                self.run.compare(self.side, at, &device.peek(size));
            }
            Act::Skip(size) => {
                let skipped = device.skip(size).unwrap_or(0) as u64;
                self.run.ends[self.side].received.fetch_add(skipped, Relaxed);
            }
            Act::Transaction(size, millis, commits) => {
                self.transaction(&conn, size, millis, commits);
            }
            Act::Flush => drop(conn.flush()),
            Act::WaitForReadyRead(millis) => drop(conn.wait_for_ready_read(millis)),
            Act::WaitForBytesWritten(millis) => drop(conn.wait_for_bytes_written(millis)),
            Act::WaitForDisconnected(millis) => {
                if conn.wait_for_disconnected(millis) && conn.state() != SocketState::Unconnected {
                    self.run.fail(format!("end {}: still connected after a wait", self.side));
                }
            }
            Act::RunLoop(millis) => run_for(millis),
            Act::Block(millis) => simulation::sleep(Duration::from_millis(millis as u64)),
            Act::Attend(attends) => {
                self.attends.set(attends);
                if attends {
                    self.receive(&device.read_all());
                }
            }
            Act::LimitBuffer(size) => conn.set_read_buffer_size(size),
            Act::Pause => conn.pause(),
            Act::Resume => conn.resume(),
            Act::Rates(read, write) => conn.set_rates(read, write),
            Act::Marks(low, high, refuses) => {
                let flow = device.write_flow();
                flow.set_marks(low, high);
                flow.set_when_full(if refuses { WhenFull::Refuse } else { WhenFull::Buffer });
            }
            Act::LevelTriggered(enabled) => {
                if let Some(order) = &*self.order.borrow() {
                    // What is posted already comes once more.
                    order.is_level_triggered.set(true);
                }
                device.set_level_triggered(enabled);
            }
            Act::Timeout(kind, millis) => {
                self.flag(|end| &end.may_time_out);
                conn.set_timeout(kind, millis);
            }
            Act::Heartbeat(interval, timeout) => self.heartbeat(&conn, interval, timeout),
            Act::HandOver => self.hand_over(&conn),
            Act::Disconnect => {
                self.flag(|end| &end.disconnects);
                conn.disconnect();
            }
            Act::DisconnectWithin(millis) => {
                self.flag(|end| &end.disconnects);
                self.flag(|end| &end.may_time_out);
                conn.disconnect_within(millis);
            }
            Act::Abort => {
                self.flag(|end| &end.discards);
                conn.abort();
            }
            Act::Close => {
                // It sends what was written, and drops what was received.
                self.flag(|end| &end.discards);
                device.close();
            }
            Act::DeleteLater => {
                self.flag(|end| &end.discards);
                device.delete_later();
            }
            Act::Drop => {
                self.flag(|end| &end.discards);
                let last = self.conn.take();
                drop(last);
            }
        }
    }

    fn write(&self, conn: &Conn, size: usize) {
        let end = &self.run.ends[self.side];
        let at = end.written.load(Relaxed);
        let data = pattern(self.side, at, size);
        end.offered.store(at + size as u64, Relaxed);
        let is_dead = conn.device().is_deleted();
        let taken = match conn.write(&data) {
            Ok(taken) => taken as u64,
            Err(_) => 0,
        };
        let (side, state) = (self.side, conn.state());
        if is_dead && taken > 0 {
            self.run.fail(format!("end {side}: a dead socket has taken {taken} bytes"));
        }
        if taken != size as u64 && taken != 0 {
            self.run.fail(format!("end {side} in {state:?}: took {taken} of {size} bytes"));
        }
        end.written.store(at + taken, Relaxed);
        // A socket that encrypts has said goodbye already.
        if !end.disconnects.load(Relaxed) {
            end.promised.store(at + taken, Relaxed);
        }
        end.offered.store(at + taken, Relaxed);
    }

    fn transaction(self: &Rc<Self>, conn: &Conn, size: usize, millis: i32, commits: bool) {
        let device = conn.device();
        if device.is_transaction_started() || !device.is_open() {
            return;
        }
        let received = &self.run.ends[self.side].received;
        let begin = received.load(Relaxed);
        device.start_transaction();
        self.receive(&device.read(size));
        conn.wait_for_ready_read(millis);
        self.receive(&device.read(size / 2));
        // A slot may have ended the connection, or the transaction.
        if !device.is_transaction_started() {
            return;
        }
        if commits {
            device.commit_transaction();
        } else {
            device.rollback_transaction();
            received.store(begin, Relaxed);
        }
    }

    /// Watches the other end with a heartbeat, whose pings are ordinary bytes of the stream.
    fn heartbeat(self: &Rc<Self>, conn: &Conn, interval: i32, timeout: i32) {
        let Conn::Inet(socket) = conn else { return };
        self.flag(|end| &end.may_time_out);
        let heartbeat = Heartbeat::new(socket);
        heartbeat.set_interval(interval);
        heartbeat.set_timeout(timeout);
        let (weak, side) = (Rc::downgrade(self), self.side);
        let now = || simulation::now().unwrap_or_default();
        let [heard, asked] = [(); 2].map(|()| Rc::new(Cell::new(now())));
        let hears = heard.clone();
        socket.ready_read.connect_to(&heartbeat, move |_, ()| hears.set(now()));
        let (last, asks) = (heard.clone(), asked.clone());
        heartbeat.ping.connect(move |()| {
            let Some(this) = weak.upgrade() else { return };
            if now() < last.get() + Duration::from_millis(interval as u64) {
                this.run.fail(format!("end {side}: a ping too early"));
            }
            asks.set(now());
            this.act(Act::Write(1));
        });
        let weak = Rc::downgrade(self);
        heartbeat.unanswered.connect(move |()| {
            let Some(this) = weak.upgrade() else { return };
            let ends = asked.get() + Duration::from_millis(timeout as u64);
            if heard.get() > asked.get() || now() < ends {
                this.run.fail(format!("end {side}: the other end has answered"));
            }
        });
    }

    /// Another socket of this program continues the connection.
    fn hand_over(self: &Rc<Self>, conn: &Conn) {
        if conn.device().is_transaction_started() {
            return;
        }
        let order = self.order.borrow().clone();
        let Some(order) = order else { return };
        order.set_handed_over(true);
        // A handle of a dead socket does not know its class any more.
        let next = conn.fresh();
        let Some(connection) = conn.detach() else { return order.set_handed_over(false) };
        // A slot may have dropped the socket.
        if self.conn.borrow().is_none() {
            self.flag(|end| &end.discards);
            self.run.ends[self.side].closings.fetch_add(1, Relaxed);
            return;
        }
        self.watch(next.clone());
        if let Err(error) = next.attach(connection) {
            self.run.fail(format!("end {}: {error}", self.side));
        }
    }

    // ---- the end

    /// Makes no more steps, and reads everything.
    pub(crate) fn stop(self: &Rc<Self>) {
        self.is_stopped.set(true);
        drop(self.armed.take());
        self.flag(|end| &end.is_done);
        self.reset_limits();
    }

    /// Both ends read everything and close well, unless they have ended already.
    pub(crate) fn finish(self: &Rc<Self>, leads: bool) {
        self.stop();
        let (run, side) = (self.run.clone(), self.side);
        let has_ended = || self.state() == SocketState::Unconnected;
        if !until(LIMIT, || has_ended() || run.both(|end| &end.is_done)) {
            run.fail(format!("end {side} waits for the other one in vain"));
        }
        let other = &run.ends[1 - side];
        let whole = |end: &super::run::EndState, other: &super::run::EndState| {
            end.received.load(Relaxed) == other.written.load(Relaxed)
        };
        let arrived = until(LIMIT, || {
            has_ended()
                || other.reason().is_some()
                || (whole(&run.ends[side], other) && whole(other, &run.ends[side]))
                || self.state() == SocketState::Closing
        });
        if !arrived {
            self.report("the data does not arrive");
        }
        if leads || !until(LIMIT, has_ended) {
            self.act(Act::Disconnect);
        }
        if !until(LIMIT, has_ended) {
            self.report("the connection does not end");
        }
        self.leave();
        self.flag(|end| &end.is_over);
    }

    fn reset_limits(self: &Rc<Self>) {
        let Some(conn) = self.conn() else { return };
        self.attends.set(true);
        let device = conn.device();
        if device.is_transaction_started() {
            device.commit_transaction();
        }
        device.set_level_triggered(false);
        conn.set_read_buffer_size(0);
        conn.set_rates(None, None);
        // Pings without end would always be on their way.
        for heartbeat in device.find_children::<Heartbeat>(None) {
            heartbeat.delete_later();
        }
        conn.resume();
        self.act(Act::ReadAll);
    }

    fn report(&self, problem: &str) {
        let ends = [0, 1].map(|side| {
            let end = &self.run.ends[side];
            let [written, received] = [&end.written, &end.received].map(|it| it.load(Relaxed));
            format!("end {side} has written {written}, received {received}, {:?}", end.reason())
        });
        let conn = self.conn();
        let buffers =
            conn.map(|conn| (conn.device().unsent_bytes(), conn.device().bytes_available()));
        let (side, state) = (self.side, self.state());
        self.run.fail(format!("end {side} in {state:?}: {problem}; {buffers:?}; {ends:?}"));
    }

    /// Reads the rest and drops everything. Nothing may be alive afterwards.
    fn leave(self: &Rc<Self>) {
        self.act(Act::ReadAll);
        let last = self.conn.take();
        drop(last);
        self.order.take();
        // What was posted holds objects for one more turn.
        run_for(1);
        let alive = self.sockets.borrow().iter().filter(|socket| !socket.is_null()).count();
        if alive > 0 {
            self.run.fail(format!("end {}: {alive} sockets are alive", self.side));
        }
    }
}
