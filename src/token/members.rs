//! Members of a JSON object.

use serde_json::{Map, Value};

/// Members of an object that are looked through in order: to hash the name takes longer.
const FEW: usize = 16;

/// A member of an object. Small objects, which headers and claims are, are not worth a hash.
pub fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if object.len() > FEW {
        return object.get(name);
    }
    object.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// The names of an object's members, a word of each. Facts ask a token for some thirty members, most of which it has not: the
/// names that it has lie apart in memory, and the words here lie together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Words([u32; FEW]);

impl Words {
    /// Those of an object; none of anything else, and of one with more members than fit.
    pub(super) fn of(object: Option<&Value>) -> Self {
        let mut this = Self::default();
        let names = object.and_then(Value::as_object).filter(|object| object.len() <= FEW);
        let names = names.into_iter().flat_map(Map::keys);
        this.0.iter_mut().zip(names).for_each(|(word, name)| *word = self::word(name));
        this
    }

    /// The member of that name of the object that these are of.
    #[inline]
    pub(super) fn find<'a>(&self, object: &'a Value, name: &str) -> Option<&'a Value> {
        let object = object.as_object()?;
        if object.len() > FEW {
            return object.get(name);
        }
        let asked = word(name);
        if !self.0.contains(&asked) {
            return None;
        }
        let alike = self.0.iter().enumerate().filter(|(_, word)| **word == asked);
        let found = alike.filter_map(|(at, _)| object.iter().nth(at));
        let mut found = found.filter(|(known, _)| name.len() <= WHOLE || *known == name);
        found.next().map(|(_, value)| value)
    }
}

/// Bytes of the longest names that a word holds whole, as those of most registered members are.
const WHOLE: usize = 3;

/// The length of a name and its first bytes. Never 0, which stands for no member.
#[inline]
fn word(name: &str) -> u32 {
    let byte = |at: usize| name.as_bytes().get(at).copied().unwrap_or(0);
    u32::from_le_bytes([byte(0), byte(1), byte(2), name.len().min(254) as u8 + 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_found_as_the_object_has_them() {
        let few = json!({
            "iss": 1, "sub": 2, "": 3, "iat": null, "aud": 5, "exp": 6, "jti": 7, "a\0": 8, "client_ip": 9, "client_id": 10
        });
        let many: Value = (0..40).map(|n| (format!("claim{n}"), json!(n))).collect::<Map<_, _>>().into();
        for object in [few, many, json!({}), json!([1])] {
            let words = Words::of(Some(&object));
            let asked =
                "iss sub iat aud exp jti cnf isu kid claim7 claim77 a client_id client_ip client_it client";
            for name in asked.split(' ').chain(["", "a\0", "a\0\0", "\0"]) {
                assert_eq!(words.find(&object, name), object.get(name), "{name:?} in {object}");
            }
        }
    }
}
