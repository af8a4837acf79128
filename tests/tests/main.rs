//! The integration tests, one module a subject, in one binary: linking a binary for each file would
//! take longer than compiling the tests. A test that counts or changes what belongs to the whole
//! process runs in a process of its own, by `in_child!`.

mod adopting;
mod adopting_pipes;
mod application_proxies;
mod binding;
mod channels;
mod connecting;
mod datagram_warnings;
mod datagrams;
mod descriptors;
mod dropping;
mod exhaustion;
mod icmp;
mod idle;
mod layers;
mod layout;
mod limits;
mod local;
mod local_descriptors;
mod local_files;
mod numbers;
mod paced_reading;
mod panics;
mod proxied_datagrams;
mod proxied_servers;
mod proxies;
mod qsslsocket;
mod qsslsocket_transfer;
mod qt_behaviour;
mod qtcpsocket;
mod qudpsocket;
mod quitting;
mod real_proxies;
mod servers;
mod socket_warnings;
mod ssl_connections;
mod ssl_interop;
mod ssl_peers;
mod ssl_reentry;
mod ssl_server;
mod threads;
mod transfer;
mod unsent;
mod waiting;
mod warned;
