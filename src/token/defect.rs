//! What a strict reader would refuse in a token that a lenient one accepts.

use crate::{limits::DEFECTS, text::escape};
use std::{fmt, mem::discriminant};

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
    /// A registered member is of another type than its specification says (`alg`: RFC 7515 section 4.1.1).
    WrongType(&'static str),
    /// JSON text in UTF-16 or UTF-32 (RFC 8259 section 8.1 forbids it), which some readers detect.
    WideText,
    /// Characters that belong to no base64 alphabet, which lenient decoders skip.
    ForeignCharacters,
    /// The JSON text is another token for a reader that takes it as a compact one.
    Polyglot,
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
            Self::WrongType(_) => "wrong-type",
            Self::WideText => "wide-text",
            Self::ForeignCharacters => "foreign-characters",
            Self::Polyglot => "polyglot",
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
                | Self::ForeignCharacters
        )
    }

    /// Whether it is one of the characters of the JSON text.
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Bom | Self::NotUtf8 | Self::WideText | Self::LoneSurrogate | Self::Nul)
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

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = self.part.as_str();
        match &self.kind {
            DefectKind::DuplicateMember(name) => write!(f, "{} in {part}", escape(name)),
            DefectKind::WrongType(name) => write!(f, "{name} in {part}"),
            kind => write!(f, "{} in {part}", kind.as_str().replace('-', " ")),
        }
    }
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
