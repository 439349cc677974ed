//! What a strict reader would refuse in a token that a lenient one accepts.

use crate::limits::DEFECTS;
use std::mem::discriminant;

/// Part of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The protected header.
    Header,
    /// The payload of a JWS.
    Payload,
    /// The signature of a JWS.
    Signature,
    /// Encrypted key, initialisation vector, ciphertext or tag of a JWE.
    Encrypted,
    /// The token as a whole.
    Whole,
}

impl Part {
    /// As facts name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
            Self::Encrypted => "encrypted",
            Self::Whole => "token",
        }
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DefectKind {
    /// `=` at the end of a segment (RFC 7515 section 2 forbids it).
    Padding,
    /// `+` or `/` instead of `-` and `_`.
    StandardAlphabet,
    /// The last character carries bits that are not part of any byte (RFC 4648 section 3.5).
    TrailingBits,
    /// White space inside the token.
    Whitespace,
    /// A segment that is not base64 of any kind.
    Undecodable,
    /// A member name that is repeated, after unescaping (RFC 7515 section 4), at any depth.
    DuplicateMember(Box<str>),
    /// A byte order mark before the JSON text (RFC 8259 section 8.1).
    Bom,
    /// JSON text that is not UTF-8.
    NotUtf8,
    /// An escaped half of a surrogate pair.
    LoneSurrogate,
    /// A NUL character in a string.
    Nul,
    /// Bytes after the JSON object.
    TrailingData,
    /// JSON nested deeper than [`crate::limits::JSON_DEPTH`].
    TooDeep,
    /// `alg` is there and not a string (RFC 7515 section 4.1.1).
    AlgType,
}

impl DefectKind {
    /// As facts name it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Padding => "padding",
            Self::StandardAlphabet => "standard-alphabet",
            Self::TrailingBits => "trailing-bits",
            Self::Whitespace => "whitespace",
            Self::Undecodable => "undecodable",
            Self::DuplicateMember(_) => "duplicate-member",
            Self::Bom => "bom",
            Self::NotUtf8 => "not-utf8",
            Self::LoneSurrogate => "lone-surrogate",
            Self::Nul => "nul",
            Self::TrailingData => "trailing-data",
            Self::TooDeep => "too-deep",
            Self::AlgType => "alg-type",
        }
    }

    /// Whether the defect is one of the text's encoding (not strict, unpadded base64url).
    pub const fn is_encoding(&self) -> bool {
        matches!(
            self,
            Self::Padding
                | Self::StandardAlphabet
                | Self::TrailingBits
                | Self::Whitespace
                | Self::Undecodable
        )
    }
}

/// One defect of a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Defect {
    /// Where.
    pub part: Part,
    /// What.
    pub kind: DefectKind,
}

/// Collects the defects of one part, each once.
pub(super) struct Defects<'a> {
    list: &'a mut Vec<Defect>,
    part: Part,
}

impl<'a> Defects<'a> {
    pub(super) fn of(list: &'a mut Vec<Defect>, part: Part) -> Self {
        Self { list, part }
    }

    pub(super) fn add(&mut self, kind: DefectKind) {
        let defect = Defect { part: self.part, kind };
        // A kind that is new is never crowded out; more of one kind say nothing new.
        let same = |d: &Defect| d.part == defect.part && discriminant(&d.kind) == discriminant(&defect.kind);
        let room = self.list.len() < DEFECTS || !self.list.iter().any(same);
        if room && !self.list.contains(&defect) {
            self.list.push(defect);
        }
    }
}
