//! Keys of TLS 1.3: HKDF-Expand-Label and what hangs on it (RFC 8446 section 7).

use super::suite::Hash;
use hkdf::Hkdf;
use sha2::{Sha256, Sha384};

/// `HKDF-Expand-Label` with an empty context (section 7.1).
pub(in crate::protocol) fn expand_label(hash: Hash, secret: &[u8], label: &str, out: &mut [u8]) {
    let len = (out.len() as u16).to_be_bytes();
    let name = [b"tls13 ", label.as_bytes()].concat();
    let info = [&len[..], &[name.len() as u8], &name, &[0]].concat();
    let done = match hash {
        Hash::Sha384 => Hkdf::<Sha384>::from_prk(secret).ok().map(|h| h.expand(&info, out)),
        Hash::Sha256 | Hash::Sha1 | Hash::Md5 => {
            Hkdf::<Sha256>::from_prk(secret).ok().map(|h| h.expand(&info, out))
        }
    };
    debug_assert!(matches!(done, Some(Ok(()))), "secrets have the length of the hash, outputs are short");
}

/// Record key and IV of a traffic secret (section 7.3).
pub(super) fn traffic_keys(hash: Hash, secret: &[u8], key_len: usize) -> (Vec<u8>, [u8; 12]) {
    let mut key = vec![0; key_len];
    let mut iv = [0; 12];
    expand_label(hash, secret, "key", &mut key);
    expand_label(hash, secret, "iv", &mut iv);
    (key, iv)
}

/// The traffic secret after a KeyUpdate (section 7.2).
pub(super) fn next_secret(hash: Hash, secret: &[u8]) -> Vec<u8> {
    update_secret(hash, secret, "traffic upd")
}

/// The secret that follows a secret under a label.
pub(in crate::protocol) fn update_secret(hash: Hash, secret: &[u8], label: &str) -> Vec<u8> {
    let mut next = vec![0; secret.len()];
    expand_label(hash, secret, label, &mut next);
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::tls::decrypt::testing::hex;

    /// RFC 8448 section 3: server handshake and client application keys.
    #[test]
    fn keys_are_those_of_rfc_8448() {
        for (secret, key, iv) in [
            (
                "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
                "3fce516009c21727d0f2e4e86ee403bc",
                "5d313eb2671276ee13000b30",
            ),
            (
                "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
                "17422dda596ed5d9acd890e3c63f5051",
                "5b78923dee08579033e523d9",
            ),
        ] {
            let (k, i) = traffic_keys(Hash::Sha256, &hex(secret), 16);
            assert_eq!((k, i.to_vec()), (hex(key), hex(iv)));
        }
    }

    #[test]
    fn secrets_move_on() {
        let first = vec![7; 48];
        let second = next_secret(Hash::Sha384, &first);
        assert_eq!(second.len(), 48);
        assert_ne!(second, first);
        assert_ne!(next_secret(Hash::Sha384, &second), second);
    }
}
