//! The tests of the public interface, one module a subject, in one binary: linking a binary for
//! each file would take longer than compiling the tests. `Cargo.toml` says which tests need a
//! process of their own.

mod ack_queue;
#[cfg(feature = "tasks")]
mod awaited_signals;
#[cfg(feature = "tasks")]
mod awaited_threads;
mod borrowed_reading;
mod buffers;
mod classes;
mod common;
mod connections;
mod data_stream;
mod data_stream_devices;
mod data_stream_properties;
mod data_stream_status;
mod data_stream_types;
mod deletion;
mod device_model;
mod devices;
mod event_loop;
mod event_order;
mod events;
#[cfg(feature = "tasks")]
mod framed_streams;
mod framing;
mod gathered_calls;
mod length_prefixes;
mod mistakes;
#[cfg(feature = "tasks")]
mod nested_tasks;
mod objects;
mod own_receivers;
mod panics;
mod properties;
mod qthread;
mod queued;
mod reading;
mod remote;
mod send_sync;
mod signal_blocking;
mod signal_model;
mod signals;
mod slots;
mod socket_notifier;
#[cfg(feature = "tasks")]
mod tasks;
mod text_stream;
mod text_stream_closing;
mod text_stream_devices;
mod text_stream_goldens;
mod thread_edges;
mod thread_pool;
mod threads;
mod timer_slots;
mod timers;
mod unread;
mod worker_signals;
