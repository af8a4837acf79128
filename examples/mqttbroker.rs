//! A broker for MQTT 3.1.1. Try it with `mosquitto_sub -p 1883 -t 'news/#'` and
//! `mosquitto_pub -p 1883 -t news/today -m hello`. It has retained messages, wills and persistent
//! sessions. It takes messages with QoS 0, 1 and 2 and sends them with QoS 0 or 1. Everything that
//! a client makes it keep has a limit.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::{cell::Cell, cell::RefCell, process::ExitCode, rc::Rc, time::Duration};

use examples::{Endpoint, parse_args, print_line, server_configuration};
use qcore::framing::{Codec, Decoded, FrameError, FrameErrorKind, Framed};
use qcore::{QCoreApplication, QObject, UnixSignal, UnixSignalNotifier, class};
use qnetwork::{QSslConfiguration, QSslServer, QTcpServer, QTcpSocket, TimeoutKind};

const USAGE: &str = "\
usage: mqttbroker [--listen ADDR:PORT] [--tls CERT KEY]

A broker for MQTT 3.1.1.

  --listen ADDR:PORT  the address to listen on; port 0 means any free port [127.0.0.1:1883]
  --tls CERT KEY      use TLS with the certificate and key in these PEM files
  --help              print this text";

/// The maximum length of a packet, in bytes.
const MAX_PACKET: usize = 256 * 1024;
/// The maximum length of a topic, a filter or the id of a client, in bytes, and of their levels.
const MAX_TOPIC: usize = 1024;
const MAX_LEVELS: usize = 32;
/// The most sessions, filters of a session, and filters of a packet.
const MAX_SESSIONS: usize = 10_000;
const MAX_FILTERS: usize = 1000;
const MAX_FILTERS_AT_ONCE: usize = 256;
/// The most retained messages, and bytes of them.
const MAX_RETAINED: usize = 10_000;
const MAX_RETAINED_BYTES: usize = 64 << 20;
/// The most messages with QoS 1 that a session keeps, bytes of them, and messages that a client
/// may leave unacknowledged.
const MAX_QUEUED: usize = 10_000;
const MAX_QUEUED_BYTES: usize = 1 << 20;
const MAX_IN_FLIGHT: usize = 1000;
/// A client gets no messages while more bytes wait for it than the high mark, until no more than
/// the low mark are left. Answers are sent nevertheless, up to a limit.
const MARKS: (usize, usize) = (64 * 1024, 256 * 1024);
const MAX_UNSENT: usize = 1 << 20;
/// The time for the first packet with all that comes before it, and for closing, in milliseconds.
const CONNECT_TIME: i32 = 10_000;
const CLOSE_TIME: i32 = 5_000;

fn main() -> ExitCode {
    let mut listen = Endpoint { host: "127.0.0.1".to_owned(), port: 1883 };
    let mut tls = None;
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("listen") => listen = value().parse()?,
            lexopt::Arg::Long("tls") => tls = Some(server_configuration(&value(), &value())?),
            _ => return Ok(false),
        }
        Ok(true)
    });
    match run(&listen, tls) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("mqttbroker: {error}");
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn std::error::Error>;

fn run(listen: &Endpoint, tls: Option<QSslConfiguration>) -> Result<i32, Failure> {
    let app = QCoreApplication::new();
    let server = match tls {
        None => QTcpServer::new(),
        Some(configuration) => {
            let server = QSslServer::new();
            server.set_ssl_configuration(configuration);
            (*server).clone()
        }
    };
    let broker = Broker::derive(QObject::new(), server);
    broker.server.new_connection.connect_slot(&broker, Broker::on_new_connection);
    // Sends what is written, closes all connections, and then ends.
    let stop = UnixSignalNotifier::try_new([UnixSignal::Interrupt, UnixSignal::Terminate])?;
    stop.end_on_second(UnixSignal::Interrupt)?;
    stop.activated.connect_to(&broker, |broker, _| broker.server.shutdown(CLOSE_TIME));
    broker.server.shut_down.connect_to(&app, |app, _| app.quit());
    broker.server.listen(listen.address()?, listen.port)?;
    print_line(&format!("listening on {}", listen.at_port(broker.server.server_port())));
    Ok(app.exec())
}

/// A packet, and its codec: a kind with flags, a length of one to four bytes, and the body.
struct Packet {
    kind: u8,
    body: Vec<u8>,
    /// The length of the payload, which is sent separately.
    payload: usize,
}

struct Packets;

impl Codec for Packets {
    type Message = Packet;
    type Sent = Packet;

    fn decode(&mut self, bytes: &[u8]) -> Result<Decoded<Packet>, FrameError> {
        let mut length = 0;
        for start in 2..6 {
            let Some(&byte) = bytes.get(start - 1) else { return Ok(Decoded::Need(start)) };
            length |= usize::from(byte & 0x7f) << (7 * (start - 2));
            if byte & 0x80 == 0 {
                if length > MAX_PACKET {
                    return Err(FrameErrorKind::TooLong.into());
                }
                let Some(body) = bytes.get(start..start + length) else {
                    return Ok(Decoded::Need(start + length));
                };
                let packet = Packet { kind: bytes[0], body: body.to_vec(), payload: 0 };
                return Ok(Decoded::Message(packet, start + length));
            }
        }
        Err(FrameErrorKind::Invalid.into())
    }

    fn encode(&mut self, packet: &Packet, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let mut length = packet.body.len() + packet.payload;
        out.push(packet.kind);
        while length > 0x7f {
            out.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend(&packet.body);
        Ok(())
    }
}

/// What is left of the body of a packet. `None` means that the packet is malformed.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(*self.take(2)?.first_chunk()?))
    }

    fn id(&mut self) -> Option<u16> {
        self.number().filter(|id| *id != 0)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(length.into())
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok().filter(|text| !text.contains('\0'))
    }

    fn topic(&mut self) -> Option<&'a str> {
        self.text().filter(|topic| is_filter(topic) && !topic.contains(['+', '#']))
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

struct Message {
    topic: String,
    payload: Rc<[u8]>,
    qos: u8,
}

impl Message {
    fn size(&self) -> usize {
        self.topic.len() + self.payload.len()
    }
}

#[derive(Default)]
/// What the broker knows about a client, which may be away.
struct Session {
    id: String,
    number: u64,
    clean: bool,
    client: RefCell<Option<Client>>,
    filters: RefCell<HashSet<String>>,
    /// Messages with QoS 1 that are not acknowledged. The first ones have been sent.
    queue: RefCell<VecDeque<Waiting>>,
    queued_bytes: Cell<usize>,
    sent: Cell<usize>,
    last_id: Cell<u16>,
    /// The ids of messages with QoS 2 that the client has not released.
    received: RefCell<HashSet<u16>>,
    /// The QoS of a message on its way, while the broker looks for its receivers.
    matched: Cell<Option<u8>>,
}

struct Waiting {
    message: Rc<Message>,
    retained: bool,
    /// 0 until it is sent for the first time.
    id: u16,
}

impl Session {
    fn deliver(&self, message: &Rc<Message>, qos: u8, retained: bool) {
        if qos == 0 || message.qos == 0 {
            let client = self.client.borrow().clone();
            if let Some(client) = client.filter(|client| !client.is_full()) {
                client.deliver(0x30 | u8::from(retained), 0, message);
            }
            return;
        }
        let bytes = self.queued_bytes.get() + message.size();
        if self.queue.borrow().len() < MAX_QUEUED && bytes <= MAX_QUEUED_BYTES {
            let message = message.clone();
            self.queue.borrow_mut().push_back(Waiting { message, retained, id: 0 });
            self.queued_bytes.set(bytes);
            self.send_waiting();
        }
    }

    /// Sends as much as the client takes.
    fn send_waiting(&self) {
        let Some(client) = self.client.borrow().clone() else { return };
        while !client.is_full() {
            let Some((kind, id, message)) = self.next() else { return };
            client.deliver(kind, id, &message);
        }
    }

    fn next(&self) -> Option<(u8, u16, Rc<Message>)> {
        let (mut queue, sent) = (self.queue.borrow_mut(), self.sent.get());
        let oldest = queue.front()?.id;
        let waiting = queue.get_mut(sent).filter(|_| sent < MAX_IN_FLIGHT)?;
        let mut kind = 0x32 | u8::from(waiting.retained);
        if waiting.id != 0 {
            kind |= 8; // a duplicate: the client has been away since
        } else {
            // The ids in the queue are in order, so the oldest one is the next to be in the way.
            waiting.id = Some(self.last_id.get() % u16::MAX + 1).filter(|id| *id != oldest)?;
            self.last_id.set(waiting.id);
        }
        self.sent.set(sent + 1);
        Some((kind, waiting.id, waiting.message.clone()))
    }

    fn acknowledge(&self, id: u16) {
        let mut queue = self.queue.borrow_mut();
        let place = queue.iter().take(self.sent.get()).position(|waiting| waiting.id == id);
        if let Some(done) = place.and_then(|place| queue.remove(place)) {
            self.queued_bytes.set(self.queued_bytes.get() - done.message.size());
            self.sent.set(self.sent.get() - 1);
        }
        drop(queue);
        self.send_waiting();
    }
}

/// A level of the tree of filters.
#[derive(Default)]
struct Level {
    below: HashMap<String, Level>,
    here: BTreeMap<u64, (Rc<Session>, u8)>,
}

impl Level {
    fn insert(&mut self, filter: &str, session: &Rc<Session>, qos: u8) {
        let level = filter
            .split('/')
            .fold(self, |level, name| level.below.entry(name.to_owned()).or_default());
        level.here.insert(session.number, (session.clone(), qos));
    }

    fn remove(&mut self, names: &[&str], number: u64) {
        let [name, rest @ ..] = names else { return drop(self.here.remove(&number)) };
        let Some(level) = self.below.get_mut(*name) else { return };
        level.remove(rest, number);
        if level.below.is_empty() && level.here.is_empty() {
            self.below.remove(*name);
        }
    }

    /// Adds each session with a filter for the topic once, and notes its highest QoS. Wildcards in
    /// front do not match topics that begin with `$`.
    fn find(&self, names: &[&str], wildcards: bool, found: &mut Vec<Rc<Session>>) {
        let below = |name: &str| self.below.get(name);
        if let Some(all) = below("#").filter(|_| wildcards) {
            all.find_here(found);
        }
        let [name, rest @ ..] = names else { return self.find_here(found) };
        for level in [below(name), below("+").filter(|_| wildcards)].into_iter().flatten() {
            level.find(rest, true, found);
        }
    }

    fn find_here(&self, found: &mut Vec<Rc<Session>>) {
        for (session, qos) in self.here.values() {
            if session.matched.replace(session.matched.get().max(Some(*qos))).is_none() {
                found.push(session.clone());
            }
        }
    }
}

fn is_filter(text: &str) -> bool {
    let mut levels = text.split('/').rev();
    let last = levels.next().is_some_and(|last| last == "#" || is_level(last));
    (1..=MAX_TOPIC).contains(&text.len())
        && last
        && levels.clone().count() < MAX_LEVELS
        && levels.all(is_level)
}

fn is_level(name: &str) -> bool {
    name == "+" || !name.contains(['+', '#'])
}

fn matches(filter: &str, topic: &str) -> bool {
    let mut names = topic.split('/');
    for level in filter.split('/') {
        match (level, names.next()) {
            ("#", _) => return true,
            (level, Some(name)) if level == "+" || level == name => {}
            _ => return false,
        }
    }
    names.next().is_none()
}

class! {
    /// The broker. Its clients are its children.
    struct Broker: QObject {
        server: QTcpServer,
        sessions: RefCell<HashMap<String, Rc<Session>>> = RefCell::default(),
        filters: RefCell<Level> = RefCell::default(),
        retained: RefCell<BTreeMap<String, Rc<Message>>> = RefCell::default(),
        retained_bytes: Cell<usize> = Cell::new(0),
        last_number: Cell<u64> = Cell::new(0),
    }
}

class! {
    /// A connection.
    struct Client: QObject {
        packets: Framed<QTcpSocket, Packets>,
        /// Empty until the first packet has come.
        session: RefCell<Option<Rc<Session>>> = RefCell::default(),
        will: RefCell<Option<(Rc<Message>, bool)>> = RefCell::default(),
    }
}

impl Broker {
    fn on_new_connection(&self) {
        while let Some(socket) = self.server.next_pending_connection() {
            socket.set_read_buffer_size(MAX_PACKET + 5);
            socket.set_timeout(TimeoutKind::Lifetime, CONNECT_TIME);
            socket.write_flow().set_marks(MARKS.0, MARKS.1);
            let packets = Framed::new(&socket, Packets);
            let client = Client::derive(QObject::new(), packets).with_parent(self);
            client.packets.message.connect_slot((&client, self), Client::on_packet);
            client.packets.error.connect_to(&client, |client, _| client.packets.device().abort());
            socket.write_flow().drained.connect_slot(&client, Client::on_drained);
            socket.closed.connect_to((&client, self), |(client, broker), _| {
                client.leave(broker);
                client.packets.device().delete_later();
                client.delete_later();
            });
        }
    }

    /// Returns the session of a client, and whether there was one.
    fn open_session(&self, id: &str, clean: bool) -> Option<(Rc<Session>, bool)> {
        let session = |id: &str| self.sessions.borrow().get(id).cloned();
        if let Some(before) = session(id).and_then(|session| session.client.borrow().clone()) {
            before.leave(self); // another connection takes over
            before.packets.device().abort();
        }
        match session(id) {
            Some(session) if !clean => return Some((session, true)),
            Some(session) => self.end_session(&session),
            None if self.sessions.borrow().len() >= MAX_SESSIONS => return None,
            None => {}
        }
        self.last_number.set(self.last_number.get() + 1);
        let number = self.last_number.get();
        // No client can choose an id with a zero.
        let id = if id.is_empty() { format!("\0{number}") } else { id.to_owned() };
        let session = Rc::new(Session { id: id.clone(), number, clean, ..Session::default() });
        self.sessions.borrow_mut().insert(id, session.clone());
        Some((session, false))
    }

    fn end_session(&self, session: &Session) {
        for filter in session.filters.take() {
            let names: Vec<_> = filter.split('/').collect();
            self.filters.borrow_mut().remove(&names, session.number);
        }
        self.sessions.borrow_mut().remove(&session.id);
    }

    fn publish(&self, message: &Rc<Message>, retain: bool) {
        if retain {
            self.retain(message);
        }
        let (names, mut found) = (message.topic.split('/').collect::<Vec<_>>(), Vec::new());
        self.filters.borrow().find(&names, !message.topic.starts_with('$'), &mut found);
        for session in found {
            let qos = session.matched.take().unwrap_or(0);
            session.deliver(message, qos, false);
        }
    }

    /// Keeps the message for later subscribers. An empty one removes the one before.
    fn retain(&self, message: &Rc<Message>) {
        let mut retained = self.retained.borrow_mut();
        let before = retained.remove(&message.topic).map_or(0, |before| before.size());
        let bytes = self.retained_bytes.get() - before;
        self.retained_bytes.set(bytes);
        if !message.payload.is_empty()
            && retained.len() < MAX_RETAINED
            && bytes + message.size() <= MAX_RETAINED_BYTES
        {
            self.retained_bytes.set(bytes + message.size());
            retained.insert(message.topic.clone(), message.clone());
        }
    }

    fn deliver_retained(&self, session: &Session, filter: &str, qos: u8) {
        let wanted: Vec<_> = if filter.contains(['+', '#']) {
            let dollar = filter.starts_with('$');
            let all = self.retained.borrow();
            all.values()
                .filter(|it| it.topic.starts_with('$') == dollar && matches(filter, &it.topic))
                .cloned()
                .collect()
        } else {
            self.retained.borrow().get(filter).cloned().into_iter().collect()
        };
        for message in wanted {
            session.deliver(&message, qos, true);
        }
    }
}

impl Client {
    fn on_packet(&self, broker: &Broker, packet: &Packet) {
        if self.handle(broker, packet).is_none() {
            self.packets.device().abort(); // malformed, or not allowed here
        }
    }

    fn handle(&self, broker: &Broker, packet: &Packet) -> Option<()> {
        let mut fields = Fields(&packet.body);
        let session = self.session.borrow().clone();
        let Some(session) = session else {
            return (packet.kind == 0x10).then(|| self.on_connect(broker, fields))?;
        };
        match packet.kind {
            0x30..=0x3f => self.on_publish(broker, &session, packet.kind, fields)?,
            0x40 if packet.body.len() == 2 => session.acknowledge(fields.id()?),
            0x62 if packet.body.len() == 2 => {
                let id = fields.id()?;
                session.received.borrow_mut().remove(&id);
                self.send(0x70, &id.to_be_bytes());
            }
            0x82 => self.on_subscribe(broker, &session, fields)?,
            0xa2 => {
                let id = fields.id().filter(|_| !fields.0.is_empty())?;
                while !fields.0.is_empty() {
                    let filter = fields.text()?;
                    if session.filters.borrow_mut().remove(filter) {
                        let names: Vec<_> = filter.split('/').collect();
                        broker.filters.borrow_mut().remove(&names, session.number);
                    }
                }
                self.send(0xb0, &id.to_be_bytes());
            }
            0xc0 if packet.body.is_empty() => self.send(0xd0, &[]),
            0xe0 if packet.body.is_empty() => {
                self.will.take();
                self.packets.device().disconnect_from_host_with_timeout(CLOSE_TIME);
            }
            _ => return None,
        }
        Some(())
    }

    fn on_connect(&self, broker: &Broker, mut fields: Fields<'_>) -> Option<()> {
        let (name, level) = (fields.text()?, fields.byte()?);
        if (name, level) != ("MQTT", 4) {
            return ["MQTT", "MQIsdp"].contains(&name).then(|| self.refuse(1));
        }
        let (flags, keep_alive, id) = (fields.byte()?, fields.number()?, fields.text()?);
        let (clean, qos) = (flags & 2 != 0, flags >> 3 & 3);
        if flags & 1 != 0
            || qos == 3
            || flags & 0xc0 == 0x40
            || id.len() > MAX_TOPIC
            || (flags & 4 == 0 && flags & 0x38 != 0)
        {
            return None;
        }
        let mut will = None;
        if flags & 4 != 0 {
            let (topic, payload) = (fields.topic()?.to_owned(), fields.bytes()?.into());
            will = Some((Rc::new(Message { topic, payload, qos }), flags & 0x20 != 0));
        }
        for flag in [0x80, 0x40] {
            if flags & flag != 0 {
                fields.bytes()?; // everybody may come in
            }
        }
        fields.end()?;
        if id.is_empty() && !clean {
            self.refuse(2);
            return Some(());
        }
        let Some((session, present)) = broker.open_session(id, clean) else {
            self.refuse(3);
            return Some(());
        };
        let socket = self.packets.device();
        socket.set_timeout(TimeoutKind::Lifetime, -1);
        if keep_alive > 0 {
            let silence = Duration::from_millis(1500 * u64::from(keep_alive));
            socket.set_timeout(TimeoutKind::IdleRead, silence);
        }
        self.will.replace(will);
        self.session.replace(Some(session.clone()));
        session.client.replace(Some(self.clone()));
        self.send(0x20, &[u8::from(present), 0]);
        session.send_waiting();
        Some(())
    }

    fn refuse(&self, code: u8) {
        self.send(0x20, &[0, code]);
        self.packets.device().disconnect_from_host_with_timeout(CLOSE_TIME);
    }

    fn on_publish(
        &self,
        broker: &Broker,
        session: &Session,
        kind: u8,
        mut fields: Fields<'_>,
    ) -> Option<()> {
        let (topic, qos) = (fields.topic()?.to_owned(), kind >> 1 & 3);
        let id = if qos == 0 { 0 } else { fields.id()? };
        if qos == 3 || kind & 0xe == 8 {
            return None;
        }
        let message = Rc::new(Message { topic, payload: fields.0.into(), qos });
        if qos < 2 || session.received.borrow_mut().insert(id) {
            broker.publish(&message, kind & 1 != 0);
        }
        match qos {
            0 => {}
            1 => self.send(0x40, &id.to_be_bytes()),
            _ => self.send(0x50, &id.to_be_bytes()),
        }
        Some(())
    }

    fn on_subscribe(
        &self,
        broker: &Broker,
        session: &Rc<Session>,
        mut fields: Fields<'_>,
    ) -> Option<()> {
        let (mut answer, mut wanted) = (fields.id()?.to_be_bytes().to_vec(), Vec::new());
        while !fields.0.is_empty() {
            let filter = fields.text().filter(|filter| is_filter(filter))?;
            wanted.push((filter, fields.byte().filter(|qos| *qos < 3)?.min(1)));
        }
        if !(1..=MAX_FILTERS_AT_ONCE).contains(&wanted.len()) {
            return None;
        }
        wanted.retain(|(filter, qos)| {
            let mut filters = session.filters.borrow_mut();
            let taken = filters.len() < MAX_FILTERS || filters.contains(*filter);
            if taken {
                filters.insert((*filter).to_owned());
                broker.filters.borrow_mut().insert(filter, session, *qos);
            }
            answer.push(if taken { *qos } else { 0x80 });
            taken
        });
        self.send(0x90, &answer);
        for (filter, qos) in wanted {
            broker.deliver_retained(session, filter, qos);
        }
        Some(())
    }

    fn on_drained(&self) {
        let session = self.session.borrow().clone();
        if let Some(session) = session {
            session.send_waiting();
        }
    }

    fn is_full(&self) -> bool {
        self.packets.device().write_flow().is_full()
    }

    fn send(&self, kind: u8, body: &[u8]) {
        if self.packets.device().unsent_bytes() > MAX_UNSENT {
            return self.packets.device().abort(); // asks and does not read the answers
        }
        self.packets.send(&Packet { kind, body: body.to_vec(), payload: 0 }).ok();
    }

    /// All receivers share the payload, if it is long.
    fn deliver(&self, kind: u8, id: u16, message: &Message) {
        let mut body = Vec::with_capacity(message.topic.len() + 4);
        body.extend((message.topic.len() as u16).to_be_bytes());
        body.extend(message.topic.as_bytes());
        if id != 0 {
            body.extend(id.to_be_bytes());
        }
        self.packets.send(&Packet { kind, body, payload: message.payload.len() }).ok();
        self.packets.send_encoded(message.payload.clone()).ok();
    }

    fn leave(&self, broker: &Broker) {
        if let Some(session) = self.session.take() {
            session.client.take();
            session.sent.set(0);
            if session.clean {
                broker.end_session(&session);
            }
        }
        if let Some((will, retain)) = self.will.take() {
            broker.publish(&will, retain);
        }
    }
}
