//! Bytes as hexadecimal text.

/// Returns the bytes as pairs of lower-case digits, with `between` between the pairs.
pub(super) fn hex(bytes: &[u8], between: &str) -> String {
    let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(between)
}
