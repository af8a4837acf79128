//! Changes DER and keeps it well-formed around the change.

use super::Choices;

const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;

/// A tag with its value.
#[derive(Clone)]
struct Node {
    tag: u8,
    content: Content,
    /// The length has a superfluous byte.
    has_long_length: bool,
}

#[derive(Clone)]
enum Content {
    Bytes(Vec<u8>),
    /// The values of a constructed value, or within an octet string.
    Nodes(Vec<Node>),
}

/// Returns the signed part of a certificate and the algorithm of its signature.
pub(super) fn parts(certificate: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let outer = parse(certificate).expect("rcgen writes DER");
    let Content::Nodes(parts) = &outer[0].content else { panic!("a certificate is a sequence") };
    (encode(&parts[..1]), encode(&parts[1..2]))
}

/// Makes a certificate from its parts.
pub(super) fn join(signed: Vec<u8>, algorithm: Vec<u8>, signature: &[u8]) -> Vec<u8> {
    let bits = [&[0], signature].concat();
    let bits = Node { tag: 0x03, content: Content::Bytes(bits), has_long_length: false };
    let inside = [signed, algorithm, encode(&[bits])].concat();
    encode(&[Node { tag: 0x30, content: Content::Bytes(inside), has_long_length: false }])
}

/// Makes one to three changes. Returns their descriptions.
pub(super) fn mutate(der: &mut Vec<u8>, choices: &mut Choices<'_>) -> Vec<String> {
    let mut nodes = parse(der).expect("rcgen writes DER");
    let mut changes = Vec::new();
    for _ in 0..=choices.below(3) {
        let count = count(&nodes);
        let target = 1 + (choices.below(256) * 256 + choices.below(256)) % (count - 1);
        let mut left = target;
        let what = change(&mut nodes, &mut left, choices).unwrap_or_default();
        changes.push(format!("value {target} of {count} {what}"));
    }
    *der = encode(&nodes);
    changes
}

fn count(nodes: &[Node]) -> usize {
    let inside = |node: &Node| match &node.content {
        Content::Bytes(_) => 0,
        Content::Nodes(nodes) => count(nodes),
    };
    nodes.iter().map(|node| 1 + inside(node)).sum()
}

/// Changes the value behind `left` others.
fn change(nodes: &mut Vec<Node>, left: &mut usize, choices: &mut Choices<'_>) -> Option<String> {
    for index in 0..nodes.len() {
        if *left == 0 {
            return Some(change_node(nodes, index, choices));
        }
        *left -= 1;
        if let Content::Nodes(inside) = &mut nodes[index].content
            && let Some(what) = change(inside, left, choices)
        {
            return Some(what);
        }
    }
    None
}

fn change_node(nodes: &mut Vec<Node>, index: usize, choices: &mut Choices<'_>) -> String {
    let has_next = index + 1 < nodes.len();
    let node = &mut nodes[index];
    let tag = node.tag;
    let what = match choices.below(9) {
        0 => {
            nodes.remove(index);
            "removed".to_owned()
        }
        1 => {
            let copy = node.clone();
            nodes.insert(index, copy);
            "doubled".to_owned()
        }
        2 => {
            let tags = [0x01, 0x02, 0x03, 0x04, 0x05, 0x0c, 0x13, 0x16, 0x30, 0x31, 0x80, 0xa0];
            node.tag = *choices.pick(&tags);
            format!("tagged {:#x}", node.tag)
        }
        3 => {
            node.tag ^= 1 << choices.below(8);
            format!("tagged {:#x}", node.tag)
        }
        4 if has_next => {
            nodes.swap(index, index + 1);
            "swapped with the next".to_owned()
        }
        5 => {
            node.has_long_length = true;
            "with a long length".to_owned()
        }
        kind => {
            let mut bytes = contents(node);
            let at = choices.below(256) % bytes.len().max(1);
            let byte = choices.byte();
            match (kind, bytes.get_mut(at)) {
                (6, Some(place)) => *place ^= 1 << (byte % 8),
                (7, _) => bytes.truncate(at),
                (8, Some(place)) => *place = byte,
                _ => bytes.push(byte),
            }
            node.content = Content::Bytes(bytes);
            format!("changed at {at} by way {kind}, {byte:#x}")
        }
    };
    format!("({tag:#x}) {what}")
}

/// Parses all values, if the bytes are DER.
fn parse(mut bytes: &[u8]) -> Option<Vec<Node>> {
    let mut nodes = Vec::new();
    while let [tag, length, ..] = *bytes {
        let (length, header) = match length {
            0..=0x7f => (usize::from(length), 2),
            0x81 => (usize::from(*bytes.get(2)?), 3),
            0x82 => (usize::from(*bytes.get(2)?) << 8 | usize::from(*bytes.get(3)?), 4),
            _ => return None,
        };
        let value = bytes.get(header..header + length)?;
        bytes = &bytes[header + length..];
        let is_inside = tag & CONSTRUCTED != 0 || tag == OCTET_STRING && length > 0;
        let content = match parse(value).filter(|_| is_inside) {
            Some(nodes) => Content::Nodes(nodes),
            None => Content::Bytes(value.to_vec()),
        };
        nodes.push(Node { tag, content, has_long_length: false });
    }
    bytes.is_empty().then_some(nodes)
}

fn contents(node: &Node) -> Vec<u8> {
    match &node.content {
        Content::Bytes(bytes) => bytes.clone(),
        Content::Nodes(nodes) => encode(nodes),
    }
}

fn encode(nodes: &[Node]) -> Vec<u8> {
    let mut out = Vec::new();
    for node in nodes {
        let bytes = contents(node);
        out.push(node.tag);
        let mut length = bytes.len().to_be_bytes().to_vec();
        length.drain(..bytes.len().leading_zeros() as usize / 8);
        if node.has_long_length {
            length.insert(0, 0);
        }
        if node.has_long_length || bytes.len() > 0x7f {
            out.push(0x80 | length.len() as u8);
            out.extend(length);
        } else {
            out.push(bytes.len() as u8);
        }
        out.extend(bytes);
    }
    out
}
