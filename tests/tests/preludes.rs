//! The preludes: they have what they promise, and no name means two things.

use std::{collections::BTreeSet, fs, path::Path};

/// The traits at the root of a crate that are not in its prelude: for generic functions, or with
/// functions whose names would get in the way.
const OTHER_TRAITS: [&str; 4] = ["IntoReceiver", "Lend", "Receiver", "Slot"];

/// The names of types and traits in a crate's root, and those in its prelude.
fn names(name: &str) -> [BTreeSet<String>; 2] {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(name);
    let text = fs::read_to_string(path.join("src/lib.rs")).unwrap();
    let (root, prelude) = text.split_once("pub mod prelude {").expect("there is a prelude");
    [root, prelude].map(|text| {
        let imports = text.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
        let words = imports.flat_map(|list| list.split(|c: char| !c.is_alphanumeric()));
        let is_type = |word: &&str| word.starts_with(char::is_uppercase);
        words.filter(is_type).map(str::to_owned).collect()
    })
}

#[test]
fn a_prelude_has_the_types_of_the_root() {
    for name in ["qcore", "qnetwork"] {
        let [mut root, prelude] = names(name);
        root.retain(|name| !OTHER_TRAITS.contains(&&**name));
        let differences: Vec<_> = root.symmetric_difference(&prelude).collect();
        assert!(differences.is_empty(), "{name}::prelude differs from the root: {differences:?}");
    }
}

#[test]
fn no_name_means_two_things() {
    let [[_, core], [_, network]] = ["qcore", "qnetwork"].map(names);
    assert_eq!(core.intersection(&network).next(), None);
    // The standard library's prelude, of the edition 2024.
    let standard = "AsMut AsRef AsyncFn AsyncFnMut AsyncFnOnce Box Clone Copy Debug Default
        DoubleEndedIterator Drop Eq Err Extend ExactSizeIterator Fn FnMut FnOnce From FromIterator
        Future Hash Into IntoFuture IntoIterator Iterator None Ok Option Ord PartialEq PartialOrd
        Result Send Sized Some String Sync ToOwned ToString TryFrom TryInto Unpin Vec";
    let standard: BTreeSet<_> = standard.split_whitespace().map(str::to_owned).collect();
    assert_eq!(core.union(&network).find(|name| standard.contains(*name)), None);
}

mod both {
    //! A program that imports everything at once.

    use std::{collections::HashMap, io::prelude::*, rc::*};

    use qcore::prelude::*;
    use qnetwork::prelude::*;

    class! {
        struct Client: QSslSocket {
            answered: Signal<String>,
            child timer: QTimer = QTimer::single_shot_timer(5000),
            last: Weak<Vec<u8>> = Weak::new(),
            seen: std::cell::RefCell<HashMap<String, SslErrorKind>> = HashMap::new().into(),
        }
    }

    impl EventHandler for Client {
        fn custom_event(&self, event: &QEvent) {
            self.set_object_name(format!("{:?}", event.event_type()));
        }
    }

    #[test]
    fn nothing_is_ambiguous() {
        let client = Client::derive(QSslSocket::new());
        assert_eq!(client.write("x").unwrap_err(), DeviceErrorKind::NotOpen);
        assert_eq!(
            (client.state(), client.timer.interval().as_millis()),
            (SocketState::Unconnected, 5000)
        );
        assert!(client.last.upgrade().is_none() && client.seen.borrow().is_empty());
        let mut bytes = Vec::new();
        bytes.write_all(b"std::io::Write is in scope, too").unwrap();
        client.answered.emit(String::from_utf8(bytes).unwrap());
        QCoreApplication::send_event(&client, &QEvent::new(EventType::USER));
        assert!(client.object_name().contains("1000"));
    }
}
