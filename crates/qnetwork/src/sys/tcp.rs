//! Settings and figures of TCP. Linux has them; the functions for other systems return an error.

use std::time::Duration;

use super::Socket;
use crate::common::{KeepAlive, SocketError, TcpInfo};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use std::{io, mem::MaybeUninit, os::fd::AsRawFd};

    use socket2::{Protocol, SockRef, TcpKeepalive};

    use super::*;
    use crate::common::SocketErrorKind;

    /// The greatest number of seconds and of probes that Linux takes.
    const MOST_SECONDS: u64 = 32_767;
    const MOST_PROBES: u32 = 127;

    pub(crate) fn set_keep_alive(
        socket: &Socket,
        value: Option<KeepAlive>,
    ) -> Result<(), SocketError> {
        let socket = tcp(socket)?;
        if let Some(KeepAlive { idle, interval, count }) = value {
            // Checked before anything is set, so that an error changes nothing.
            let (idle, interval) = (whole_seconds(idle)?, whole_seconds(interval)?);
            if !(1..=MOST_PROBES).contains(&count) {
                return Err(out_of_range());
            }
            let times = TcpKeepalive::new().with_time(idle).with_interval(interval);
            socket.set_tcp_keepalive(&times.with_retries(count)).map_err(|error| failed(&error))?;
        }
        socket.set_keepalive(value.is_some()).map_err(|error| failed(&error))
    }

    pub(crate) fn keep_alive(socket: &Socket) -> Result<Option<KeepAlive>, SocketError> {
        let socket = tcp(socket)?;
        let read = || {
            if !socket.keepalive()? {
                return Ok(None);
            }
            Ok(Some(KeepAlive {
                idle: socket.tcp_keepalive_time()?,
                interval: socket.tcp_keepalive_interval()?,
                count: socket.tcp_keepalive_retries()?,
            }))
        };
        read().map_err(|error| failed(&error))
    }

    pub(crate) fn set_user_timeout(
        socket: &Socket,
        value: Option<Duration>,
    ) -> Result<(), SocketError> {
        let socket = tcp(socket)?;
        if value.is_some_and(|value| value.is_zero() || value.as_millis() > i32::MAX as u128) {
            return Err(out_of_range());
        }
        // The system counts whole milliseconds, and 0 means none.
        let value = value.map(|value| value.max(Duration::from_millis(1)));
        socket.set_tcp_user_timeout(value).map_err(|error| failed(&error))
    }

    pub(crate) fn user_timeout(socket: &Socket) -> Result<Option<Duration>, SocketError> {
        let socket = tcp(socket)?;
        let value = socket.tcp_user_timeout().map_err(|error| failed(&error))?;
        Ok(value.filter(|value| !value.is_zero()))
    }

    pub(crate) fn tcp_info(socket: &Socket) -> Result<TcpInfo, SocketError> {
        let socket = tcp(socket)?;
        let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
        let mut size = size_of::<libc::tcp_info>() as libc::socklen_t;
        // SAFETY: the system writes at most `size` bytes to `info`, and a size to `size`; both live
        // during the call, and the descriptor is open as long as it is borrowed.
        let done = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_INFO,
                info.as_mut_ptr().cast(),
                &raw mut size,
            )
        };
        if done != 0 {
            return Err(failed(&io::Error::last_os_error()));
        }
        // SAFETY: the structure consists of numbers. Those that the system has not written are 0.
        let info = unsafe { info.assume_init() };
        let micros = |count: u32| Duration::from_micros(count.into());
        let millis = |count: u32| Duration::from_millis(count.into());
        Ok(TcpInfo {
            round_trip_time: micros(info.tcpi_rtt),
            round_trip_variation: micros(info.tcpi_rttvar),
            retransmission_timeout: micros(info.tcpi_rto),
            unacknowledged_segments: info.tcpi_unacked,
            lost_segments: info.tcpi_lost,
            retransmits: info.tcpi_retransmits.into(),
            total_retransmits: info.tcpi_total_retrans,
            congestion_window: info.tcpi_snd_cwnd,
            segment_size: info.tcpi_snd_mss,
            path_mtu: info.tcpi_pmtu,
            since_data_sent: millis(info.tcpi_last_data_sent),
            since_data_received: millis(info.tcpi_last_data_recv),
            since_ack_received: millis(info.tcpi_last_ack_recv),
        })
    }

    /// Fails unless this is a TCP socket. For others the system may take an option that has no
    /// effect.
    fn tcp(socket: &Socket) -> Result<SockRef<'_>, SocketError> {
        let socket = SockRef::from(socket);
        match socket.protocol() {
            Ok(Some(Protocol::TCP)) => Ok(socket),
            _ => Err(SocketError::unsupported()),
        }
    }

    fn whole_seconds(time: Duration) -> Result<Duration, SocketError> {
        let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
        match seconds {
            1..=MOST_SECONDS => Ok(Duration::from_secs(seconds)),
            _ => Err(out_of_range()),
        }
    }

    fn out_of_range() -> SocketError {
        let kind = SocketErrorKind::UnsupportedSocketOperation;
        SocketError::new(kind, "The system does not have this value")
    }

    fn failed(error: &io::Error) -> SocketError {
        match error.raw_os_error() {
            Some(libc::ENOPROTOOPT | libc::EOPNOTSUPP | libc::ENOTSOCK) => {
                SocketError::unsupported()
            }
            Some(libc::EINVAL) => out_of_range(),
            _ => crate::sys::other_error(error),
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use super::*;

    pub(crate) fn set_keep_alive(_: &Socket, _: Option<KeepAlive>) -> Result<(), SocketError> {
        Err(SocketError::unsupported())
    }

    pub(crate) fn keep_alive(_: &Socket) -> Result<Option<KeepAlive>, SocketError> {
        Err(SocketError::unsupported())
    }

    pub(crate) fn set_user_timeout(_: &Socket, _: Option<Duration>) -> Result<(), SocketError> {
        Err(SocketError::unsupported())
    }

    pub(crate) fn user_timeout(_: &Socket) -> Result<Option<Duration>, SocketError> {
        Err(SocketError::unsupported())
    }

    pub(crate) fn tcp_info(_: &Socket) -> Result<TcpInfo, SocketError> {
        Err(SocketError::unsupported())
    }
}

pub(crate) use self::system::{
    keep_alive, set_keep_alive, set_user_timeout, tcp_info, user_timeout,
};
