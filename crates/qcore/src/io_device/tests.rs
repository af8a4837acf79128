//! The size of a device.

use super::DeviceNode;
use crate::classes::Life;

/// The C library gives memory in steps of 16 bytes. Each idle connection has one of each.
#[test]
fn a_device_is_small() {
    assert_eq!(size_of::<DeviceNode>(), 264);
    assert_eq!(size_of::<Life>(), 168);
}
