//! The order of mail servers and of services.

use super::records::{QDnsMailExchangeRecord, QDnsServiceRecord};

/// Sorts mail servers by preference, and those with equal preference at random (RFC 5321, 5.1).
pub(super) fn sort_mail_exchanges(
    records: &mut [QDnsMailExchangeRecord],
    random: &mut impl FnMut() -> u32,
) {
    records.sort_by_cached_key(|record| (record.preference, random()));
}

/// Sorts services by priority. Among services with equal priority, it draws the next one with a
/// probability proportional to its weight (RFC 2782).
pub(super) fn sort_services(records: &mut [QDnsServiceRecord], random: &mut impl FnMut() -> u32) {
    // Within a priority, services of weight 0 come first, so that the draw rarely selects one.
    records.sort_by_key(|record| (record.priority, record.weight > 0));
    for equals in records.chunk_by_mut(|one, other| one.priority == other.priority) {
        let mut left: u64 = equals.iter().map(|record| u64::from(record.weight)).sum();
        for next in 0..equals.len() {
            // If all remaining weights are 0, each service has the same probability.
            let drawn = if left == 0 {
                next + random() as usize % (equals.len() - next)
            } else {
                position(&equals[next..], u64::from(random()) % (left + 1)) + next
            };
            left -= u64::from(equals[drawn].weight);
            // A rotation keeps services of weight 0 in front of the others.
            equals[next..=drawn].rotate_right(1);
        }
    }
}

/// Returns the index of the first record at which the sum of the weights reaches `mark`.
fn position(records: &[QDnsServiceRecord], mark: u64) -> usize {
    let mut sum = 0;
    let reached = records.iter().position(|record| {
        sum += u64::from(record.weight);
        sum >= mark
    });
    reached.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pseudo-random numbers, the same in each run.
    fn numbers() -> impl FnMut() -> u32 {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 32) as u32
        }
    }

    fn mail(preference: u16, exchange: &str) -> QDnsMailExchangeRecord {
        QDnsMailExchangeRecord { preference, exchange: exchange.into(), ..Default::default() }
    }

    fn service(priority: u16, weight: u16, target: &str) -> QDnsServiceRecord {
        QDnsServiceRecord { priority, weight, target: target.into(), ..Default::default() }
    }

    #[test]
    fn mail_servers_by_preference_and_equals_in_any_order() {
        let mut random = numbers();
        let mut first = [0; 2];
        for _ in 0..1000 {
            let mut records = [mail(20, "c"), mail(10, "a"), mail(0, "z"), mail(10, "b")];
            sort_mail_exchanges(&mut records, &mut random);
            let order: String = records.iter().map(QDnsMailExchangeRecord::exchange).collect();
            match &*order {
                "zabc" => first[0] += 1,
                "zbac" => first[1] += 1,
                _ => panic!("{order}"),
            }
        }
        assert!(first.iter().all(|count| *count > 400), "{first:?}");
    }

    #[test]
    fn services_by_priority_and_weight() {
        let mut random = numbers();
        let mut heavy = 0;
        for _ in 0..2000 {
            let mut records =
                [service(2, 9, "c"), service(1, 1, "a"), service(1, 3, "b"), service(3, 0, "d")];
            sort_services(&mut records, &mut random);
            let order: String = records.iter().map(QDnsServiceRecord::target).collect();
            assert!(["abcd", "bacd"].contains(&&*order), "{order}");
            heavy += usize::from(order.starts_with('b'));
        }
        // RFC 2782 draws from 0..=4: 0 and 1 select "a", and 2, 3 and 4 select "b".
        assert!((1100..1300).contains(&heavy), "{heavy}");
    }

    #[test]
    fn services_of_no_weight() {
        let mut random = numbers();
        let (mut light_first, mut a_first) = (0, 0);
        for _ in 0..2000 {
            let mut records = [service(1, 9, "h"), service(1, 0, "l")];
            sort_services(&mut records, &mut random);
            light_first += usize::from(records[0].target == "l");
            let mut records = [service(1, 0, "a"), service(1, 0, "b"), service(1, 0, "c")];
            sort_services(&mut records, &mut random);
            a_first += usize::from(records[0].target == "a");
        }
        assert!((100..320).contains(&light_first), "{light_first}");
        assert!((550..780).contains(&a_first), "{a_first}");
        sort_services(&mut [], &mut random);
    }

    #[test]
    fn weights_are_added_without_overflow() {
        let mut random = numbers();
        let mut records = vec![service(7, u16::MAX, "x"); 70_000 / 7];
        records.push(service(6, 1, "y"));
        sort_services(&mut records, &mut random);
        assert_eq!(records[0].target, "y");
    }
}
