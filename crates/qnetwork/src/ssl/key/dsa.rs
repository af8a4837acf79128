//! Computing the public half of a DSA key.

use crypto_bigint::{
    BoxedUint, Odd,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use zeroize::Zeroizing;

/// The maximum size of the prime in bytes: 10,000 bits, as in OpenSSL.
const LARGEST_P: usize = 1250;
/// The maximum size of the order in bytes: twice that of the largest order in use.
const LARGEST_Q: usize = 64;

/// Returns `g` to the power of the secret, modulo `p`, without leading zeros.
///
/// PKCS#8 does not contain this number. Returns `None` if the parameters are not those of a key.
pub(super) fn public_key([p, q, g]: [&[u8]; 3], secret: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if p.len() > LARGEST_P || q.len() > LARGEST_Q || secret.len() > q.len() || g.len() > p.len() {
        return None;
    }
    let bits = u32::try_from(8 * p.len()).ok()?;
    let number = |bytes| BoxedUint::from_be_slice(bytes, bits).ok();
    let modulus: Odd<BoxedUint> = Odd::new(number(p)?).into_option()?;
    let base = number(g)?;
    if base >= *modulus.as_ref() {
        return None;
    }
    let exponent_bits = u32::try_from(8 * secret.len()).ok()?;
    let exponent = Zeroizing::new(BoxedUint::from_be_slice(secret, exponent_bits).ok()?);
    let parameters = BoxedMontyParams::new_vartime(modulus);
    let power = BoxedMontyForm::new(base, &parameters).pow(&exponent).retrieve();
    Some(Zeroizing::new(power.to_be_bytes_trimmed_vartime().into_vec()))
}
