//! Keys and signatures that some Ed25519 verifiers take and others refuse (SPEC 9).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest as _, Sha512};

use super::world::Who;

/// The order of the group, lowest byte first.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The encoding of zero's neighbour, the neutral point, with the field's prime added.
pub const NEUTRAL_UNREDUCED: [u8; 32] = {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xee;
    bytes[31] = 0x7f;
    bytes
};

/// The neutral point.
pub const NEUTRAL: [u8; 32] = {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    bytes
};

/// The points of small order, each in its canonical encoding.
pub fn small_order() -> Vec<[u8; 32]> {
    EIGHT_TORSION
        .iter()
        .map(|point| point.compress().to_bytes())
        .collect()
}

/// A signature with the group's order added to S.
pub fn with_larger_s(signature_b64: &str) -> String {
    let mut bytes = BASE64.decode(signature_b64).unwrap();
    let mut carry = 0;
    for (byte, more) in bytes[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    BASE64.encode(bytes)
}

fn secret(who: &Who) -> Scalar {
    let hash = Sha512::digest(who.private().seed().as_slice());
    let mut bytes: [u8; 32] = hash[..32].try_into().unwrap();
    bytes[0] &= 248;
    bytes[31] = bytes[31] & 127 | 64;
    Scalar::from_bytes_mod_order(bytes)
}

fn challenge(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let mut hash = Sha512::new();
    hash.update(r);
    hash.update(key);
    hash.update(message);
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

fn text(r: &[u8; 32], s: &Scalar) -> String {
    BASE64.encode([*r, s.to_bytes()].concat())
}

/// A signature whose R, given as it is encoded, is the neutral point: the equation holds.
pub fn with_neutral_r(who: &Who, r: &[u8; 32], message: &[u8]) -> String {
    let key = who.private().public_bytes();
    let s = challenge(r, &key, message) * secret(who);
    text(r, &s)
}

/// The key with a point of order 8 added: neither of small order nor of the prime order.
pub fn mixed_key(who: &Who) -> [u8; 32] {
    mixed_point(who).compress().to_bytes()
}

fn mixed_point(who: &Who) -> EdwardsPoint {
    ED25519_BASEPOINT_POINT * secret(who) + EIGHT_TORSION[1]
}

/// A signature under that key which holds with the cofactor, and without it only if `exactly`.
pub fn under_mixed_key(who: &Who, message: &[u8], exactly: bool) -> String {
    let key = mixed_key(who);
    for n in 1_u64.. {
        let nonce = Scalar::from(n);
        let r = (ED25519_BASEPOINT_POINT * nonce).compress().to_bytes();
        let challenge = challenge(&r, &key, message);
        if challenge.to_bytes()[0].is_multiple_of(8) == exactly {
            return text(&r, &(nonce + challenge * secret(who)));
        }
    }
    unreachable!("an eighth of all challenges will do")
}

/// A signature whose R has a part of order 8: it holds with the cofactor only.
pub fn with_mixed_r(who: &Who, message: &[u8]) -> String {
    let nonce = Scalar::from(7_u64);
    let r = (ED25519_BASEPOINT_POINT * nonce + EIGHT_TORSION[1])
        .compress()
        .to_bytes();
    let key = who.private().public_bytes();
    let s = nonce + challenge(&r, &key, message) * secret(who);
    text(&r, &s)
}
