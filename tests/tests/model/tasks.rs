//! Two programs of tasks: each end has one that writes and one that reads. Time-outs drop their
//! futures in the middle.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use integration::local::Dir;
use qcore::{
    DeviceError, block_on,
    io_device::{ReadHalf, WriteHalf},
    spawn_local,
    task::{sleep, timeout},
};
use qnetwork::{
    QAbstractSocket, QLocalSocket, SocketState,
    simulation::{Network, Simulation},
};

use super::{
    conn::{Class, Conn},
    dice::Dice,
    driver::{Program, check, until, without},
    net::{Mischief, Wire},
    run::{Run, pattern},
    streams::{LIMIT, Scene, Transport, expect_closed},
};

#[derive(Clone, Copy, Debug)]
enum Step {
    WriteAll(usize),
    /// Writes, and gives up after some milliseconds.
    Write(usize, i32),
    Flush,
    WriteLimit(usize),
    Read(usize),
    /// Reads, and gives up after some milliseconds.
    ReadWithin(usize, i32),
    ReadLineWithin(i32),
    ReadExact(usize),
    ReadChunk,
    FillBuffer(usize),
    /// The reader, or the writer, sleeps.
    Sleep(bool, i32),
}

impl Step {
    fn writes(self) -> bool {
        match self {
            Step::WriteAll(_) | Step::Write(..) | Step::Flush | Step::WriteLimit(_) => true,
            Step::Sleep(writes, _) => writes,
            _ => false,
        }
    }

    fn random(dice: &mut Dice) -> Self {
        match dice.below(20) {
            0..5 => Step::WriteAll(dice.size()),
            5..8 => Step::Write(dice.size(), dice.millis(50)),
            8 => Step::Flush,
            9 => Step::WriteLimit(1 + dice.size()),
            10 | 11 => Step::Read(1 + dice.size()),
            12 | 13 => Step::ReadWithin(1 + dice.size(), dice.millis(50)),
            14 => Step::ReadLineWithin(dice.millis(50)),
            15 => Step::ReadExact(dice.size()),
            16 => Step::ReadChunk,
            17 => Step::FillBuffer(dice.size()),
            _ => Step::Sleep(dice.one_in(2), dice.millis(100)),
        }
    }
}

/// How many rounds of the loop a write limit may cost. Under a limit of one byte, each byte of a
/// large write takes a round.
const ROUNDS: usize = 500;

/// Raises write limits that are far too small for what an end writes after them.
fn raise_limits(steps: &mut [(usize, Step)]) {
    let mut later = [0; 2];
    for (side, step) in steps.iter_mut().rev() {
        match step {
            Step::WriteAll(size) | Step::Write(size, _) => later[*side] += *size,
            Step::WriteLimit(limit) => *limit = (*limit).max(later[*side] / ROUNDS),
            _ => {}
        }
    }
}

/// Makes the writing steps of an end, and closes its half.
async fn write(run: &Run, side: usize, mut half: WriteHalf, steps: Vec<Step>, encrypts: bool) {
    let end = &run.ends[side];
    let mut ended = false;
    for step in steps {
        let at = end.written.load(Relaxed);
        let result = match step {
            Step::WriteAll(size) => {
                end.offered.store(at + size as u64, Relaxed);
                let data = pattern(side, at, size);
                let result = half.write_all(&data).await;
                if result.is_ok() {
                    end.written.store(at + size as u64, Relaxed);
                }
                result
            }
            Step::Write(size, millis) => {
                let data = pattern(side, at, size);
                end.offered.store(at + size as u64, Relaxed);
                match timeout(millis, half.write(&data)).await {
                    Ok(Ok(count)) => {
                        end.written.store(at + count as u64, Relaxed);
                        Ok(())
                    }
                    Ok(Err(error)) => Err(error),
                    // Cancel safe: nothing was written.
                    Err(_) => Ok(()),
                }
            }
            Step::Flush => half.flush().await,
            Step::WriteLimit(size) => {
                half.set_write_limit(size);
                Ok(())
            }
            Step::Sleep(_, millis) => {
                sleep(millis).await;
                Ok(())
            }
            _ => Ok(()),
        };
        end.offered.store(end.written.load(Relaxed), Relaxed);
        if let Err(error) = result {
            report(run, side, "write", &error);
            ended = true;
            break;
        }
    }
    end.is_done.store(true, Relaxed);
    // A socket without a stream disconnects when the other end has closed one half.
    let mut pause = 1;
    while !run.both(|end| &end.has_stream) && timeout(pause, half.closed()).await.is_err() {
        pause = (pause * 2).min(1000);
    }
    // The end of TLS ends both directions. So both ends wait until everything has arrived.
    pause = 1;
    while encrypts && !ended && !has_all(run) {
        ended = half.flush().await.is_err() || timeout(pause, half.closed()).await.is_ok();
        pause = (pause * 2).min(1000);
    }
    if !ended && let Err(error) = half.shutdown().await {
        report(run, side, "shutdown", &error);
    }
}

/// Returns whether both ends have written everything and received everything.
fn has_all(run: &Run) -> bool {
    let [a, b] = &run.ends;
    let count = |number: &AtomicU64| number.load(Relaxed);
    run.both(|end| &end.is_done)
        && count(&a.received) == count(&b.written)
        && count(&b.received) == count(&a.written)
}

fn report(run: &Run, side: usize, what: &str, error: &DeviceError) {
    if !run.is_broken.load(Relaxed) {
        run.fail(format!("end {side} cannot {what}: {error}"));
    }
}

/// Makes the reading steps of an end, and reads to the end of the stream.
async fn read(run: &Run, side: usize, mut half: ReadHalf, steps: Vec<Step>) {
    let mut buffer = vec![0; 70_000];
    let mut steps = steps.into_iter();
    loop {
        let step = steps.next().unwrap_or(Step::Read(70_000));
        let result = match step {
            Step::Read(size) => {
                let size = size.min(buffer.len());
                match half.read(&mut buffer[..size]).await {
                    Ok(0) => return,
                    Ok(count) => {
                        run.receive(side, &buffer[..count]);
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            }
            Step::ReadWithin(size, millis) => {
                let size = size.min(buffer.len());
                match timeout(millis, half.read(&mut buffer[..size])).await {
                    Ok(Ok(0)) => return,
                    Ok(Ok(count)) => {
                        run.receive(side, &buffer[..count]);
                        Ok(())
                    }
                    Ok(Err(error)) => Err(error),
                    Err(_) => Ok(()),
                }
            }
            Step::ReadLineWithin(millis) => match timeout(millis, half.read_line()).await {
                Ok(Ok(None)) => return,
                Ok(Ok(Some(line))) => {
                    run.receive(side, &line);
                    Ok(())
                }
                Ok(Err(error)) => Err(error),
                Err(_) => Ok(()),
            },
            Step::ReadChunk => match half.read_chunk().await {
                Ok(chunk) if chunk.is_empty() => return,
                Ok(chunk) => {
                    run.receive(side, &chunk);
                    Ok(())
                }
                Err(error) => Err(error),
            },
            Step::FillBuffer(size) => match half.fill_buf().await {
                Ok(filled) => {
                    if filled.is_empty() {
                        return;
                    }
                    let count = filled.len().min(1 + size);
                    run.receive(side, &filled[..count]);
                    filled.consume(count);
                    Ok(())
                }
                Err(error) => Err(error),
            },
            // The last bytes may be fewer than the reader wants, which it learns as an error.
            Step::ReadExact(size) => {
                let there = half.device().bytes_available().min(size).min(buffer.len());
                match half.read_exact(&mut buffer[..there]).await {
                    Ok(()) => {
                        run.receive(side, &buffer[..there]);
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            }
            Step::Sleep(_, millis) => {
                sleep(millis).await;
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err(error) = result {
            return report(run, side, "read", &error);
        }
    }
}

/// Runs both tasks of an end until they have ended.
async fn talk(run: Arc<Run>, side: usize, conn: Conn, steps: Vec<(usize, Step)>) {
    let own = steps.into_iter().filter(|(of, _)| *of == side).map(|(_, step)| step);
    let (writes, reads) = own.partition(|step: &Step| step.writes());
    let (reader, writer) = conn.device().stream().split();
    run.ends[side].has_stream.store(true, Relaxed);
    let (for_writer, for_reader) = (run.clone(), run.clone());
    let encrypts = conn.class() == Class::Ssl;
    let writing =
        spawn_local(async move { write(&for_writer, side, writer, writes, encrypts).await });
    let reading = spawn_local(async move { read(&for_reader, side, reader, reads).await });
    if writing.await.is_err() || reading.await.is_err() {
        run.fail(format!("a task of end {side} was aborted"));
    }
    match &conn {
        Conn::Inet(socket) => socket.disconnect_from_host(),
        Conn::Local(socket) => socket.disconnect_from_server(),
    }
    let ended = || conn.state() == SocketState::Unconnected;
    if timeout(1_000_000, disconnected(&conn)).await.is_err() && !ended() {
        run.fail(format!("end {side} does not end"));
    }
    run.ends[side].is_over.store(true, Relaxed);
}

async fn disconnected(conn: &Conn) {
    match conn {
        Conn::Inet(socket) => QAbstractSocket::disconnected(socket).await,
        Conn::Local(socket) => QLocalSocket::disconnected(socket).await,
    }
}

/// Two programs of tasks.
#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    transport: Transport,
    apart: bool,
    wire: Wire,
    mischief: [Mischief; 2],
    steps: Vec<(usize, Step)>,
}

impl Program for Tasks {
    const TEST: &'static str = "model::tasks::tasks";

    fn random(dice: &mut Dice) -> Self {
        let transports =
            [Transport::Tcp, Transport::Local, Transport::Ssl, Transport::Socks5, Transport::Http];
        let calm = |dice: &mut Dice| Mischief {
            no_buffers: 0.0,
            no_descriptors: 0.0,
            ..Mischief::random(dice)
        };
        let count = 1 + dice.count(40);
        let mut steps: Vec<_> = (0..count).map(|_| (dice.count(2), Step::random(dice))).collect();
        raise_limits(&mut steps);
        Tasks {
            transport: dice.pick(&transports),
            apart: dice.one_in(2),
            wire: Wire::random(dice),
            mischief: [calm(dice), calm(dice)],
            steps,
        }
    }

    fn run(&self, net: &Network) {
        let dir = Dir::new();
        let (scene, hosts) = Scene::new(net, self.transport, self.apart, &dir);
        let run = Arc::<Run>::default();
        net.set_default_link(self.wire.link());
        let serve = {
            let (scene, run, steps) = (scene.clone(), run.clone(), self.steps.clone());
            move || {
                let listener = scene.listen();
                let mut conn = None;
                until(LIMIT, || {
                    conn = listener.next();
                    conn.is_some() || run.ends[0].is_over.load(Relaxed)
                });
                drop(listener);
                if let Some(conn) = conn {
                    block_on(talk(run.clone(), 1, conn, steps)).unwrap();
                }
                run.ends[1].is_over.store(true, Relaxed);
            }
        };
        let listener = if self.apart {
            hosts[0].start(serve);
            // The server listens before calls fail.
            qnetwork::simulation::sleep(Duration::from_millis(1));
            hosts[1].set_faults(self.mischief[1].faults());
            None
        } else {
            Some(scene.listen())
        };
        net.main().set_faults(self.mischief[0].faults());
        let conn = scene.client();
        scene.connect(&conn);
        let ready = until(LIMIT, || conn.is_ready() || conn.state() == SocketState::Unconnected);
        if !ready || !conn.is_ready() {
            // The network may have lost each request for the connection.
            assert!(self.wire.loss > 0.0, "the client does not connect");
            run.is_broken.store(true, Relaxed);
            run.ends[0].is_over.store(true, Relaxed);
            drop((conn, listener));
            let over = || !self.apart || run.ends[1].is_over.load(Relaxed);
            assert!(until(LIMIT, over), "the server does not end");
            return expect_closed(net, &hosts);
        }
        let client = spawn_local(talk(run.clone(), 0, conn, self.steps.clone()));
        if let Some(listener) = &listener {
            let mut conn = None;
            until(LIMIT, || {
                conn = listener.next();
                conn.is_some()
            });
            let server = spawn_local(talk(run.clone(), 1, conn.unwrap(), self.steps.clone()));
            block_on(server).unwrap().unwrap();
        }
        block_on(client).unwrap().unwrap();
        let is_over = |flag: &AtomicBool| flag.load(Relaxed);
        let over = until(4 * LIMIT, || run.ends.iter().all(|end| is_over(&end.is_over)));
        assert!(over, "the tasks of the server do not end");
        drop(listener);
        expect_closed(net, &hosts);
        run.verdict(false, false);
        for side in 0..2 {
            let received = run.ends[side].received.load(Relaxed);
            let sent = run.ends[1 - side].written.load(Relaxed);
            assert_eq!(received, sent, "end {side} has not received everything");
        }
    }

    fn smaller(&self) -> Vec<Self> {
        let mut all: Vec<Self> =
            without(&self.steps).into_iter().map(|steps| Tasks { steps, ..self.clone() }).collect();
        all.push(Tasks { wire: Wire::default(), ..self.clone() });
        let calm = Mischief::default();
        all.push(Tasks { mischief: [calm, self.mischief[1]], ..self.clone() });
        all.push(Tasks { mischief: [self.mischief[0], calm], ..self.clone() });
        all
    }
}

#[test]
fn tasks() {
    check::<Tasks>();
}

/// An end of a local connection that has closed one half still receives.
#[test]
fn programs_that_have_failed() {
    let steps = [(0, Step::WriteAll(88_944)), (1, Step::WriteAll(14))];
    for transport in [Transport::Local, Transport::Tcp] {
        let program = Tasks {
            transport,
            apart: false,
            wire: Wire::default(),
            mischief: [Mischief::default(); 2],
            steps: steps.to_vec(),
        };
        Simulation::new(30).run(|net| program.run(net));
    }
}
