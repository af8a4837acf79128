//! Messages for tasks.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use qcore::{
    OpenMode, QBuffer, QIODevice, QObject, QSignalSpy, block_on,
    framing::{FrameError, FrameErrorKind, Framed, FramedStream, LengthPrefix, Lines, PrefixSize},
    spawn_local,
    task::{sleep, timeout},
};

use super::framing::{Way, end, feed, pipe, turn};

type Outcomes = Rc<RefCell<Vec<Result<String, FrameErrorKind>>>>;

/// Collects in a task what a stream returns.
fn collect(mut stream: FramedStream<QIODevice, Lines>) -> (Outcomes, Rc<Cell<bool>>) {
    let (outcomes, ended) = (Outcomes::default(), Rc::new(Cell::new(false)));
    let (list, flag) = (outcomes.clone(), ended.clone());
    spawn_local(async move {
        while let Some(message) = stream.next().await {
            list.borrow_mut().push(message.map_err(|error| error.kind()));
        }
        flag.set(true);
    });
    turn();
    (outcomes, ended)
}

#[test]
fn a_task_takes_the_messages_instead_of_the_slots() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, Lines::new());
    let spy = QSignalSpy::new(&framed.message);
    let mut stream = framed.stream();
    feed(&device, &pipe, b"one\ntwo\nthree\n", Way::Copied);
    assert_eq!(spy.count(), 0);
    // It takes only what it asks for.
    assert_eq!(block_on(stream.next()).unwrap().unwrap().unwrap(), "one");
    assert_eq!(device.peek(100), b"two\nthree\n");
    drop(stream);
    turn();
    assert_eq!(spy.values(), ["two", "three"]);
}

#[test]
fn a_task_waits_for_messages_and_for_the_end() {
    let (device, pipe) = pipe();
    let (lines, ended) = collect(Framed::new(&device, Lines::new()).stream());
    for piece in ["o", "ne\ntw", "o\n"] {
        feed(&device, &pipe, piece.as_bytes(), Way::Backend);
        turn();
    }
    assert_eq!(*lines.borrow(), [Ok("one".to_owned()), Ok("two".to_owned())]);
    assert!(!ended.get());
    end(&device, &pipe);
    turn();
    assert!(ended.get());
    assert_eq!(lines.borrow().len(), 2);
}

#[test]
fn an_error_is_the_last_that_a_task_receives() {
    let (device, pipe) = pipe();
    let (lines, ended) = collect(Framed::new(&device, Lines::new()).stream());
    feed(&device, &pipe, b"one\n\xff\ntwo\n", Way::Copied);
    turn();
    assert_eq!(*lines.borrow(), [Ok("one".to_owned()), Err(FrameErrorKind::Invalid)]);
    assert!(ended.get());

    let (device, pipe) = self::pipe();
    let (lines, ended) = collect(Framed::new(&device, Lines::new()).stream());
    feed(&device, &pipe, b"half", Way::Copied);
    end(&device, &pipe);
    turn();
    assert_eq!(*lines.borrow(), [Err(FrameErrorKind::Incomplete)]);
    assert!(ended.get());
}

#[test]
fn closing_detaching_and_another_stream_end_a_stream() {
    for way in 0..4 {
        let (device, _pipe) = pipe();
        let framed = Framed::new(&device, Lines::new());
        let (lines, ended) = collect(framed.stream());
        assert!(!ended.get());
        let mut other = None;
        match way {
            0 => device.close(),
            1 => drop(framed.detach()),
            2 => other = Some(framed.stream()),
            _ => {
                let parent = QObject::new();
                device.set_parent(Some(&parent));
                drop(parent);
                assert!(device.is_deleted());
            }
        }
        turn();
        assert!(ended.get(), "{way}");
        assert!(lines.borrow().is_empty());
        drop(other);
    }
}

#[test]
fn a_codec_set_by_a_slot_serves_a_task_that_waits() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, LengthPrefix::new(PrefixSize::U32));
    let mut stream = framed.stream();
    let task = spawn_local(async move { stream.next().await });
    feed(&device, &pipe, b"\x02hi", Way::Copied);
    turn();
    assert!(!task.is_finished());
    framed.set_codec(LengthPrefix::new(PrefixSize::U8));
    assert_eq!(block_on(task).unwrap().unwrap().unwrap().unwrap(), b"hi");
}

#[test]
fn sending_waits_for_room() {
    let (device, pipe) = pipe();
    let mut stream = Framed::new(&device, Lines::new()).stream();
    stream.set_write_limit(10);
    pipe.unsent.set(10);
    let task = spawn_local(async move {
        stream.send("late").await?;
        stream.shutdown().await?;
        assert_eq!(stream.send("too late").await.unwrap_err(), FrameErrorKind::Device);
        Ok::<_, FrameError>(())
    });
    turn();
    assert!(pipe.written.borrow().is_empty());
    pipe.unsent.set(0);
    device.bytes_written.emit(10);
    block_on(task).unwrap().unwrap().unwrap();
    assert_eq!(*pipe.written.borrow(), b"late\n");
}

#[test]
fn a_buffer_ends_where_its_bytes_end() {
    let buffer = QBuffer::new();
    buffer.set_data(b"one\ntwo");
    buffer.open(OpenMode::READ_ONLY).unwrap();
    let mut stream = Framed::new(&buffer, Lines::new().allow_unterminated()).stream();
    let all = block_on(async move {
        let mut all = Vec::new();
        while let Some(line) = stream.next().await {
            all.push(line.unwrap());
        }
        all
    });
    assert_eq!(all.unwrap(), ["one", "two"]);
}

#[test]
fn the_signals_can_be_awaited_too() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, Lines::new());
    let next = framed.message.next();
    spawn_local(async move {
        sleep(0).await;
        feed(&device, &pipe, b"one\n", Way::Copied);
        sleep(100).await;
    });
    assert_eq!(block_on(timeout(5000, next)).unwrap().unwrap().unwrap(), "one");
}

#[test]
fn a_call_that_is_cancelled_loses_nothing() {
    let (device, pipe) = pipe();
    let mut stream = Framed::new(&device, Lines::new()).stream();
    feed(&device, &pipe, b"on", Way::Copied);
    let outcome = block_on(async move {
        assert!(timeout(1, stream.next()).await.is_err());
        feed(&device, &pipe, b"e\n", Way::Copied);
        stream.next().await
    });
    assert_eq!(outcome.unwrap().unwrap().unwrap(), "one");
}

#[cfg(feature = "futures")]
#[test]
fn a_stream_is_a_stream_and_a_sink() {
    use std::{future::poll_fn, pin::Pin};

    use futures_core::Stream;
    use futures_sink::Sink;

    let (device, pipe) = pipe();
    let mut stream = Framed::new(&device, Lines::new()).stream();
    feed(&device, &pipe, b"question\n", Way::Copied);
    block_on(async move {
        let mut stream = Pin::new(&mut stream);
        let question = poll_fn(|context| stream.as_mut().poll_next(context)).await;
        assert_eq!(question.unwrap().unwrap(), "question");
        poll_fn(|context| Sink::<&str>::poll_ready(stream.as_mut(), context)).await.unwrap();
        stream.as_mut().start_send("answer").unwrap();
        poll_fn(|context| Sink::<&str>::poll_flush(stream.as_mut(), context)).await.unwrap();
        poll_fn(|context| Sink::<&str>::poll_close(stream.as_mut(), context)).await.unwrap();
    })
    .unwrap();
    assert_eq!(*pipe.written.borrow(), b"answer\n");
}

#[test]
fn messages_go_on_when_lent_bytes_are_back() {
    // A task takes the messages.
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, Lines::new());
    let mut stream = framed.stream();
    feed(&device, &pipe, b"one\ntwo\n", Way::Copied);
    let lent = device.fill_buf().unwrap();
    assert_eq!(*lent, *b"one\ntwo\n");
    let seen = Rc::new(RefCell::new(Vec::new()));
    let list = seen.clone();
    spawn_local(async move {
        while let Some(Ok(line)) = stream.next().await {
            list.borrow_mut().push(line);
        }
    });
    turn();
    assert!(seen.borrow().is_empty());
    drop(lent);
    turn();
    turn();
    assert_eq!(*seen.borrow(), ["one", "two"]);

    // Slots take the messages.
    let (device, pipe) = super::framing::pipe();
    let framed = Framed::new(&device, Lines::new());
    let spy = QSignalSpy::new(&framed.message);
    framed.pause();
    feed(&device, &pipe, b"one\ntwo\n", Way::Copied);
    let lent = device.fill_buf().unwrap();
    framed.resume();
    turn();
    assert_eq!(spy.count(), 0);
    drop(lent);
    turn();
    assert_eq!(spy.values(), ["one", "two"]);
}
