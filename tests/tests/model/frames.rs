//! Two programs that exchange messages with [`Framed`]. They change the codec while they talk.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::{Rc, Weak},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use integration::local::Dir;
use qcore::{
    QIODevice,
    framing::{
        Codec, Decoded, Delimited, FrameError, Framed, LengthPrefix, Lines, Netstrings, PrefixSize,
    },
    run_for, spawn_local,
};
use qnetwork::{SocketState, simulation::Network};

use super::{
    conn::Conn,
    dice::Dice,
    driver::{Program, check, until, without},
    net::{Mischief, Wire},
    streams::{LIMIT, Listener, Scene, Transport, expect_closed},
};

/// How messages look in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Lines,
    Delimited,
    Prefix2,
    Prefix4,
    Netstrings,
}

const FORMATS: [Format; 5] =
    [Format::Lines, Format::Delimited, Format::Prefix2, Format::Prefix4, Format::Netstrings];

/// A codec whose two directions may have different formats.
struct Both {
    decode: Any,
    encode: Any,
}

impl Both {
    fn new(decode: Format, encode: Format) -> Self {
        Both { decode: Any::new(decode), encode: Any::new(encode) }
    }
}

enum Any {
    Lines(Lines),
    Delimited(Delimited),
    Prefix(LengthPrefix),
    Netstrings(Netstrings),
}

impl Any {
    fn new(format: Format) -> Self {
        match format {
            Format::Lines => Any::Lines(Lines::new()),
            Format::Delimited => Any::Delimited(Delimited::new("<end>")),
            Format::Prefix2 => Any::Prefix(LengthPrefix::new(PrefixSize::U16)),
            Format::Prefix4 => Any::Prefix(LengthPrefix::new(PrefixSize::U32)),
            Format::Netstrings => Any::Netstrings(Netstrings::new()),
        }
    }
}

impl Codec for Both {
    type Message = Vec<u8>;
    type Sent = [u8];

    fn decode(&mut self, bytes: &[u8]) -> Result<Decoded<Vec<u8>>, FrameError> {
        match &mut self.decode {
            Any::Lines(codec) => Ok(match codec.decode(bytes)? {
                Decoded::Message(line, size) => Decoded::Message(line.into_bytes(), size),
                Decoded::Skip(size) => Decoded::Skip(size),
                Decoded::Need(size) => Decoded::Need(size),
            }),
            Any::Delimited(codec) => codec.decode(bytes),
            Any::Prefix(codec) => codec.decode(bytes),
            Any::Netstrings(codec) => codec.decode(bytes),
        }
    }

    fn encode(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
        match &mut self.encode {
            Any::Lines(codec) => codec.encode(str::from_utf8(message).unwrap(), out),
            Any::Delimited(codec) => codec.encode(message, out),
            Any::Prefix(codec) => codec.encode(message, out),
            Any::Netstrings(codec) => codec.encode(message, out),
        }
    }

    fn reset(&mut self) {
        match &mut self.decode {
            Any::Lines(codec) => codec.reset(),
            Any::Delimited(codec) => codec.reset(),
            Any::Prefix(codec) => codec.reset(),
            Any::Netstrings(codec) => codec.reset(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Send(usize),
    /// Encodes first, and sends what was encoded.
    SendEncoded(usize),
    /// The messages behind this one have another format.
    Switch(Format),
    Pause,
    Resume,
    /// The slot of the next message pauses, and resumes later.
    PauseInSlot,
    /// Another `Framed` goes on with the device.
    Anew,
    /// A task takes the next messages from a stream.
    Take(usize),
    RunLoop(i32),
    Limit(usize),
    Disconnect,
    Abort,
}

impl Step {
    fn random(dice: &mut Dice) -> Self {
        match dice.below(30) {
            0..12 => Step::Send(dice.size().min(60_000)),
            12..14 => Step::SendEncoded(dice.size().min(60_000)),
            14..18 => Step::Switch(dice.pick(&FORMATS)),
            18 => Step::Pause,
            19 => Step::Resume,
            20 | 21 => Step::PauseInSlot,
            22 | 23 => Step::Anew,
            24 => Step::Limit(100_000 + dice.size()),
            25 if dice.one_in(4) => Step::Disconnect,
            26 if dice.one_in(8) => Step::Abort,
            27 => Step::Take(1 + dice.count(5)),
            _ => Step::RunLoop(dice.millis(20)),
        }
    }
}

/// What both programs know.
#[derive(Default)]
struct Talk {
    sides: [Side; 2],
    /// Whether an end has cut the connection, or ended it before everything has arrived.
    is_cut: AtomicBool,
    violations: Mutex<Vec<String>>,
}

#[derive(Default)]
struct Side {
    sent: Mutex<Vec<(Vec<u8>, Option<Format>)>>,
    received: AtomicUsize,
    is_done: AtomicBool,
    is_over: AtomicBool,
}

impl Talk {
    fn fail(&self, text: String) {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    fn sent(&self, side: usize) -> usize {
        self.sides[side].sent.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn has_all(&self, side: usize) -> bool {
        self.sides[side].received.load(Relaxed) == self.sent(1 - side)
    }
}

/// A message: text without a line break or a delimiter.
fn message(side: usize, number: usize, size: usize) -> Vec<u8> {
    let mut text = format!("{side} {number} ").into_bytes();
    text.extend((0..size).map(|at| b'a' + ((at + number) % 26) as u8));
    text
}

struct End {
    this: Weak<End>,
    talk: Arc<Talk>,
    side: usize,
    conn: Conn,
    framed: RefCell<Framed<QIODevice, Both>>,
    formats: Cell<[Format; 2]>,
    pauses: Cell<bool>,
    /// Whether a task takes messages.
    takes: Cell<bool>,
}

impl End {
    fn new(talk: &Arc<Talk>, side: usize, conn: Conn) -> Rc<Self> {
        let formats = [Format::Lines; 2];
        let framed = Framed::new(conn.device(), Both::new(formats[0], formats[1]));
        let this = Rc::new_cyclic(|this| End {
            this: this.clone(),
            talk: talk.clone(),
            side,
            conn,
            framed: RefCell::new(framed),
            formats: Cell::new(formats),
            pauses: Cell::new(false),
            takes: Cell::new(false),
        });
        this.watch();
        this
    }

    fn watch(self: &Rc<Self>) {
        let framed = self.framed();
        framed.message.connect_to(self, |this, message| this.on_message(message));
        framed.error.connect_to(self, |this, error| {
            if !this.talk.is_cut.load(Relaxed) {
                this.talk.fail(format!("end {}: {error}", this.side));
            }
        });
    }

    fn framed(&self) -> Framed<QIODevice, Both> {
        self.framed.borrow().clone()
    }

    fn codec(&self) -> Both {
        let [decode, encode] = self.formats.get();
        Both::new(decode, encode)
    }

    fn on_message(&self, message: &[u8]) {
        let own = &self.talk.sides[self.side];
        let number = own.received.fetch_add(1, Relaxed);
        let other = &self.talk.sides[1 - self.side];
        let wanted = other.sent.lock().unwrap_or_else(PoisonError::into_inner).get(number).cloned();
        let Some((wanted, switch)) = wanted else {
            return self.talk.fail(format!("end {}: a message too many", self.side));
        };
        if wanted != message {
            let size = message.len();
            self.talk.fail(format!("end {}: message {number} of {size} bytes", self.side));
        }
        if let Some(format) = switch {
            self.formats.set([format, self.formats.get()[1]]);
            self.framed().set_codec(self.codec());
        }
        if self.pauses.take() {
            let framed = self.framed();
            framed.pause();
            let weak = self.this.clone();
            qcore::QTimer::single_shot(3, move || {
                if let Some(this) = weak.upgrade() {
                    this.framed().resume();
                }
            });
        }
    }

    fn step(self: &Rc<Self>, step: Step) {
        match step {
            Step::Send(size) => self.send(size, None, false),
            Step::SendEncoded(size) => self.send(size, None, true),
            Step::Switch(format) => {
                self.send(0, Some(format), false);
                self.formats.set([self.formats.get()[0], format]);
                self.framed().set_codec(self.codec());
            }
            Step::Pause => self.framed().pause(),
            Step::Resume => self.framed().resume(),
            Step::PauseInSlot => self.pauses.set(true),
            Step::Anew => {
                let device = self.framed().detach();
                let next = Framed::new(&device, self.codec());
                let before = self.framed.replace(next);
                drop(before);
                self.watch();
            }
            Step::Take(count) => self.take(count),
            Step::RunLoop(millis) => run_for(millis),
            // A message that does not fit is an error.
            Step::Limit(size) => self.conn.set_read_buffer_size(size),
            Step::Disconnect => {
                self.talk.is_cut.store(true, Relaxed);
                self.conn.disconnect();
            }
            Step::Abort => {
                self.talk.is_cut.store(true, Relaxed);
                self.conn.abort();
            }
        }
    }

    fn take(&self, count: usize) {
        if self.takes.replace(true) {
            return;
        }
        let (weak, mut stream) = (self.this.clone(), self.framed().stream());
        spawn_local(async move {
            for _ in 0..count {
                let next = stream.next().await;
                let Some(this) = weak.upgrade() else { return };
                match next {
                    Some(Ok(message)) => this.on_message(&message),
                    Some(Err(error)) if !this.talk.is_cut.load(Relaxed) => {
                        this.talk.fail(format!("end {}: a task: {error}", this.side));
                        break;
                    }
                    _ => break,
                }
            }
            drop(stream);
            if let Some(this) = weak.upgrade() {
                this.takes.set(false);
            }
        });
    }

    fn send(&self, size: usize, switch: Option<Format>, encodes: bool) {
        let own = &self.talk.sides[self.side];
        let number = self.talk.sent(self.side);
        let message = message(self.side, number, size);
        // A slot of the other end may run before this call returns.
        own.sent.lock().unwrap_or_else(PoisonError::into_inner).push((message.clone(), switch));
        let framed = self.framed();
        let sent = if encodes {
            framed.encode(&message).and_then(|chunk| framed.send_encoded(chunk))
        } else {
            framed.send(&message)
        };
        if let Err(error) = sent {
            own.sent.lock().unwrap_or_else(PoisonError::into_inner).pop();
            if self.conn.state() == SocketState::Connected && self.conn.device().is_open() {
                self.talk.fail(format!("end {}: {error}", self.side));
            }
        }
    }

    fn stop(&self) {
        self.pauses.set(false);
        self.framed().resume();
        self.conn.set_read_buffer_size(0);
        self.talk.sides[self.side].is_done.store(true, Relaxed);
    }

    fn finish(&self, leads: bool) {
        let (talk, side) = (&self.talk, self.side);
        let ended = || self.conn.state() == SocketState::Unconnected;
        let ready = || talk.sides.iter().all(|side| side.is_done.load(Relaxed));
        until(LIMIT, || ended() || ready());
        let arrived = until(LIMIT, || ended() || (talk.has_all(0) && talk.has_all(1)));
        if !arrived && !talk.is_cut.load(Relaxed) {
            let [a, b] = [0, 1].map(|side| talk.sides[side].received.load(Relaxed));
            let [c, d] = [0, 1].map(|side| talk.sent(side));
            talk.fail(format!("end {side}: received {a} of {d} and {b} of {c} messages"));
        }
        if leads || !until(LIMIT, ended) {
            self.conn.disconnect();
        }
        if !until(LIMIT, ended) {
            talk.fail(format!("end {side} does not end"));
        }
        // The slots refer to this end weakly, the handle to the device strongly.
        talk.sides[side].is_over.store(true, Relaxed);
    }
}

/// Two programs and their messages.
#[derive(Clone)]
pub(crate) struct Messages {
    transport: Transport,
    apart: bool,
    wire: Wire,
    mischief: [Mischief; 2],
    steps: Vec<(usize, Step)>,
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages")
            .field("transport", &self.transport)
            .field("apart", &self.apart)
            .field("wire", &self.wire)
            .field("mischief", &self.mischief)
            .field("steps", &self.steps)
            .finish()
    }
}

impl Messages {
    fn serve(&self, listener: &Listener, talk: &Arc<Talk>) -> Option<Rc<End>> {
        let mut conn = None;
        until(LIMIT, || {
            conn = listener.next();
            conn.is_some() || talk.sides[0].is_over.load(Relaxed)
        });
        conn.map(|conn| End::new(talk, 1, conn))
    }
}

impl Program for Messages {
    const TEST: &'static str = "model::frames::messages";

    fn random(dice: &mut Dice) -> Self {
        let transports =
            [Transport::Tcp, Transport::Local, Transport::Ssl, Transport::Http, Transport::Tcp];
        let calm = |dice: &mut Dice| Mischief { no_buffers: 0.0, ..Mischief::random(dice) };
        let steps = 1 + dice.count(40);
        Messages {
            transport: dice.pick(&transports),
            apart: dice.one_in(2),
            wire: Wire::random(dice),
            mischief: [calm(dice), calm(dice)],
            steps: (0..steps).map(|_| (dice.count(2), Step::random(dice))).collect(),
        }
    }

    fn run(&self, net: &Network) {
        let dir = Dir::new();
        let (scene, hosts) = Scene::new(net, self.transport, self.apart, &dir);
        let talk = Arc::<Talk>::default();
        net.set_default_link(self.wire.link());
        if self.apart {
            let (this, scene, talk) = (self.clone(), scene.clone(), talk.clone());
            hosts[0].start(move || {
                let listener = scene.listen();
                if let Some(end) = this.serve(&listener, &talk) {
                    for (_, step) in this.steps.iter().filter(|(side, _)| *side == 1) {
                        end.step(*step);
                    }
                    end.stop();
                    end.finish(false);
                }
                talk.sides[1].is_over.store(true, Relaxed);
            });
            // The server listens before calls fail.
            qnetwork::simulation::sleep(Duration::from_millis(1));
            hosts[1].set_faults(self.mischief[1].faults());
        }
        let listener = (!self.apart).then(|| scene.listen());
        net.main().set_faults(self.mischief[0].faults());
        let conn = scene.client();
        let client = End::new(&talk, 0, conn.clone());
        scene.connect(&conn);
        until(LIMIT, || conn.is_ready() || conn.state() == SocketState::Unconnected);
        let failed = !conn.is_ready();
        if failed {
            talk.sides[0].is_over.store(true, Relaxed);
            talk.is_cut.store(true, Relaxed);
        }
        let server = listener.as_ref().and_then(|listener| self.serve(listener, &talk));
        for (side, step) in &self.steps {
            match (side, &server) {
                (0, _) => client.step(*step),
                (_, Some(server)) => server.step(*step),
                _ => {}
            }
        }
        client.stop();
        if let Some(server) = &server {
            server.stop();
        }
        client.finish(true);
        if let Some(server) = &server {
            server.finish(false);
        }
        let over = until(4 * LIMIT, || !self.apart || talk.sides[1].is_over.load(Relaxed));
        assert!(over, "the server does not end");
        drop((client, conn, server, listener));
        run_for(1);
        expect_closed(net, &hosts);
        let violations = talk.violations.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(violations.is_empty(), "{}", violations.join("\n"));
        drop(violations);
        let whole = talk.has_all(0) && talk.has_all(1);
        assert!(whole || talk.is_cut.load(Relaxed), "messages are missing");
    }

    fn smaller(&self) -> Vec<Self> {
        let mut all: Vec<Self> = without(&self.steps)
            .into_iter()
            .map(|steps| Messages { steps, ..self.clone() })
            .collect();
        all.push(Messages { wire: Wire::default(), ..self.clone() });
        let calm = Mischief::default();
        all.push(Messages { mischief: [calm, self.mischief[1]], ..self.clone() });
        all.push(Messages { mischief: [self.mischief[0], calm], ..self.clone() });
        all
    }
}

#[test]
fn messages() {
    check::<Messages>();
}
