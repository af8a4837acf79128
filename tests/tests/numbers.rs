//! Enums and flags have Qt's numbers. `tests/data/qt-numbers.tsv` was recorded from Qt.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use qcore::{
    ClockType, ConnectionType, EventType, FindChildOptions, MessageType, NotifierType, OpenMode,
    ProcessEventsFlags, ThreadPriority, TimerType, event,
    stream::{ByteOrder, FloatingPointPrecision, StreamStatus, StreamVersion, VariantType},
    text_stream::{FieldAlignment, NumberFlags, RealNumberNotation, TextStreamStatus},
};
use qnetwork::{
    AlternativeNameEntryType, BindMode, ConversionMode, DnsEligibilityStatus, DnsLookupErrorKind,
    DnsLookupType, EncodingFormat, HashAlgorithm, HostInfoErrorKind, InterfaceFlags, InterfaceType,
    KeyAlgorithm, KeyType, KnownHeader, LocalServerOptions, LocalSocketErrorKind, LocalSocketState,
    NetworkLayerProtocol, NextProtocolNegotiationStatus, PatternSyntax, PauseModes, PeerVerifyMode,
    ProxyCapabilities, ProxyQueryType, ProxyType, SocketErrorKind, SocketOption, SocketState,
    SocketType, SslErrorKind, SslMode, SslOptions, SslProtocol, SubjectInfo,
};

/// Qt's enumerators that have no value here, with the reasons.
const LEFT_OUT: &[(&str, &[&str], &str)] = &[
    ("DnsLookupErrorKind", &["NoError"], "QDnsLookup::error() returns None"),
    (
        "HashAlgorithm",
        &[
            "Md4",
            "Keccak_224",
            "Keccak_256",
            "Keccak_384",
            "Keccak_512",
            "RealSha3_224",
            "RealSha3_256",
            "RealSha3_384",
            "RealSha3_512",
            "Sha3_224",
            "Sha3_256",
            "Sha3_384",
            "Sha3_512",
        ],
        "certificates are not known by them",
    ),
    ("HostInfoErrorKind", &["NoError"], "QHostInfo::error() returns None"),
    (
        "MessageType",
        &["QtDebugMsg", "QtFatalMsg", "QtInfoMsg"],
        "these crates have warnings and errors only",
    ),
    (
        "VariantType",
        &[
            "QDate",
            "QTime",
            "QDateTime",
            "QUrl",
            "QLocale",
            "QRect",
            "QRectF",
            "QSize",
            "QSizeF",
            "QLine",
            "QLineF",
            "QPoint",
            "QPointF",
            "QRegExp",
            "QEasingCurve",
            "QUuid",
            "void*",
            "QObject*",
            "QVariant",
            "QModelIndex",
            "void",
            "QRegularExpression",
            "QJsonValue",
            "QJsonObject",
            "QJsonArray",
            "QJsonDocument",
            "QPersistentModelIndex",
            "std::nullptr_t",
            "QCborSimpleType",
            "QCborValue",
            "QCborArray",
            "QCborMap",
        ],
        "there are no such classes here, or QDataStream does not write such a value",
    ),
];

/// Values that have no enumerator in Qt 5, with the reasons.
const OUR_VALUES: &[(&str, &str, &str)] = &[
    ("ConnectionType", "SINGLE_SHOT", "it is Qt 6's, with the number from there"),
    ("VariantType", "Invalid", "Qt's is QVariant::Invalid, which has no name as a type"),
];

/// Public enums and flags that stand for no enum of Qt's, with the reasons.
const OUR_TYPES: &[(&str, &str)] = &[
    ("SslCertificateErrorKind", "Qt gives a null certificate and no reason"),
    ("JoinErrorKind", "Qt has no tasks"),
    ("SignalErrorKind", "Qt has no tasks"),
    ("DeviceErrorKind", "Qt's functions return -1 or false"),
    ("Decoded", "Qt has no codecs of messages"),
    ("FrameErrorKind", "Qt has no codecs of messages"),
    ("PrefixSize", "Qt has no codecs of messages"),
    ("ExtensionValue", "it is a QVariant of Qt's: it carries data"),
    ("Host", "it is an argument that is a name or an address"),
    ("Manipulator", "Qt's manipulators are functions"),
    ("OcspCertificateStatus", "PySide2 does not have Qt's enum"),
    ("OcspRevocationReason", "PySide2 does not have Qt's enum"),
    ("SslKeyErrorKind", "Qt gives a null key and no reason"),
    ("PanicPolicy", "Qt has no policy for exceptions"),
    ("CallErrorKind", "Qt reports no errors of blocking calls"),
    ("PipeErrorKind", "Qt has no pipes between devices"),
    ("WhenFull", "a device of Qt takes everything"),
    ("PostErrorKind", "Qt's postEvent() returns nothing"),
    ("WorkerErrorKind", "Qt's servers have no workers"),
    ("CloseReason", "Qt has no signal with the reason of an end"),
    ("TimeoutKind", "Qt's sockets have no settings for time-outs"),
    ("ReconnectorState", "Qt has no class that connects again"),
    ("WhenDisconnected", "Qt has no class that connects again"),
    ("QVariant", "it carries data; the number is that of its kind(), a VariantType"),
    ("Readiness", "Qt has a notifier each for reading and writing"),
    ("StreamErrorKind", "Qt returns false; the status, which is compared, has the reason"),
    ("ThreadPoolErrorKind", "a QRunnable of Qt's has no result"),
    ("UnixSignal", "Qt does not report signals of the operating system"),
];

/// An enum: its name, and a function that returns the name and number of the value for a number.
type Enum = (&'static str, fn(i32) -> Option<(String, i32)>);

/// A set of flags: its name, a function that returns the number of a flag by its name, and one that
/// converts a number to a set and back.
type Flags = (&'static str, fn(&str) -> Option<u32>, fn(u32) -> Option<u32>);

macro_rules! enums {
    ($($kind:ident)*) => {
        &[$((stringify!($kind), |number| {
            let value = match $kind::try_from(number) {
                Ok(value) => value,
                Err(error) => {
                    assert_eq!((error.type_name(), error.number()), (stringify!($kind), number));
                    return None;
                }
            };
            assert_eq!(value as i32, i32::from(value));
            Some((format!("{value:?}"), value as i32))
        })),*]
    };
}

macro_rules! flags {
    ($($kind:ident)*) => {
        &[$((
            stringify!($kind),
            |name| $kind::from_name(name).map(|flags| flags.bits()),
            |number| $kind::from_bits(number).map(|flags| flags.bits()),
        )),*]
    };
}

const ENUMS: &[Enum] = enums! {
    ByteOrder ClockType FindChildOptions FloatingPointPrecision MessageType NotifierType
    StreamStatus ThreadPriority TimerType VariantType FieldAlignment RealNumberNotation
    TextStreamStatus
    AlternativeNameEntryType DnsEligibilityStatus DnsLookupErrorKind DnsLookupType EncodingFormat
    HashAlgorithm HostInfoErrorKind
    InterfaceType KeyAlgorithm KeyType KnownHeader LocalSocketErrorKind LocalSocketState
    NetworkLayerProtocol NextProtocolNegotiationStatus PatternSyntax PeerVerifyMode ProxyQueryType
    ProxyType SocketErrorKind SocketOption SocketState SocketType SslErrorKind SslMode SslProtocol
    SubjectInfo
};

const FLAGS: &[Flags] = flags! {
    ConnectionType NumberFlags OpenMode ProcessEventsFlags
    BindMode ConversionMode InterfaceFlags LocalServerOptions PauseModes ProxyCapabilities
    SslOptions
};

/// Types whose values are constants, and other constants. They are compared one by one.
const CONSTANTS: &[&str] = &["EventPriority", "EventType", "StreamVersion"];

/// Constants that are no value of their enum and no flag of their set.
const BESIDE: &[(&str, &str, i32)] = &[
    ("BindMode", "DefaultForPlatform", BindMode::DEFAULT_FOR_PLATFORM.bits().cast_signed()),
    ("ConversionMode", "StrictConversion", ConversionMode::STRICT.bits().cast_signed()),
    ("InterfaceType", "Ieee80211", InterfaceType::Ieee80211 as i32),
    ("LocalServerOptions", "NoOptions", LocalServerOptions::NO_OPTIONS.bits().cast_signed()),
    ("PauseModes", "PauseNever", PauseModes::PAUSE_NEVER.bits().cast_signed()),
];

/// One of Qt's enumerators.
struct Row {
    kind: String,
    member: String,
    number: i32,
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/qt-numbers.tsv");
    let table = fs::read_to_string(path).unwrap();
    table
        .lines()
        .map(|line| {
            let &[kind, _, member, number] = line.split('\t').collect::<Vec<_>>().as_slice() else {
                panic!("not a row: {line:?}");
            };
            Row { kind: kind.into(), member: member.into(), number: number.parse().unwrap() }
        })
        .collect()
}

fn left_out(row: &Row) -> bool {
    LEFT_OUT.iter().any(|(kind, members, _)| *kind == row.kind && members.contains(&&*row.member))
}

/// Returns the public enums and flags of the crates, with the values of each and Qt's names for
/// them.
fn declared() -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let mut declared = BTreeMap::new();
    for name in ["qcore", "qnetwork"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(name);
        declare(&root.join("src"), &mut declared);
    }
    declared
}

fn declare(folder: &Path, declared: &mut BTreeMap<String, BTreeMap<String, Vec<String>>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            declare(&path, declared);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            declare_in(&fs::read_to_string(&path).unwrap(), declared);
        }
    }
}

fn declare_in(source: &str, declared: &mut BTreeMap<String, BTreeMap<String, Vec<String>>>) {
    let is_name =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_');
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let start = line.trim_start();
        let is_flags =
            start.starts_with("pub struct ") && line.ends_with(" {") && line.contains(": u");
        let is_enum = start.starts_with("pub enum ") && line.ends_with(" {");
        if !is_flags && !is_enum {
            continue;
        }
        let kind = start.split_whitespace().nth(2).unwrap().trim_end_matches(':');
        let kind = kind.split('<').next().unwrap(); // without parameters
        if !is_name(kind) {
            continue; // in a macro
        }
        let end = format!("{}}}", &line[..line.len() - start.len()]);
        let mut values = BTreeMap::new();
        let mut names = Vec::new();
        for line in lines.by_ref().take_while(|line| *line != end) {
            let line = line.trim_start();
            if let Some(alias) = line.strip_prefix("#[doc(alias = \"") {
                names.push(alias.trim_end_matches("\")]").to_owned());
            }
            let line = line.strip_prefix("const ").unwrap_or(line);
            let value = line.split([' ', ',', '(']).next().unwrap();
            if is_name(value) {
                names.push(value.to_owned());
                values.insert(value.to_owned(), std::mem::take(&mut names));
            }
        }
        assert!(declared.insert(kind.to_owned(), values).is_none(), "{kind} is there twice");
    }
}

/// Returns the value that stands for one of Qt's enumerators.
fn value_for(row: &Row, values: &BTreeMap<String, Vec<String>>) -> Option<String> {
    if row.kind == "VariantType" {
        let kind = VariantType::try_from(row.number).ok()?;
        if kind.name() != row.member {
            return None;
        }
        assert_eq!(i32::from(kind), row.number);
        return Some(format!("{kind:?}"));
    }
    let (value, _) = values.iter().find(|(_, names)| names.contains(&row.member))?;
    Some(value.clone())
}

#[test]
fn every_enumerator_of_qts_has_its_number() {
    let declared = declared();
    let mut compared = 0;
    for row in rows().iter().filter(|row| !CONSTANTS.contains(&&*row.kind)) {
        let what = format!("{}: {} is {}", row.kind, row.member, row.number);
        let beside = BESIDE.iter().find(|(kind, name, _)| *kind == row.kind && *name == row.member);
        if let Some((.., number)) = beside {
            assert_eq!(*number, row.number, "{what}");
            compared += 1;
            continue;
        }
        let values = declared.get(&row.kind).unwrap_or_else(|| panic!("{what}: no such type"));
        let value = value_for(row, values);
        if left_out(row) {
            assert_eq!(value, None, "{what}, and is no longer left out");
            continue;
        }
        let value = value.unwrap_or_else(|| panic!("{what} has no value here"));
        if let Some((_, of)) = ENUMS.iter().find(|(kind, _)| *kind == row.kind) {
            assert_eq!(of(row.number), Some((value, row.number)), "{what}");
        } else {
            let flags = FLAGS.iter().find(|(kind, ..)| *kind == row.kind);
            let (_, bits, set) = flags.unwrap_or_else(|| panic!("{what}: not in any list"));
            let number = row.number.cast_unsigned();
            assert_eq!((bits(&value), set(number)), (Some(number), Some(number)), "{what}");
        }
        compared += 1;
    }
    assert!(compared > 280, "only {compared} enumerators were compared");
}

#[test]
fn every_value_is_one_of_qts() {
    let rows = rows();
    let declared = declared();
    let is_ours =
        |kind: &str, value: &str| OUR_VALUES.iter().any(|ours| (ours.0, ours.1) == (kind, value));
    for (kind, of) in ENUMS {
        for number in -1000..100_000 {
            let Some((value, back)) = of(number) else { continue };
            let found = rows.iter().any(|row| row.kind == **kind && row.number == number);
            assert!(found || is_ours(kind, &value), "{kind}::{value} has {number}, Qt has no such");
            assert_eq!(number, back);
        }
        for number in [i32::MIN, i32::MIN + 1, i32::MAX] {
            assert_eq!(of(number), None, "{kind}: {number}");
        }
    }
    let kinds = ENUMS.iter().map(|(kind, _)| *kind).chain(FLAGS.iter().map(|(kind, ..)| *kind));
    for kind in kinds.filter(|kind| *kind != "VariantType") {
        for (value, names) in &declared[kind] {
            let found = rows.iter().any(|row| row.kind == kind && names.contains(&row.member));
            assert_ne!(found, is_ours(kind, value), "{kind}::{value}, by names {names:?}");
        }
    }
}

#[test]
fn every_public_enum_is_compared_or_stands_for_none_of_qts() {
    let kinds = ENUMS.iter().map(|(kind, _)| *kind).chain(FLAGS.iter().map(|(kind, ..)| *kind));
    let compared: BTreeSet<String> = kinds.map(str::to_owned).collect();
    let rows = rows();
    let recorded = rows.iter().map(|row| &row.kind).filter(|kind| !CONSTANTS.contains(&&***kind));
    assert_eq!(recorded.cloned().collect::<BTreeSet<_>>(), compared);

    let ours = OUR_TYPES.iter().map(|(kind, _)| (*kind).to_owned());
    let expected: BTreeSet<String> = compared.into_iter().chain(ours).collect();
    assert_eq!(declared().into_keys().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn constants_have_qts_numbers() {
    let mut compared = BTreeMap::new();
    let rows = rows();
    let number = |kind: &str, member: &str| {
        let row = rows.iter().find(|row| row.kind == kind && row.member == member);
        row.unwrap_or_else(|| panic!("no row of {kind} for {member}")).number
    };
    for (name, kind) in [
        ("None", EventType::NONE),
        ("Timer", EventType::TIMER),
        ("Quit", EventType::QUIT),
        ("MetaCall", EventType::META_CALL),
        ("SockAct", EventType::SOCK_ACT),
        ("DeferredDelete", EventType::DEFERRED_DELETE),
        ("ChildAdded", EventType::CHILD_ADDED),
        ("ChildRemoved", EventType::CHILD_REMOVED),
        ("DynamicPropertyChange", EventType::DYNAMIC_PROPERTY_CHANGE),
        ("User", EventType::USER),
        ("MaxUser", EventType::MAX_USER),
    ] {
        let number = number("EventType", name);
        assert_eq!(i32::from(kind), number, "{name}");
        assert_eq!(EventType::try_from(number), Ok(kind), "{name}");
    }
    for number in [-1, 65536, i32::MIN, i32::MAX] {
        assert_eq!(EventType::try_from(number).unwrap_err().number(), number);
    }
    for (name, priority) in [
        ("HighEventPriority", event::HIGH_EVENT_PRIORITY),
        ("NormalEventPriority", event::NORMAL_EVENT_PRIORITY),
        ("LowEventPriority", event::LOW_EVENT_PRIORITY),
    ] {
        assert_eq!(priority, number("EventPriority", name), "{name}");
    }
    macro_rules! versions {
        ($($name:ident)*) => {
            $(compared.insert(stringify!($name).replace("QT_", "Qt_"), StreamVersion::$name);)*
        };
    }
    versions! {
        QT_1_0 QT_2_0 QT_2_1 QT_3_0 QT_3_1 QT_3_3
        QT_4_0 QT_4_1 QT_4_2 QT_4_3 QT_4_4 QT_4_5 QT_4_6 QT_4_7 QT_4_8 QT_4_9
        QT_5_0 QT_5_1 QT_5_2 QT_5_3 QT_5_4 QT_5_5 QT_5_6 QT_5_7 QT_5_8 QT_5_9
        QT_5_10 QT_5_11 QT_5_12 QT_5_13 QT_5_14 QT_5_15
    }
    let default = StreamVersion::QT_DEFAULT_COMPILED_VERSION;
    compared.insert("Qt_DefaultCompiledVersion".into(), default);
    for row in rows.iter().filter(|row| row.kind == "StreamVersion") {
        let version = compared.remove(&row.member);
        let version = version.unwrap_or_else(|| panic!("{} is not compared", row.member));
        assert_eq!(i32::from(version), row.number, "{}", row.member);
        assert_eq!(StreamVersion::try_from(row.number), Ok(version), "{}", row.member);
    }
    assert!(compared.is_empty(), "{compared:?}");
    for number in [-1, 0, 20, 256 + 19, i32::MIN, i32::MAX] {
        assert_eq!(StreamVersion::try_from(number).unwrap_err().number(), number);
    }
}
