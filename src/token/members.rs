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

/// One byte of each name. Facts ask a token for some thirty members, most of which it has not: the names that it has lie
/// apart in memory, and the bytes here lie together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tags([u8; FEW]);

impl Tags {
    /// Those of an object; none of anything else, and of one with more members than fit.
    pub(super) fn of(object: Option<&Value>) -> Self {
        let mut tags = Self::default();
        let names = object.and_then(Value::as_object).filter(|object| object.len() <= FEW);
        let names = names.into_iter().flat_map(Map::keys);
        tags.0.iter_mut().zip(names).for_each(|(tag, name)| *tag = self::tag(name));
        tags
    }

    /// The member of that name of the object that these are of.
    #[inline]
    pub(super) fn find<'a>(&self, object: &'a Value, name: &str) -> Option<&'a Value> {
        let object = object.as_object()?;
        if object.len() > FEW || self.0.contains(&tag(name)) { member(object, name) } else { None }
    }
}

/// Never 0, which stands for no member.
#[inline]
fn tag(name: &str) -> u8 {
    let bytes = name.as_bytes();
    let (first, last) = (bytes.first().copied().unwrap_or(0), bytes.last().copied().unwrap_or(0));
    // Numbers that tell the registered names apart.
    first.wrapping_add(last.wrapping_mul(33)).wrapping_add((bytes.len() as u8).wrapping_mul(32)) | 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_found_as_the_object_has_them() {
        let few = json!({"iss": 1, "sub": 2, "": 3, "iat": null, "aud": 5, "exp": 6, "jti": 7});
        let many: Value = (0..40).map(|n| (format!("claim{n}"), json!(n))).collect::<Map<_, _>>().into();
        for object in [few, many, json!({}), json!([1])] {
            let tags = Tags::of(Some(&object));
            let known =
                ["iss", "sub", "", "iat", "aud", "exp", "jti", "cnf", "isu", "kid", "claim7", "claim77"];
            for name in known {
                assert_eq!(tags.find(&object, name), object.get(name), "{name:?} in {object}");
            }
        }
    }

    #[test]
    fn the_names_that_are_asked_for_most_are_told_apart() {
        const CLAIMS: &str =
            "iss sub aud exp nbf iat jti cnf sid scope scp azp client_id nonce events htm htu auth_time";
        const HEADER: &str = "alg typ kid jwk jku x5c x5u x5t crit b64 cty enc zip epk url ppt";
        for names in [CLAIMS, HEADER] {
            let mut tags: Vec<u8> = names.split(' ').map(tag).collect();
            tags.sort_unstable();
            assert!(tags.windows(2).all(|pair| pair[0] != pair[1]), "{names}");
        }
    }
}
