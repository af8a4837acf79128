//! Decides when a race tries which address of a host. This module has no clock and no socket: the
//! caller passes the time since the race began.

use std::{collections::VecDeque, time::Duration};

use crate::address::{NetworkLayerProtocol, QHostAddress};

/// How long after an attempt the next one begins, while the first one still runs (RFC 8305, section
/// 8).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// How long the race waits for the IPv6 addresses when it already has the IPv4 addresses.
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V6,
    V4,
}

impl Family {
    pub(super) const BOTH: [Family; 2] = [Family::V6, Family::V4];

    pub(super) fn of(address: &QHostAddress) -> Self {
        match address.protocol() {
            NetworkLayerProtocol::IPv6 => Family::V6,
            _ => Family::V4,
        }
    }

    pub(super) fn protocol(self) -> NetworkLayerProtocol {
        match self {
            Family::V6 => NetworkLayerProtocol::IPv6,
            Family::V4 => NetworkLayerProtocol::IPv4,
        }
    }

    fn other(self) -> Self {
        match self {
            Family::V6 => Family::V4,
            Family::V4 => Family::V6,
        }
    }
}

/// The next step of the race.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Begin to connect to this address now.
    Try(QHostAddress),
    /// Wait until this time; with `None`, until a look-up or an attempt ends.
    Wait(Option<Duration>),
    /// All attempts have failed, and there is no further address.
    Exhausted,
}

/// The addresses that have not been tried, and the times.
#[derive(Debug, Default)]
pub(super) struct Plan {
    waiting: [VecDeque<QHostAddress>; 2],
    /// The look-ups that have not been answered.
    asked: [bool; 2],
    /// The family of the next address, if it has one.
    turn: Option<Family>,
    has_begun: bool,
    /// No attempt begins before this time.
    not_before: Duration,
    /// How many attempts are running.
    running: usize,
}

impl Plan {
    /// Both families are being looked up.
    pub(super) fn ask(&mut self) {
        self.asked = [true; 2];
    }

    /// Adds the addresses of one family, which may be none: the answer to its look-up.
    pub(super) fn answer(&mut self, family: Family, addresses: Vec<QHostAddress>, now: Duration) {
        self.asked[family as usize] = false;
        let found = !addresses.is_empty();
        self.waiting[family as usize].extend(addresses);
        if self.has_begun {
            return;
        }
        self.not_before = match family {
            Family::V4 if found && self.asked[Family::V6 as usize] => now + RESOLUTION_DELAY,
            _ => now,
        };
    }

    /// Adds addresses of both families, in the order of preference.
    pub(super) fn add(&mut self, addresses: Vec<QHostAddress>) {
        if !self.has_begun {
            self.turn = addresses.first().map(Family::of);
        }
        for address in addresses {
            self.waiting[Family::of(&address) as usize].push_back(address);
        }
    }

    /// Returns whether an address may be tried now.
    pub(super) fn is_ready(&self, now: Duration) -> bool {
        self.has_waiting() && self.not_before <= now
    }

    pub(super) fn next(&mut self, now: Duration) -> Step {
        if !self.has_waiting() {
            let over = self.running == 0 && self.asked == [false; 2];
            return if over { Step::Exhausted } else { Step::Wait(None) };
        }
        if self.not_before > now {
            return Step::Wait(Some(self.not_before));
        }
        let turn = self.turn.unwrap_or(Family::V6);
        let family = if self.waiting[turn as usize].is_empty() { turn.other() } else { turn };
        let Some(address) = self.waiting[family as usize].pop_front() else {
            return Step::Wait(None);
        };
        self.turn = Some(family.other());
        self.has_begun = true;
        self.running += 1;
        self.not_before = now + ATTEMPT_DELAY;
        Step::Try(address)
    }

    /// An attempt has failed. The next one begins at once.
    pub(super) fn failed(&mut self, now: Duration) {
        self.running = self.running.saturating_sub(1);
        self.not_before = now;
    }

    fn has_waiting(&self) -> bool {
        self.waiting.iter().any(|addresses| !addresses.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::{Family::*, Step::*, *};

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn v4(last: u8) -> QHostAddress {
        IpAddr::from(Ipv4Addr::new(192, 0, 2, last)).into()
    }

    fn v6(last: u16) -> QHostAddress {
        IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last)).into()
    }

    #[test]
    fn families_alternate_250_ms_apart() {
        let mut plan = Plan::default();
        plan.add(vec![v6(1), v6(2), v4(1), v6(3), v4(2)]);
        for (index, address) in [v6(1), v4(1), v6(2), v4(2), v6(3)].into_iter().enumerate() {
            let now = at(250 * index as u64);
            assert_eq!(plan.next(now), Try(address));
            if index < 4 {
                assert_eq!(plan.next(now), Wait(Some(now + at(250))));
            }
        }
        assert_eq!(plan.next(at(9000)), Wait(None));
        (0..5).for_each(|_| plan.failed(at(9000)));
        assert_eq!(plan.next(at(9000)), Exhausted);
    }

    #[test]
    fn the_preferred_family_comes_first() {
        let mut plan = Plan::default();
        plan.add(vec![v4(1), v6(1), v4(2)]);
        assert_eq!(plan.next(at(0)), Try(v4(1)));
        assert_eq!(plan.next(at(250)), Try(v6(1)));
        assert_eq!(plan.next(at(500)), Try(v4(2)));
    }

    #[test]
    fn a_failure_begins_the_next_attempt() {
        let mut plan = Plan::default();
        plan.add(vec![v6(1), v4(1)]);
        assert_eq!(plan.next(at(0)), Try(v6(1)));
        plan.failed(at(10));
        assert_eq!(plan.next(at(10)), Try(v4(1)));
        assert_eq!(plan.next(at(10)), Wait(None));
    }

    #[test]
    fn ipv4_waits_50_ms_for_ipv6() {
        let mut plan = Plan::default();
        plan.ask();
        assert_eq!(plan.next(at(0)), Wait(None));
        plan.answer(V4, vec![v4(1)], at(100));
        assert!(!plan.is_ready(at(149)) && plan.is_ready(at(150)));
        assert_eq!(plan.next(at(100)), Wait(Some(at(150))));
        // IPv6 comes in time, and goes first.
        plan.answer(V6, vec![v6(1)], at(120));
        assert_eq!(plan.next(at(120)), Try(v6(1)));
        assert_eq!(plan.next(at(370)), Try(v4(1)));

        // It comes too late, and takes its turn.
        let mut plan = Plan::default();
        plan.ask();
        plan.answer(V4, vec![v4(1), v4(2)], at(0));
        assert_eq!(plan.next(at(50)), Try(v4(1)));
        plan.answer(V6, vec![v6(1)], at(60));
        assert_eq!(plan.next(at(60)), Wait(Some(at(300))));
        assert_eq!(plan.next(at(300)), Try(v6(1)));
        assert_eq!(plan.next(at(550)), Try(v4(2)));

        // IPv6 alone does not wait, and neither does IPv4 once there is no IPv6.
        let mut plan = Plan::default();
        plan.ask();
        plan.answer(V6, vec![v6(1)], at(0));
        assert_eq!(plan.next(at(0)), Try(v6(1)));
        let mut plan = Plan::default();
        plan.ask();
        plan.answer(V4, vec![v4(1)], at(0));
        plan.answer(V6, Vec::new(), at(7));
        assert_eq!(plan.next(at(7)), Try(v4(1)));
    }

    #[test]
    fn a_look_up_that_is_not_answered_keeps_the_race_open() {
        let mut plan = Plan::default();
        plan.ask();
        plan.answer(V6, vec![v6(1)], at(0));
        assert_eq!(plan.next(at(0)), Try(v6(1)));
        plan.failed(at(10));
        assert_eq!(plan.next(at(10)), Wait(None));
        plan.answer(V4, vec![v4(1)], at(500));
        assert_eq!(plan.next(at(500)), Try(v4(1)));
        plan.failed(at(510));
        assert_eq!(plan.next(at(510)), Exhausted);

        let mut plan = Plan::default();
        plan.ask();
        plan.answer(V6, Vec::new(), at(0));
        assert_eq!(plan.next(at(0)), Wait(None));
        plan.answer(V4, Vec::new(), at(0));
        assert_eq!(plan.next(at(0)), Exhausted);
    }

    proptest! {
        /// Whatever happens: each address is tried once, and no two attempts begin within 250 ms
        /// unless one has failed between them.
        #[test]
        fn each_address_is_tried_once(
            families: Vec<bool>,
            events in prop::collection::vec(0..4, 200),
        ) {
            let addresses: Vec<_> = (1..).zip(&families).map(|(number, is_v6)| match is_v6 {
                true => v6(number),
                false => IpAddr::from(Ipv4Addr::from(u32::from(number))).into(),
            }).collect();
            let mut plan = Plan::default();
            plan.add(addresses.clone());
            let (mut now, mut tried, mut earliest) = (Duration::ZERO, Vec::new(), Duration::ZERO);
            let mut running = 0;
            for event in events {
                match event {
                    0 if running > 0 => {
                        running -= 1;
                        plan.failed(now);
                        earliest = now;
                    }
                    1 => now += at(100),
                    2 => now += at(250),
                    _ => {}
                }
                if let Try(address) = plan.next(now) {
                    prop_assert!(now >= earliest);
                    earliest = now + at(250);
                    running += 1;
                    prop_assert!(!tried.contains(&address));
                    tried.push(address);
                }
            }
            while tried.len() < addresses.len() {
                now += at(250);
                let Try(address) = plan.next(now) else { panic!("an address is left") };
                running += 1;
                tried.push(address);
            }
            (0..running).for_each(|_| plan.failed(now));
            prop_assert_eq!(plan.next(now), Exhausted);
        }
    }
}
