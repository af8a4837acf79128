//! What an end does at random.

use std::time::Duration;

use qcore::{QEventLoop, QObject, QTimer};
use qnetwork::TimeoutKind;

use super::{
    end::{End, Reading},
    shared::{Kind, Phase},
    socket::with,
};

/// How deeply waits and event loops may be nested.
const DEEPEST: u32 = 3;
/// How many unsent bytes keep an end from writing more.
const UNSENT: usize = 64 * 1024;
/// How many bytes an end writes that is not clean.
const MOST: u64 = 1 << 20;

/// The names of the acts, for messages.
const NAMES: [&str; 18] = [
    "nothing",
    "write",
    "read",
    "set_read_buffer_size",
    "pause_reading",
    "resume_reading",
    "flush",
    "set a rate limit",
    "a nested event loop",
    "wait_for_ready_read",
    "wait_for_bytes_written",
    "wait_for_disconnected",
    "set_parent",
    "set_timeout",
    "an end of the connection",
    "connect",
    "a handover",
    "a server's act",
];

/// The names of the ways to end a connection.
const ENDS: [&str; 8] = [
    "disconnect",
    "disconnect",
    "disconnect",
    "abort",
    "close",
    "disconnect with a time-out",
    "delete_later",
    "drop",
];

/// Returns the names of acts, for messages.
pub(super) fn names(acts: [u8; 8]) -> Vec<&'static str> {
    let name = |act: u8| match act {
        100.. => ENDS.get(usize::from(act - 100)),
        _ => NAMES.get(usize::from(act)),
    };
    acts.into_iter().filter(|act| *act > 0).map(|act| name(act).unwrap_or(&"?")).copied().collect()
}

/// Sometimes does something, within a slot of the end's socket.
pub(super) fn in_slot(end: &End) {
    let world = &end.world;
    if world.shared.phase() == Phase::Busy && world.random.one_in(24) {
        at_random(end);
    }
}

/// Does something.
pub(super) fn at_random(end: &End) {
    let world = &end.world;
    let random = &world.random;
    // A clean connection ends only when both ends have everything. A server's end does not know
    // yet whether it is clean when nothing has arrived.
    let is_unknown = !end.is_client && end.log.peer.get().is_none() && !end.log.is_stranger.get();
    let is_safe = end.log.is_clean.get() || is_unknown;
    let act = match random.below(200) {
        0..72 => 1,
        72..110 => 2,
        110..120 => 3,
        120..128 => 4,
        128..144 => 5,
        144..150 => 6,
        150..158 => 7,
        158 => 8,
        159 => 9,
        160 => 10,
        161 => 11,
        162..168 => 12,
        168..172 => 13,
        172 => 16,
        173..179 => 14,
        _ => 0,
    };
    end.beat(act);
    match act {
        1 => write_more(end),
        2 => read(end),
        3 => {
            let size = if random.one_in(2) { 0 } else { random.size(64 * 1024) };
            with!(&end.socket, socket => socket.set_read_buffer_size(size));
        }
        4 => with!(&end.socket, socket => socket.pause_reading()),
        // After the end, it would tell of what has arrived in the pause.
        5 if end.log.closed.get() == 0 => with!(&end.socket, socket => socket.resume_reading()),
        6 => {
            with!(&end.socket, socket => socket.flush());
        }
        7 => limit_rate(end),
        8 => nest(end),
        9..=11 => wait(end, act),
        12 => reparent(end, is_safe),
        13 if !is_safe => limit_time(end),
        14 if !is_safe => finish(end),
        14 if random.one_in(1000) => {
            end.log.is_clean.set(false);
            finish(end);
        }
        16 => world.hand_over(end),
        _ => {}
    }
}

// ---- bytes

/// Writes some of what the end has still to write.
pub(super) fn write_more(end: &End) {
    let (log, socket, random) = (&end.log, &end.socket, &end.world.random);
    let has_begun = end.is_client || log.peer.get().is_some();
    if !has_begun || end.reading == Reading::Task || end.log.ended_here.get() {
        return;
    }
    let most = if log.is_clean.get() {
        log.left_to_write().min(64 * 1024) as usize
    } else if log.written.get() < MOST {
        1 + random.size(64 * 1024)
    } else {
        0
    };
    if most == 0 || !socket.is_writable() || socket.unsent_bytes() > UNSENT {
        return;
    }
    // The header is written first and whole.
    let size = if log.written.get() == 0 { most.clamp(16, 64) } else { 1 + random.below(most) };
    let data = log.to_write(size);
    // A slot may write more before `write` returns, so the bytes are counted before.
    log.wrote(data.len());
    let size = data.len();
    let written = match random.below(4) {
        0 => socket.write_chunk(data),
        1 if size == 1 => socket.put_char(data[0]).map(|()| 1),
        _ => socket.write(&data),
    };
    let missing = size - written.as_ref().copied().unwrap_or(0);
    log.written.set(log.written.get() - missing as u64);
    if missing > 0 && end.socket.is_connected() && log.disconnected.get() == 0 {
        log.complain(&format!("a write of {size} bytes returns {written:?}"));
    }
}

/// Reads in one of many ways, or not at all.
pub(super) fn read(end: &End) {
    let (log, socket, random) = (&end.log, &end.socket, &end.world.random);
    if end.reading == Reading::Task || !socket.is_readable() {
        return;
    }
    let size = 1 + random.size(64 * 1024);
    match random.below(12) {
        0 | 1 => log.take(&socket.read_all()),
        2 => log.take(&socket.read(size)),
        3 => {
            let mut data = vec![0; size];
            if let Ok(count) = socket.read_into(&mut data) {
                log.take(&data[..count]);
            }
        }
        4 => {
            for _ in 0..8 {
                log.take(&socket.read_line());
            }
        }
        5 => log.take(&socket.read_line_with_max_size(size + 1)),
        6 => {
            log.check_ahead(&socket.peek(size));
            log.take(&socket.read(size / 2 + 1));
        }
        7 => {
            socket.start_transaction();
            log.check_ahead(&socket.read(size));
            socket.rollback_transaction();
            log.take(&socket.read(size));
        }
        8 => {
            if let Some(byte) = socket.get_char() {
                socket.unget_char(byte);
            }
        }
        9 => {
            if let Ok(filled) = socket.fill_buf() {
                let data = filled.to_vec();
                let count = random.below(data.len() + 1);
                filled.consume(count);
                log.take(&data[..count]);
            }
        }
        10 if log.peer.get().is_some() => {
            if let Ok(count) = socket.skip(size) {
                log.skip(count);
            }
        }
        _ => {}
    }
    end.finish_if_done();
}

// ---- settings

fn limit_rate(end: &End) {
    let world = &end.world;
    let index = world.random.below(world.limits.len() * 2);
    let limit = world.limits.get(index);
    if world.random.one_in(2) {
        with!(&end.socket, socket => socket.set_read_rate(limit));
    } else {
        with!(&end.socket, socket => socket.set_write_rate(limit));
    }
}

fn limit_time(end: &End) {
    let random = &end.world.random;
    let kinds = [TimeoutKind::IdleRead, TimeoutKind::IdleWrite, TimeoutKind::Lifetime];
    let kind = kinds[random.below(kinds.len())];
    let time = Duration::from_millis(20 + random.size(4000) as u64);
    // The connection is cut when the time is over.
    end.log.cuts.set(true);
    with!(&end.socket, socket => socket.set_timeout(kind, time));
}

fn reparent(end: &End, is_safe: bool) {
    let world = &end.world;
    if end.socket.is_deleted() {
        return;
    }
    if is_safe || world.random.one_in(2) {
        return end.socket.set_parent(None);
    }
    let index = world.random.below(world.groups.borrow().len());
    let group = world.groups.borrow()[index].clone();
    end.socket.set_parent(Some(&group));
    // The children of a group die with it.
    end.log.cuts.set(true);
    end.log.ended_here.set(true);
    if world.random.one_in(16) {
        let old = std::mem::replace(&mut world.groups.borrow_mut()[index], QObject::new());
        drop(group);
        drop(old);
    }
}

// ---- waits

fn nest(end: &End) {
    let world = &end.world;
    if world.depth.get() >= DEEPEST {
        return;
    }
    world.depth.set(world.depth.get() + 1);
    let event_loop = QEventLoop::new();
    let inner = event_loop.clone();
    QTimer::single_shot(world.random.below(5) as i32, move || inner.quit());
    event_loop.exec();
    world.depth.set(world.depth.get() - 1);
}

fn wait(end: &End, act: u8) {
    let world = &end.world;
    if world.depth.get() >= DEEPEST {
        return;
    }
    world.depth.set(world.depth.get() + 1);
    let time = world.random.size(8) as i32;
    let _ended = match act {
        9 => end.socket.wait_for_ready_read(time).is_ok(),
        10 => end.socket.wait_for_bytes_written(time).is_ok(),
        _ => with!(&end.socket, socket => socket.wait_for_disconnected(time).is_ok()),
    };
    world.depth.set(world.depth.get() - 1);
}

// ---- ends

/// Ends the connection in one of many ways.
pub(super) fn finish(end: &End) {
    let (log, random) = (&end.log, &end.world.random);
    let way = random.below(8);
    log.note(way as u8 + 100);
    match way {
        0..3 => end.disconnect(),
        3 => end.abort(),
        4 => {
            log.ended_here.set(true);
            log.cuts.set(true);
            end.socket.close();
        }
        5 => {
            log.ended_here.set(true);
            log.cuts.set(true);
            end.socket.disconnect(Some(Duration::from_millis(random.below(50) as u64)));
        }
        6 => {
            end.note_death();
            end.socket.delete_later();
        }
        _ => end.world.forget(end),
    }
}

/// Returns whether the connection of this end can go to another thread now.
pub(super) fn can_go(end: &End) -> bool {
    matches!(end.log.kind, Kind::Tcp | Kind::Tls)
        && end.reading != Reading::Task
        && end.log.closed.get() == 0
        && !end.log.cuts.get()
        && end.socket.is_connected()
}
