//! Other systems report interfaces through `getifaddrs`. It returns no maximum transmission units,
//! no lifetimes of addresses, and only a few types.

use std::net::IpAddr;

use getifaddrs::{Address, Interface, InterfaceFlags as SystemFlags};

use super::{
    Link, LinkAddress,
    kind::{InterfaceFlags, InterfaceType},
    warn,
};
use crate::sys;

/// Returns the interfaces with their addresses, in the system's order. If the system does not
/// answer, the function logs a warning and returns none.
pub(crate) fn links() -> Vec<Link> {
    let interfaces = match getifaddrs::getifaddrs() {
        Ok(interfaces) => interfaces,
        Err(error) => {
            warn("QNetworkInterface/getifaddrs: no answer", &error);
            return Vec::new();
        }
    };
    let mut links: Vec<Link> = Vec::new();
    for interface in interfaces {
        let at = links.iter().position(|link| link.name == interface.name);
        let at = at.unwrap_or_else(|| {
            links.push(link(&interface));
            links.len() - 1
        });
        add(&mut links[at], interface.address);
    }
    links
}

fn link(interface: &Interface) -> Link {
    let flags = interface.flags;
    let kind = match flags.contains(SystemFlags::LOOPBACK) {
        true => InterfaceType::Loopback,
        false => InterfaceType::Unknown,
    };
    Link {
        index: interface.index.unwrap_or_else(|| sys::interface_index(&interface.name)),
        name: interface.name.clone(),
        flags: [
            (SystemFlags::UP, InterfaceFlags::IS_UP),
            (SystemFlags::RUNNING, InterfaceFlags::IS_RUNNING),
            (SystemFlags::BROADCAST, InterfaceFlags::CAN_BROADCAST),
            (SystemFlags::LOOPBACK, InterfaceFlags::IS_LOOP_BACK),
            (SystemFlags::POINTTOPOINT, InterfaceFlags::IS_POINT_TO_POINT),
            (SystemFlags::MULTICAST, InterfaceFlags::CAN_MULTICAST),
        ]
        .into_iter()
        .filter_map(|(system, flag)| flags.contains(system).then_some(flag))
        .collect(),
        kind,
        ..Link::default()
    }
}

fn add(link: &mut Link, address: Address) {
    let (ip, netmask, broadcast): (IpAddr, Option<IpAddr>, Option<IpAddr>) = match address {
        Address::Mac(bytes) => {
            link.hardware_address = bytes.to_vec();
            return;
        }
        Address::V4(address) => {
            let broadcasts = link.flags.contains(InterfaceFlags::CAN_BROADCAST);
            let broadcast = address.associated_address.filter(|_| broadcasts);
            (address.address.into(), address.netmask.map(Into::into), broadcast.map(Into::into))
        }
        Address::V6(address) => (address.address.into(), address.netmask.map(Into::into), None),
    };
    let prefix_length = netmask.map(|netmask| match netmask {
        IpAddr::V4(mask) => mask.to_bits().leading_ones() as u8,
        IpAddr::V6(mask) => mask.to_bits().leading_ones() as u8,
    });
    link.addresses.push(LinkAddress { ip, broadcast, prefix_length, lifetimes: None });
}
