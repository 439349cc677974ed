//! What an `alg` value says: disguises of `none`, the family, the length of a signature.

use serde_json::Value;

/// Family of a signature algorithm (RFC 7518 section 3, RFC 8037 section 3.1, RFC 9864).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// HMAC with SHA-2.
    Hs,
    /// RSASSA-PKCS1-v1_5.
    Rs,
    /// RSASSA-PSS.
    Ps,
    /// ECDSA.
    Es,
    /// Ed25519 and Ed448.
    EdDsa,
}

impl Family {
    /// The family of a registered algorithm name (case-sensitive, as RFC 7515 section 4.1.1 asks).
    pub fn of(alg: &str) -> Option<Self> {
        Some(match alg {
            "HS256" | "HS384" | "HS512" => Self::Hs,
            "RS256" | "RS384" | "RS512" => Self::Rs,
            "PS256" | "PS384" | "PS512" => Self::Ps,
            "ES256" | "ES384" | "ES512" | "ES256K" => Self::Es,
            "EdDSA" | "Ed25519" | "Ed448" => Self::EdDsa,
            _ => return None,
        })
    }

    /// As facts name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs => "HS",
            Self::Rs => "RS",
            Self::Ps => "PS",
            Self::Es => "ES",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Whether signer and verifier share one key.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs)
    }
}

/// How an `alg` relates to `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoneForm {
    /// Exactly `none` (RFC 7518 section 3.6).
    Exact,
    /// Something that a lenient reader takes for it: `NoNe`, `"none "`, a look-alike letter, `["none"]`,
    /// `null`, the empty string, or no `alg` at all.
    Disguised,
    /// A real algorithm, or another value.
    Other,
}

/// How `alg` (`None`: the member is missing) relates to `none`.
pub fn none_form(alg: Option<&Value>) -> NoneForm {
    let disguised = |is: bool| if is { NoneForm::Disguised } else { NoneForm::Other };
    match alg {
        None | Some(Value::Null) => NoneForm::Disguised,
        Some(Value::String(text)) if text == "none" => NoneForm::Exact,
        Some(Value::String(text)) if Family::of(text).is_some() => NoneForm::Other,
        Some(Value::String(text)) => {
            let plain = folded(text);
            disguised(plain.is_empty() || plain == "none")
        }
        Some(Value::Array(list)) => {
            disguised(list.is_empty() || list.iter().all(|v| none_form(Some(v)) != NoneForm::Other))
        }
        Some(_) => NoneForm::Other,
    }
}

/// Bytes that a signature of `alg` has; `None` for RSA (as long as its key) and names that are not registered.
pub fn signature_len(alg: &str) -> Option<&'static [usize]> {
    Some(match alg {
        "HS256" => &[32],
        "HS384" => &[48],
        "HS512" => &[64],
        "ES256" | "ES256K" => &[64],
        "ES384" => &[96],
        "ES512" => &[132],
        "EdDSA" => &[64, 114],
        "Ed25519" => &[64],
        "Ed448" => &[114],
        "none" => &[0],
        _ => return None,
    })
}

/// Whether `len` bytes can be a signature of `alg`; true for names that are not registered.
pub fn signature_len_fits(alg: &str, len: usize) -> bool {
    match (signature_len(alg), Family::of(alg)) {
        (Some(lens), _) => lens.contains(&len),
        (None, Some(Family::Rs | Family::Ps)) => len >= 64 && len.is_multiple_of(8),
        (None, _) => true,
    }
}

/// Whether a signature is the ASN.1 form of two integers (RFC 3279 section 2.2.3) instead of their concatenation.
pub fn is_der_signature(signature: &[u8]) -> bool {
    fn integer(der: &[u8]) -> Option<&[u8]> {
        let [2, len, rest @ ..] = der else { return None };
        let len = usize::from(*len);
        (1..=67).contains(&len).then(|| rest.get(len..))?
    }
    let body = match signature {
        [0x30, len, body @ ..] if usize::from(*len) == body.len() && *len < 0x80 => body,
        [0x30, 0x81, len, body @ ..] if usize::from(*len) == body.len() => body,
        _ => return false,
    };
    integer(body).and_then(integer).is_some_and(<[u8]>::is_empty)
}

/// Lower case, compatibility forms folded (as NFKC does for letters), look-alike letters replaced, and white space, control and
/// zero-width characters removed.
pub(super) fn folded(text: &str) -> String {
    let plain = text.chars().filter(|c| !is_invisible(*c)).map(look_alike);
    plain.flat_map(char::to_lowercase).collect()
}

fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{300}'..='\u{36f}')
}

fn look_alike(c: char) -> char {
    let code = c as u32;
    let letter = match code {
        // Full-width forms.
        0xff01..=0xff5e => code - 0xfee0,
        // Mathematical alphabets: 13 styles of 52 letters.
        0x1d400..=0x1d6a3 => {
            let n = (code - 0x1d400) % 52;
            if n < 26 { 0x41 + n } else { 0x61 + n - 26 }
        }
        // Circled letters.
        0x24b6..=0x24cf => code - 0x24b6 + 0x41,
        0x24d0..=0x24e9 => code - 0x24d0 + 0x61,
        _ => match c {
            'ο' | 'о' | 'օ' | 'ᴏ' | 'ₒ' | 'ᵒ' | 'º' | 'Ο' | 'О' | 'ø' | '0' => 0x6f,
            'ո' | 'ռ' | 'п' | 'ⁿ' | 'ₙ' | 'ɴ' | 'Ν' => 0x6e,
            'е' | 'ҽ' | 'ₑ' | 'ᵉ' | 'Е' | 'Ε' | 'ε' | 'é' | 'è' => 0x65,
            _ => code,
        },
    };
    char::from_u32(letter).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn none_is_seen_through_its_disguises() {
        assert_eq!(none_form(Some(&json!("none"))), NoneForm::Exact);
        for alg in
            ["NoNe", "NONE", "none ", "\u{200b}none", "nоne", "ｎｏｎｅ", "n\0one", "", " ", "𝐧𝐨𝐧𝐞", "n\tone"]
        {
            assert_eq!(none_form(Some(&json!(alg))), NoneForm::Disguised, "{alg:?}");
        }
        for alg in [json!(["none"]), json!(null), json!([]), json!(["NONE"])] {
            assert_eq!(none_form(Some(&alg)), NoneForm::Disguised);
        }
        assert_eq!(none_form(None), NoneForm::Disguised);
        for alg in [json!("HS256"), json!("nonesuch"), json!(1), json!({}), json!(["HS256"])] {
            assert_eq!(none_form(Some(&alg)), NoneForm::Other);
        }
    }

    #[test]
    fn families_and_lengths_are_those_of_the_registry() {
        assert_eq!(Family::of("PS384"), Some(Family::Ps));
        assert_eq!(Family::of("hs256"), None);
        assert!(signature_len_fits("RS256", 256));
        assert!(!signature_len_fits("RS256", 33));
        assert!(!signature_len_fits("ES256", 70));
        assert!(signature_len_fits("EdDSA", 114));
        assert!(is_der_signature(&[0x30, 6, 2, 1, 5, 2, 1, 7]));
        assert!(!is_der_signature(&[0x30, 6, 2, 1, 5, 2, 1]));
        assert!(!is_der_signature(&[0x30; 64]));
        assert!(!is_der_signature(&[]));
    }
}
