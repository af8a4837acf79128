//! Makes uses of the items that the map names.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{
    map::{Item, Row},
    sources::Sources,
};

/// Parameters of generic types, and an argument for each: the compiler cannot infer a type that
/// nothing but a bound describes.
const SAMPLES: &[(&str, &str)] = &[
    ("Into<String>", "\"\""),
    ("Into<Host<", "\"\""),
    ("Into<InfoAttribute<", "\"\""),
    ("Into<Option<&'a str>>", "\"\""),
    ("Into<Vec<u8>>", "\"\""),
    ("AsRef<[u8]>", "\"\""),
    ("AsRef<Path>", "\"\""),
    ("Into<Interval>", "0"),
    ("Into<QDeadlineTimer>", "0"),
    ("Into<QVariant>", "0"),
    ("Into<OwnedFd>", "value::<std::os::fd::OwnedFd>()"),
    ("IntoIterator<Item: Borrow<QSslCertificate>>", "[value::<qnetwork::QSslCertificate>()]"),
    ("IntoIterator<Item: Borrow<QSslCipher>>", "[value::<qnetwork::QSslCipher>()]"),
    ("IntoIterator<Item: Borrow<QHostAddress>>", "[value::<qnetwork::QHostAddress>()]"),
    ("IntoIterator<Item = N>", "[\"\"]"),
    ("&[S]", "&[\"\"]"),
    ("&R", "value::<&std::rc::Rc<Receiver>>()"),
    ("ProxyFactory", "|_: &qnetwork::QNetworkProxyQuery| Vec::new()"),
    ("FnOnce() -> R", "qcore::QObject::new"),
    ("FnOnce()", "|| ()"),
    ("Fn(&T)", "|_| ()"),
    ("Fn(&R::Target, OwnedFd)", "|_, _| ()"),
    ("T", "0"),
];

/// What the uses need.
const PRELUDE: &str = "\
fn value<T>() -> T { panic!(\"never called\") }
struct Receiver;
impl qcore::EventHandler for Receiver {}
";

/// The text of a Rust file with a use for each row that names an item.
pub(crate) fn of_rows(rows: &[Row], sources: &Sources) -> Result<String, String> {
    let mut uses = BTreeSet::new();
    let mut upcasts = BTreeSet::new();
    for row in rows {
        let Some(item) = &row.item else { continue };
        uses.insert(use_of(item, sources)?);
        upcasts.extend(upcast(row, item, sources)?);
    }
    let mut text = PRELUDE.to_owned();
    for (index, line) in uses.iter().enumerate() {
        writeln!(text, "{}", line.replace("INDEX", &index.to_string())).unwrap();
    }
    for (class, base) in upcasts {
        writeln!(text, "const _: fn(&{class}) -> &{base} = |object| object;").unwrap();
    }
    Ok(text)
}

fn use_of(item: &Item, sources: &Sources) -> Result<String, String> {
    Ok(match item {
        Item::Free { path, .. } => format!("use {path} as _;"),
        Item::Field { owner_path, name, .. } => {
            format!("fn use_INDEX(object: &{owner_path}) {{ let _ = &object.{name}; }}")
        }
        Item::Associated { path, owner, name } => {
            let declarations = sources.find(owner, name);
            if declarations.iter().any(|found| found.is_of_trait) {
                let (owner, _) = path.rsplit_once("::").expect("the path of a trait");
                return Ok(format!("fn use_INDEX<T: {owner}>() {{ let _ = T::{name}; }}"));
            }
            let declaration = declarations
                .iter()
                .find(|found| is_generic(&found.signature) || found.generic_owner);
            match declaration {
                Some(found) => {
                    let call = call(path, owner, &found.signature)
                        .map_err(|error| format!("{path}: {error}"))?;
                    format!("fn use_INDEX() {{ let _ = {call}; }}")
                }
                None => format!("fn use_INDEX() {{ let _ = {path}; }}"),
            }
        }
    })
}

/// A class and its base class, if the row's class inherits the item. An item of another class needs
/// a note.
fn upcast(row: &Row, item: &Item, sources: &Sources) -> Result<Option<(String, String)>, String> {
    let (Item::Associated { owner, .. } | Item::Field { owner, .. }) = item else {
        return Ok(None);
    };
    let (Some(class), Some(base)) =
        (sources.crate_of_class(&row.class), sources.crate_of_class(owner))
    else {
        return Ok(None);
    };
    let inherits = sources.derives_from(&row.class, owner);
    if row.class != *owner && !inherits && row.note.is_empty() {
        return Err(format!("{} does not derive from {owner}: {}", row.class, row.member));
    }
    Ok(inherits.then(|| (format!("{class}::{}", row.class), format!("{base}::{owner}"))))
}

/// Whether a function has parameters of generic types, lifetimes apart.
fn is_generic(signature: &str) -> bool {
    signature.contains("impl ") || !type_parameters(signature).is_empty()
}

/// The names of a function's type parameters.
fn type_parameters(signature: &str) -> Vec<&str> {
    let Some((before, _)) = signature.split_once('(') else { return Vec::new() };
    let Some((_, parameters)) = before.split_once('<') else { return Vec::new() };
    split(parameters.trim_end_matches('>'))
        .into_iter()
        .map(|parameter| parameter.split([':', ' ']).next().unwrap_or_default())
        .filter(|parameter| !parameter.starts_with('\''))
        .collect()
}

/// A call of a generic function.
fn call(path: &str, owner: &str, signature: &str) -> Result<String, String> {
    let arguments = arguments(signature).ok_or("its parameters are not readable")?;
    let parameters = type_parameters(signature);
    let mut values = Vec::new();
    for argument in split(arguments) {
        let Some((_, of)) = argument.split_once(": ") else {
            // `&self`, which has the type parameter of the owner.
            let of = if owner == "Signal" { "&qcore::Signal<()>" } else { "_" };
            values.push(format!("value::<{of}>()"));
            continue;
        };
        let sample = SAMPLES.iter().find(|(part, _)| of.contains(part));
        let bare = of.trim_matches(['&', '[', ']']);
        let is_generic = of.contains("impl ") || parameters.contains(&bare);
        values.push(match sample {
            Some((_, sample)) if is_generic => (*sample).to_owned(),
            None if is_generic => return Err(format!("there is no sample for {of}")),
            _ => "value()".to_owned(),
        });
    }
    // A type that stands in the result alone.
    let only_in_result =
        parameters.len() == 1 && !split(arguments).iter().any(|text| mentions(text, parameters[0]));
    let types = if only_in_result { "::<qcore::QObject>" } else { "" };
    Ok(format!("{path}{types}({})", values.join(", ")))
}

fn mentions(text: &str, name: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name)
}

/// What stands between the parentheses of a function's parameters.
fn arguments(signature: &str) -> Option<&str> {
    let start = signature.find('(')? + 1;
    let mut depth = 1;
    for (index, character) in signature[start..].char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&signature[start..start + index]);
        }
    }
    None
}

/// Splits at the commas that stand in no brackets.
fn split(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (index, character) in list.char_indices() {
        match character {
            '(' | '[' | '<' => depth += 1,
            ')' | ']' => depth -= 1,
            // The arrow of a closure's result is no bracket.
            '>' if !list[..index].ends_with('-') => depth -= 1,
            ',' if depth == 0 => {
                parts.push(list[start..index].trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(list[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}
