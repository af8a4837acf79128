//! Ends that are tasks: they read and write through a stream, and close each direction by itself.

use std::{rc::Rc, time::Duration};

use qcore::{
    DeviceError, spawn_local,
    task::{ScopedTask, sleep, timeout},
};

use super::{end::End, socket::with};

/// Starts the task of an end. The end owns it.
pub(super) fn converse(end: &Rc<End>) -> ScopedTask<()> {
    let world = end.world.clone();
    let (log, socket) = (end.log.clone(), end.socket.clone());
    let is_client = end.is_client;
    spawn_local(async move {
        if is_client {
            let is_connected = with!(&socket, socket => socket.connected().await.is_ok());
            if !is_connected {
                return;
            }
        }
        let (mut reader, mut writer) = socket.stream().split();
        drop(socket);
        let writing = {
            let (log, world) = (log.clone(), world.clone());
            spawn_local(async move {
                while log.left_to_write() > 0 {
                    let most = log.left_to_write().min(64 * 1024) as usize;
                    let data = log.to_write(1 + world.random.size(most.max(2)).min(most - 1));
                    log.wrote(data.len());
                    writer.write_all(&data).await?;
                    if world.random.one_in(8) {
                        sleep(Duration::from_millis(world.random.below(20) as u64)).await;
                    }
                }
                writer.shutdown().await?;
                log.sent_all.set(true);
                Ok::<_, DeviceError>(())
            })
            .scoped()
        };
        let mut buffer = vec![0; 1 + world.random.size(64 * 1024)];
        loop {
            let limit = Duration::from_millis(1 + world.random.size(2000) as u64);
            match timeout(limit, reader.read(&mut buffer)).await {
                // The dropped future has lost no bytes.
                Err(_) => {}
                Ok(Ok(0)) => break log.saw_end.set(true),
                Ok(Ok(count)) => log.take(&buffer[..count]),
                Ok(Err(_)) => return,
            }
        }
        drop(buffer);
        // A task that was aborted or has failed is the end of this one, too.
        let _ = writing.await;
    })
    .scoped()
}
