//! Changes to documents that leave them JSON.

use pith::canonical::Json;

/// Every value in the tree replaced by another of its kind or left out, one at a time.
pub fn changes(value: &Json, apply: &mut dyn FnMut(Json)) {
    match value {
        Json::Object(members) => {
            for (key, member) in members {
                changes(member, &mut |changed| {
                    let mut members = members.clone();
                    members.insert(key.clone(), changed);
                    apply(Json::Object(members));
                });
                let mut without = members.clone();
                without.remove(key);
                apply(Json::Object(without));
            }
        }
        Json::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                changes(item, &mut |changed| {
                    let mut items = items.clone();
                    items[place] = changed;
                    apply(Json::Array(items));
                });
                let mut without = items.clone();
                without.remove(place);
                apply(Json::Array(without));
            }
        }
        Json::String(text) => apply(Json::String(format!("{text}x"))),
        Json::Int(number) => apply(Json::Int(number + 1)),
        Json::Bool(flag) => apply(Json::Bool(!flag)),
        Json::Null => apply(Json::String("2026-06-01T00:00:00Z".to_owned())),
        Json::UInt(number) => apply(Json::UInt(number - 1)),
        Json::Float(number) => apply(Json::Float(number / 2.0 + 1.0)),
    }
}
