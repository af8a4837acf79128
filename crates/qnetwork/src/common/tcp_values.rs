//! Settings and figures of the system's TCP.

use std::time::Duration;

/// When the system probes an idle TCP connection, and when it gives the connection up.
///
/// The value of [`set_keep_alive`](crate::QAbstractSocket::set_keep_alive).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeepAlive {
    /// How long nothing has to arrive before the first probe: whole seconds, 1 to 32,767. A part of
    /// a second counts as a whole one. Linux has 2 hours by default.
    pub idle: Duration,
    /// The time between two probes: whole seconds, 1 to 32,767. Linux has 75 seconds by default.
    pub interval: Duration,
    /// How many probes in a row may stay without an answer: 1 to 127. Linux has 9 by default.
    pub count: u32,
}

/// What the system knows about a TCP connection.
///
/// The value of [`tcp_info`](crate::QAbstractSocket::tcp_info).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TcpInfo {
    /// The mean round-trip time, as the system has measured it.
    pub round_trip_time: Duration,
    /// The mean deviation of the round-trip time.
    pub round_trip_variation: Duration,
    /// How long the system waits for an acknowledgement before it sends a segment again.
    pub retransmission_timeout: Duration,
    /// How many segments are on the way and not acknowledged.
    pub unacknowledged_segments: u32,
    /// How many of them the system takes for lost.
    pub lost_segments: u32,
    /// How often in a row the system has sent the same segment again. 0 means that the other end
    /// answers.
    pub retransmits: u32,
    /// How many segments were sent again since the connection was made.
    pub total_retransmits: u32,
    /// How many segments may be on the way at most.
    pub congestion_window: u32,
    /// The greatest size of a segment that is sent, in bytes.
    pub segment_size: u32,
    /// The greatest size of a packet on the path to the other end, in bytes.
    pub path_mtu: u32,
    /// The time since data was last sent.
    pub since_data_sent: Duration,
    /// The time since data last arrived.
    pub since_data_received: Duration,
    /// The time since an acknowledgement last arrived.
    pub since_ack_received: Duration,
}
