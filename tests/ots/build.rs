//! Proofs out of their parts.

pub const MAGIC: &[u8] = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94";
pub const PENDING: [u8; 8] = *b"\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e";
pub const BITCOIN: [u8; 8] = *b"\x05\x88\x96\x0d\x73\xd7\x19\x01";

/// A number in groups of seven bits, the low ones first.
pub fn number(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

pub fn text(bytes: &[u8]) -> Vec<u8> {
    [number(bytes.len() as u64), bytes.to_vec()].concat()
}

/// A proof of a SHA-256 digest with these steps.
pub fn proof(digest: &[u8; 32], steps: &[u8]) -> Vec<u8> {
    [MAGIC, &[1, 8], digest, steps].concat()
}

pub fn attestation(tag: [u8; 8], payload: &[u8]) -> Vec<u8> {
    [vec![0], tag.to_vec(), text(payload)].concat()
}

pub fn pending(uri: &str) -> Vec<u8> {
    attestation(PENDING, &text(uri.as_bytes()))
}

pub fn bitcoin(height: u64) -> Vec<u8> {
    attestation(BITCOIN, &number(height))
}

pub fn append(bytes: &[u8]) -> Vec<u8> {
    [vec![0xf0], text(bytes)].concat()
}

pub fn prepend(bytes: &[u8]) -> Vec<u8> {
    [vec![0xf1], text(bytes)].concat()
}
