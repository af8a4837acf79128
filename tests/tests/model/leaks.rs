//! What random programs leave behind: nothing.

use integration::in_child;

use super::{
    datagrams::Letters,
    driver::{expect_no_leaks, expect_same_logs},
    frames::Messages,
    links::Link,
    servers::Crowd,
    streams::{Local, Proxied, Session, Ssl, Tcp},
    tasks::Tasks,
};

#[test]
fn nothing_is_left() {
    if !in_child!("nothing_is_left", 256) {
        return;
    }
    expect_no_leaks::<Session<Tcp>>(30);
    expect_no_leaks::<Session<Local>>(30);
    expect_no_leaks::<Session<Ssl>>(20);
    expect_no_leaks::<Session<Proxied>>(20);
    expect_no_leaks::<Messages>(20);
    expect_no_leaks::<Tasks>(20);
    expect_no_leaks::<Crowd>(20);
    expect_no_leaks::<Letters>(20);
    expect_no_leaks::<Link>(20);
}

/// The kinds that encrypt are missing: keys and signatures of TLS are random.
#[test]
fn a_seed_determines_everything() {
    expect_same_logs::<Session<Tcp>>(20);
    expect_same_logs::<Session<Local>>(20);
    expect_same_logs::<Letters>(20);
}
