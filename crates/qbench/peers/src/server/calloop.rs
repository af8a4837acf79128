//! calloop, level-triggered.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
};

use calloop::{
    EventLoop, Interest, LoopHandle, Mode as Trigger, PostAction, Readiness,
    generic::{Generic, NoIoDrop},
};

use crate::{Count, Mode, listening};

pub(crate) fn serve(mode: Mode) {
    let mut event_loop: EventLoop<'_, ()> = EventLoop::try_new().expect("descriptors are free");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listening(listener.local_addr().expect("an address").port());
    listener.set_nonblocking(true).expect("a socket");
    let handle = event_loop.handle();
    let source = Generic::new(listener, Interest::READ, Trigger::Level);
    let on_ready = move |_, listener: &mut NoIoDrop<TcpListener>, (): &mut ()| {
        while let Ok((stream, _)) = listener.accept() {
            add(&handle, stream, mode)?;
        }
        Ok(PostAction::Continue)
    };
    event_loop.handle().insert_source(source, on_ready).expect("a source");
    event_loop.run(None, &mut (), |()| ()).expect("a loop");
}

fn add(handle: &LoopHandle<'_, ()>, stream: TcpStream, mode: Mode) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let interest = if mode == Mode::Source { Interest::BOTH } else { Interest::READ };
    let source = Generic::new(stream, interest, Trigger::Level);
    let (mut buffer, mut count) = ([0; 64 * 1024], Count::default());
    if mode == Mode::Echo {
        let on_ready = |_, stream: &mut NoIoDrop<TcpStream>, (): &mut ()| {
            let (mut stream, mut buffer) = (&**stream, [0; 4096]);
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => Ok(PostAction::Remove),
                Ok(length) => {
                    stream.write_all(&buffer[..length])?;
                    Ok(PostAction::Continue)
                }
            }
        };
        handle.insert_source(source, on_ready).map_err(|error| error.error)?;
        return Ok(());
    }
    let on_ready = move |ready: Readiness, stream: &mut NoIoDrop<TcpStream>, (): &mut ()| {
        let mut stream = &**stream;
        if ready.readable {
            let length = match stream.read(&mut buffer) {
                Ok(0) | Err(_) => return Ok(PostAction::Remove),
                Ok(length) => length,
            };
            if mode == Mode::Source {
                count.ask(&buffer[..length]);
            } else if let Some(answer) = count.sink(&buffer[..length]) {
                stream.write_all(&answer)?;
            }
        }
        while mode == Mode::Source && !count.supply().is_empty() {
            match stream.write(count.supply()) {
                Ok(sent) => count.sent(sent),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return Ok(PostAction::Remove),
            }
        }
        Ok(PostAction::Continue)
    };
    handle.insert_source(source, on_ready).map_err(|error| error.error)?;
    Ok(())
}
