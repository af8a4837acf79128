//! A broker for MQTT 3.1.1. Try it with `mosquitto_sub -t 'news/#'` and
//! `mosquitto_pub -t news/today -m hello`. It has retained messages, wills and persistent sessions,
//! and limits what a client can make it keep. It receives QoS 0, 1 and 2, and sends QoS 0 and 1.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::{cell::Cell, cell::RefCell, process::ExitCode, rc::Rc};

use qcore::framing::{AckQueue, Fields, Framed, LengthPrefix, PrefixSize};
use qcore::{QObject, class};
use qnetwork::{QTcpServer, QTcpSocket, TimeoutKind};

const MAX_PACKET: usize = 256 * 1024; // bytes
const MAX_TOPIC: usize = 1024; // bytes; also of a filter and of the id of a client
const MAX_LEVELS: usize = 32; // of a topic or filter
const MAX_SESSIONS: usize = 10_000;
const MAX_FILTERS: usize = 1000; // of a session
const MAX_FILTERS_AT_ONCE: usize = 256; // of a packet
const MAX_RETAINED: (usize, usize) = (10_000, 64 << 20); // messages, and bytes of all of them
const MAX_IN_FLIGHT: usize = 1000; // messages that a client leaves unacknowledged
const MARKS: (usize, usize) = (64 * 1024, 256 * 1024); // bytes: pauses at the high mark
const MAX_UNSENT: usize = 1 << 20; // bytes, with answers
const CONNECT_TIME: i32 = 10_000; // milliseconds until the first packet has come
const CLOSE_TIME: i32 = 5_000; // milliseconds

fn main() -> ExitCode {
    examples::serve("mqttbroker", "A broker for MQTT 3.1.1.", 1883, |server| {
        let broker = Broker::derive(QObject::new()).with_parent(server);
        server.new_connection.connect_slot((&broker, server), Broker::on_new_connection);
    })
}

/// A packet is a byte with its kind and flags, a length of one to four bytes, and the body.
type Packets = Framed<QTcpSocket, LengthPrefix>;

/// By the filter and the id of the session. In the broker, filters and topics end with a `/`.
type Filters<V> = BTreeMap<(String, String), V>;

struct Message {
    topic: String,
    payload: Rc<[u8]>,
    qos: u8,
    retain: bool,
}

impl Message {
    fn size(&self) -> usize {
        self.topic.len() + self.payload.len()
    }

    /// Sends the message. All receivers share the payload, if it is long.
    fn send(&self, packets: &Packets, kind: u8, id: &[u8]) {
        let topic = self.topic.strip_suffix('/').unwrap_or_default();
        let length = (topic.len() as u16).to_be_bytes();
        let parts = [&[kind], &length[..], topic.as_bytes(), id];
        packets.send_parts_with_chunk(&parts, self.payload.clone()).ok();
    }
}

// The next functions take a part of a packet. `None` means that the packet is malformed.
fn text<'a>(fields: &mut Fields<'a>) -> Option<&'a str> {
    str::from_utf8(fields.prefixed(PrefixSize::U16)?).ok().filter(|text| !text.contains('\0'))
}

fn filter(fields: &mut Fields<'_>) -> Option<String> {
    let text = text(fields).filter(|text| (1..=MAX_TOPIC).contains(&text.len()))?;
    let levels = if text == "#" { "+" } else { text.strip_suffix("/#").unwrap_or(text) };
    let mut levels = levels.split('/').zip(1..);
    let is_level = |level: &str| level == "+" || !level.contains(['+', '#']);
    levels.all(|(level, n)| is_level(level) && n <= MAX_LEVELS).then(|| format!("{text}/"))
}

fn topic(fields: &mut Fields<'_>) -> Option<String> {
    filter(fields).filter(|topic| !topic.contains(['+', '#']))
}

fn packet_id(fields: &mut Fields<'_>) -> Option<u16> {
    fields.u16().filter(|id| *id != 0)
}

/// Returns the values of the filters that begin with `start` and match the topic behind it.
fn find<'a, V>(filters: &'a Filters<V>, start: &str, topic: &str) -> Vec<&'a V> {
    let from = filters.range((start.to_owned(), String::new())..);
    let mut all = from.take_while(|it| it.0.0.starts_with(start)).peekable();
    let below = |level: &str, rest: &str| find(filters, &format!("{start}{level}/"), rest);
    match topic.split_once('/') {
        _ if all.peek().is_none() => Vec::new(),
        // Wildcards in front do not match topics that begin with `$`.
        Some((name, rest)) if start.is_empty() && name.starts_with('$') => below(name, rest),
        Some((name, rest)) => [below(name, rest), below("+", rest), below("#", "")].concat(),
        None => all.take_while(|it| it.0.0 == start).map(|it| it.1).chain(below("#", "")).collect(),
    }
}

class! {
    struct Broker: QObject {
        sessions: RefCell<HashMap<String, Session>> = RefCell::default(),
        /// The sessions with each filter, and the highest QoS that they want.
        filters: RefCell<Filters<(Session, u8)>> = RefCell::default(),
        retained: RefCell<BTreeMap<String, Rc<Message>>> = RefCell::default(),
        retained_bytes: Cell<usize> = Cell::new(0),
    }
}

impl Broker {
    fn on_new_connection(&self, server: &QTcpServer) {
        while let Some(socket) = server.next_pending_connection() {
            socket.set_timeout(TimeoutKind::Lifetime, CONNECT_TIME);
            socket.set_timeout(TimeoutKind::Close, CLOSE_TIME);
            socket.write_flow().set_marks(MARKS.0, MARKS.1);
            socket.closed.connect_to(&socket, |socket, _| socket.delete_later());
            let codec = LengthPrefix::new(PrefixSize::Varint(4)).with_header_size(1);
            let packets = Framed::new(&socket, codec.with_limit(MAX_PACKET));
            packets.error.connect_to(&socket, |socket, _| socket.abort());
            packets.message.connect_to((&packets, self), |(packets, broker), packet| {
                broker.on_first_packet(packets, packet).unwrap_or_else(|| packets.device().abort());
            });
        }
    }

    /// Handles the first packet of a connection, in which the client says who it is.
    fn on_first_packet(&self, packets: &Packets, packet: &[u8]) -> Option<()> {
        packets.message.disconnect_all();
        let socket = packets.device();
        let refuse =
            |code| packets.send(&[0x20, 0, code]).ok().map(|()| socket.disconnect_from_host());
        let fields = &mut Fields::new(packet.strip_prefix(&[0x10])?);
        let version = (text(fields)?, fields.u8()?);
        if version != ("MQTT", 4) {
            return ["MQTT", "MQIsdp"].contains(&version.0).then(|| refuse(1))?;
        }
        let (flags, keep_alive, id) = (fields.u8()?, fields.u16()?, text(fields)?);
        let (clean, has_will, qos) = (flags & 2 != 0, flags & 4 != 0, flags >> 3 & 3);
        let mut will = None;
        if has_will {
            let (topic, payload) = (topic(fields)?, fields.prefixed(PrefixSize::U16)?.into());
            will = Some(Rc::new(Message { topic, payload, qos, retain: flags & 0x20 != 0 }));
        }
        // Everybody may come in, whatever the name and the password are.
        (0..(flags >> 6).count_ones())
            .try_for_each(|_| fields.prefixed(PrefixSize::U16).map(drop))?;
        let wrong_flags = flags & 1 != 0 || flags & 0xc0 == 0x40 || !has_will && flags & 0x38 != 0;
        if wrong_flags || qos == 3 || !fields.is_empty() || id.len() > MAX_TOPIC {
            return None;
        }
        let id = match id {
            "" if !clean => return refuse(2),
            // No client can choose an id with a zero.
            "" => &format!("\0{}:{}", socket.peer_address(), socket.peer_port()),
            id => id,
        };
        let Some((session, present)) = self.open_session(id, clean) else { return refuse(3) };
        socket.set_timeout(TimeoutKind::Lifetime, -1);
        let silence = if keep_alive == 0 { -1 } else { 1500 * i32::from(keep_alive) };
        socket.set_timeout(TimeoutKind::IdleRead, silence);
        session.will.replace(will);
        session.packets.replace(Some(packets.clone()));
        packets.message.connect_to((&session, self), |(session, broker), packet| {
            session.on_packet(broker, packet).unwrap_or_else(|| session.leave(broker));
        });
        socket.write_flow().drained.connect_slot(&session, Session::send_waiting);
        socket.closed.connect_slot((&session, self), Session::leave);
        packets.send(&[0x20, u8::from(present), 0]).ok()?;
        session.send_waiting();
        Some(())
    }

    /// Returns the session of a client, and whether there was one.
    fn open_session(&self, id: &str, clean: bool) -> Option<(Session, bool)> {
        let before = self.sessions.borrow().get(id).cloned();
        if let Some(session) = before {
            session.clean.set(session.clean.get() || clean);
            session.leave(self); // another connection takes over
        }
        let mut sessions = self.sessions.borrow_mut();
        let present = sessions.contains_key(id);
        if !present && sessions.len() >= MAX_SESSIONS {
            return None;
        }
        let new = || Session::derive(QObject::new(), id.to_owned(), Cell::new(clean));
        Some((sessions.entry(id.to_owned()).or_insert_with(new).clone(), present))
    }

    /// Sends the message to all subscribers. Keeps it for later ones, if the sender wants that; an
    /// empty one removes the one before.
    fn publish(&self, message: &Rc<Message>) {
        let mut found: Vec<_> =
            find(&self.filters.borrow(), "", &message.topic).into_iter().cloned().collect();
        if message.retain {
            let mut retained = self.retained.borrow_mut();
            let before = retained.remove(&message.topic).map_or(0, |before| before.size());
            let mut bytes = self.retained_bytes.get() - before;
            let fits = retained.len() < MAX_RETAINED.0 && bytes + message.size() <= MAX_RETAINED.1;
            if fits && !message.payload.is_empty() {
                bytes += message.size();
                retained.insert(message.topic.clone(), message.clone());
            }
            self.retained_bytes.set(bytes);
        }
        // Each session gets the message once, with the highest QoS.
        found.sort_by(|(a, more), (b, less)| (&a.id, less).cmp(&(&b.id, more)));
        found.dedup_by(|a, b| a.0 == b.0);
        for (session, qos) in found {
            session.deliver(message, qos, 0x30);
        }
    }

    /// Returns the retained messages with topics that match the filter.
    fn find_retained(&self, filter: &str) -> Vec<Rc<Message>> {
        let fixed = filter.split(['+', '#']).next().unwrap_or_default();
        let this = Filters::from([((filter.to_owned(), String::new()), ())]);
        let retained = self.retained.borrow();
        let topics = retained.range(fixed.to_owned()..).take_while(|it| it.0.starts_with(fixed));
        topics.filter(|it| !find(&this, "", it.0).is_empty()).map(|it| it.1.clone()).collect()
    }
}

class! {
    /// What the broker knows about a client, which may be away.
    struct Session: QObject {
        id: String,
        clean: Cell<bool>,
        packets: RefCell<Option<Packets>> = RefCell::default(),
        will: RefCell<Option<Rc<Message>>> = RefCell::default(),
        filters: RefCell<HashSet<String>> = RefCell::default(),
        /// Messages with QoS 1, and the first bytes of their packets: at most 10,000, and 1 MiB.
        queue: RefCell<AckQueue<(Rc<Message>, u8)>> =
            RefCell::new(AckQueue::new().with_window(MAX_IN_FLIGHT)),
        /// The ids of messages with QoS 2 that the client has not released.
        received: RefCell<HashSet<u16>> = RefCell::default(),
    }
}

impl Session {
    /// Handles a packet. Returns `None` if it is malformed or not allowed.
    fn on_packet(&self, broker: &Broker, packet: &[u8]) -> Option<()> {
        let fields = &mut Fields::new(packet);
        match fields.u8()? {
            kind @ (0x30..=0x35 | 0x3a..=0x3d) => self.on_publish(broker, kind, fields)?,
            0x40 => {
                self.queue.borrow_mut().acknowledge(packet_id(fields)?);
                self.send_waiting();
            }
            0x62 => {
                let id = packet_id(fields)?;
                self.received.borrow_mut().remove(&id);
                self.send(0x70, &id.to_be_bytes())?;
            }
            0x82 => self.on_subscribe(broker, fields)?,
            0xa2 => {
                let id = packet_id(fields).filter(|_| !fields.is_empty())?;
                while !fields.is_empty() {
                    let filter = text(fields)?.to_owned() + "/";
                    self.filters.borrow_mut().remove(&filter);
                    broker.filters.borrow_mut().remove(&(filter, self.id.clone()));
                }
                self.send(0xb0, &id.to_be_bytes())?;
            }
            0xc0 => self.send(0xd0, &[])?,
            0xe0 if fields.is_empty() => {
                self.will.take();
                let packets = self.packets.borrow().clone()?;
                packets.device().disconnect_from_host();
            }
            _ => return None,
        }
        fields.is_empty().then_some(())
    }

    fn on_publish(&self, broker: &Broker, kind: u8, fields: &mut Fields<'_>) -> Option<()> {
        let (topic, qos, retain) = (topic(fields)?, kind >> 1 & 3, kind & 1 != 0);
        let id = if qos == 0 { 0 } else { packet_id(fields)? };
        let message = Rc::new(Message { topic, payload: fields.rest().into(), qos, retain });
        if qos < 2 || self.received.borrow_mut().insert(id) {
            broker.publish(&message);
        }
        if qos > 0 {
            self.send(0x30 + (qos << 4), &id.to_be_bytes())?;
        }
        Some(())
    }

    fn on_subscribe(&self, broker: &Broker, fields: &mut Fields<'_>) -> Option<()> {
        let (id, mut granted, mut retained) = (packet_id(fields)?, Vec::new(), Vec::new());
        while granted.is_empty() || !fields.is_empty() {
            let key = filter(fields)?;
            let qos = fields.u8().filter(|qos| *qos < 3)?.min(1);
            let mut filters = self.filters.borrow_mut();
            let has_room = filters.len() < MAX_FILTERS || filters.contains(&key);
            let accepts = has_room && granted.len() < MAX_FILTERS_AT_ONCE;
            granted.push(if accepts { qos } else { 0x80 });
            if accepts {
                retained.extend(broker.find_retained(&key).into_iter().map(|it| (it, qos)));
                filters.insert(key.clone());
                broker.filters.borrow_mut().insert((key, self.id.clone()), (self.clone(), qos));
            }
        }
        self.send(0x90, &[&id.to_be_bytes(), &granted[..]].concat())?;
        for (message, qos) in retained {
            self.deliver(&message, qos, 0x31);
        }
        Some(())
    }

    fn deliver(&self, message: &Rc<Message>, qos: u8, kind: u8) {
        if qos > 0 && message.qos > 0 {
            self.queue.borrow_mut().push((message.clone(), kind | 2), message.size()).ok();
            self.send_waiting();
        } else if let Some(packets) = self.writable() {
            message.send(&packets, kind, &[]);
        }
    }

    /// Sends as much as the client takes.
    fn send_waiting(&self) {
        while let Some(packets) = self.writable() {
            let Some(next) = self.queue.borrow_mut().next_to_send() else { return };
            let (message, kind) = next.message;
            message.send(&packets, kind | u8::from(next.is_repeated) << 3, &next.id.to_be_bytes());
        }
    }

    /// Returns the connection, if there is one and it is not full.
    fn writable(&self) -> Option<Packets> {
        self.packets.borrow().clone().filter(|packets| !packets.device().write_flow().is_full())
    }

    /// Sends an answer. Returns `None` if the client does not read its answers.
    fn send(&self, kind: u8, body: &[u8]) -> Option<()> {
        let packets = self.packets.borrow().clone()?;
        let reads = packets.device().unsent_bytes() <= MAX_UNSENT;
        reads.then(|| packets.send_parts(&[&[kind], body]).ok())?
    }

    /// Ends the connection, and a session that is clean.
    fn leave(&self, broker: &Broker) {
        if let Some(packets) = self.packets.take() {
            packets.device().abort();
        }
        self.queue.borrow_mut().restart();
        if self.clean.get() {
            for filter in self.filters.take() {
                broker.filters.borrow_mut().remove(&(filter, self.id.clone()));
            }
            broker.sessions.borrow_mut().remove(&self.id);
        }
        if let Some(will) = self.will.take() {
            broker.publish(&will);
        }
    }
}
