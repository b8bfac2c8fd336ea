//! Changes to JSON documents that leave them JSON: bytes changed at random seldom do, and then
//! nothing but the reader is tested.

use libfuzzer_sys::fuzzer_mutate;
use serde_json::Value;

/// Changes the document in `data[..size]` and returns its new size.
pub fn json(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = Dice(u64::from(seed) | 1 << 40);
    // Now and then bytes are changed all the same, for the sake of the reader.
    if dice.below(8) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let Ok(mut document) = serde_json::from_slice::<Value>(&data[..size]) else {
        return fuzzer_mutate(data, size, max_size);
    };
    for _ in 0..=dice.below(3) {
        change(&mut document, &mut dice);
    }
    let text = serde_json::to_vec(&document).expect("a value can be written");
    if text.len() > max_size {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..text.len()].copy_from_slice(&text);
    text.len()
}

/// A document with one change, which equal seeds make alike.
#[allow(dead_code, reason = "not every target has a document to change")]
pub fn changed(mut document: Value, seed: u64) -> Value {
    change(&mut document, &mut Dice(seed));
    document
}

fn change(document: &mut Value, dice: &mut Dice) {
    let mut all = Vec::new();
    places(document, String::new(), &mut all);
    let place = all[dice.below(all.len())].clone();
    let donor = document
        .pointer(&all[dice.below(all.len())])
        .cloned()
        .unwrap_or(Value::Null);
    // A part of the document becomes the document.
    if dice.below(40) == 0 && donor.is_object() {
        *document = donor;
        return;
    }
    let Some(value) = document.pointer_mut(&place) else {
        return;
    };
    match dice.below(5) {
        0 => *value = donor,
        1 => *value = dice.scalar(),
        _ => match value {
            Value::Null => *value = Value::from(""),
            Value::Bool(truth) => *truth = !*truth,
            Value::Number(number) => {
                let number = number.as_i64().unwrap_or_default();
                let step = [1, -1, 60, i64::MAX][dice.below(4)];
                *value = Value::from(number.wrapping_add(step));
            }
            Value::String(text) => *text = dice.respelled(text),
            Value::Array(items) => match dice.below(4) {
                0 => items.push(donor),
                1 if !items.is_empty() => {
                    let item = items[dice.below(items.len())].clone();
                    items.push(item);
                }
                2 => items.reverse(),
                _ if !items.is_empty() => {
                    items.remove(dice.below(items.len()));
                }
                _ => {}
            },
            Value::Object(members) => {
                let keys: Vec<String> = members.keys().cloned().collect();
                if keys.is_empty() || dice.below(3) == 0 {
                    members.insert(format!("x{}", dice.below(10)), donor);
                } else {
                    let key = &keys[dice.below(keys.len())];
                    let taken = members.remove(key);
                    if dice.below(2) == 0 {
                        let other = &keys[dice.below(keys.len())];
                        members.insert(other.clone(), taken.unwrap_or_default());
                    }
                }
            }
        },
    }
}

/// A pointer to every value.
fn places(value: &Value, here: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                places(value, format!("{here}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                places(value, format!("{here}/{index}"), found);
            }
        }
        _ => {}
    }
    found.push(here);
}

/// A small generator (splitmix64): libFuzzer gives a seed, and equal seeds must give equal changes.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end.max(1) as u64) as usize
    }

    fn scalar(&mut self) -> Value {
        match self.below(7) {
            0 => Value::Null,
            1 => Value::from(true),
            2 => Value::from(0),
            3 => Value::from(1.5),
            4 => Value::from(""),
            5 => Value::from(u64::MAX),
            _ => Value::from("2026-05-18T00:30:44Z"),
        }
    }

    /// One character becomes another of its kind, so that forms still hold, or the case changes.
    fn respelled(&mut self, text: &str) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        if characters.is_empty() {
            return " ".to_owned();
        }
        let at = self.below(characters.len());
        let step = self.below(9) as u8;
        characters[at] = match characters[at] {
            c @ '0'..='9' => char::from(b'0' + (c as u8 - b'0' + 1 + step) % 10),
            c @ 'a'..='z' => char::from(b'a' + (c as u8 - b'a' + 1 + step) % 26),
            c @ 'A'..='Z' => char::from(b'A' + (c as u8 - b'A' + 1 + step) % 26),
            _ => ['-', '/', '+', '=', ' ', 'é', '\u{1d400}', '\u{0}', '"'][usize::from(step)],
        };
        match self.below(12) {
            0 => text.to_uppercase(),
            1 => format!("{text}{text}"),
            2 => characters[..at].iter().collect(),
            _ => characters.into_iter().collect(),
        }
    }
}
