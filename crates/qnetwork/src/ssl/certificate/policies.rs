//! Describes certificate policies in OpenSSL's words.

use super::{
    der::{self, Der},
    description::Description,
    oid::long_name,
};

pub(super) fn describe(value: &[u8], indent: usize) -> Option<Description> {
    let mut list = Der::inside(value, der::SEQUENCE)?;
    let mut lines = Vec::new();
    while !list.is_empty() {
        let mut policy = Der::new(list.read(der::SEQUENCE)?);
        let oid = der::oid_to_string(policy.read(der::OID)?)?;
        lines.push((0, format!("Policy: {}", long_name(&oid))));
        let mut qualifiers = Der::new(policy.read(der::SEQUENCE).unwrap_or_default());
        while !qualifiers.is_empty() {
            push_qualifier(qualifiers.read(der::SEQUENCE)?, &mut lines)?;
        }
    }
    let line = |(depth, line): &(usize, String)| format!("{}{line}", " ".repeat(indent + depth));
    Some(Description::Lines(lines.iter().map(line).collect::<Vec<_>>().join("\n")))
}

fn push_qualifier(qualifier: &[u8], lines: &mut Vec<(usize, String)>) -> Option<()> {
    let mut qualifier = Der::new(qualifier);
    let oid = der::oid_to_string(qualifier.read(der::OID)?)?;
    match &oid[..] {
        "1.3.6.1.5.5.7.2.1" => {
            let text = qualifier.next_value()?;
            lines.push((2, format!("CPS: {}", c_text(text.value))));
        }
        "1.3.6.1.5.5.7.2.2" => {
            lines.push((2, "User Notice:".to_owned()));
            let mut notice = Der::new(qualifier.read(der::SEQUENCE)?);
            if let Some(reference) = notice.read(der::SEQUENCE) {
                let mut reference = Der::new(reference);
                let organization = reference.next_value()?;
                let organization = c_text(organization.value);
                lines.push((4, format!("Organization: {organization}")));
                let mut numbers = Der::new(reference.read(der::SEQUENCE)?);
                let mut texts = Vec::new();
                while !numbers.is_empty() {
                    texts.push(der::integer_to_string(numbers.read(der::INTEGER)?));
                }
                let plural = if texts.len() > 1 { "s" } else { "" };
                lines.push((4, format!("Number{plural}: {}", texts.join(", "))));
            }
            if let Some(text) = notice.next_value() {
                lines.push((4, format!("Explicit Text: {}", c_text(text.value))));
            }
        }
        _ => lines.push((4, format!("Unknown Qualifier: {}", long_name(&oid)))),
    }
    Some(())
}

/// Returns the bytes up to the first NUL as text, whatever the string type.
fn c_text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
