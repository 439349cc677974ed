//! `wirelint redact`: the capture again, without its secrets.

use super::part::Part;
use super::secrets::Secrets;
use super::terminal::say;
use super::{Failure, configure, decode_as, destinations, exit, inputs};
use crate::capture::{self, CaptureError, FileId};
use crate::cli::RedactArgs;
use crate::redact::{Input, Outcome, Pseudonyms, RedactError, Redaction, redact};
use crate::report::text::counted;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// Runs `redact`.
pub(super) fn run(args: &RedactArgs) -> Result<u8, Failure> {
    let (input, out) = (&args.input, &args.output);
    if input.as_os_str() == "-" {
        return Err("redact reads its input more than once: name a file".into());
    }
    let mut reading = args.read.clone();
    let (config, warnings) = configure::reading(&args.config, input, &mut reading)?;
    if reading.filter.is_some() {
        return Err("redact writes all packets: --filter cannot be used (tshark -Y cuts a capture)".into());
    }
    let read = reading.keylog.iter().chain(&reading.rsa_key).map(PathBuf::as_path);
    destinations::spare([out.as_path()], std::slice::from_ref(input), read)?;
    let part = Part::of(out)?;
    let secrets = Secrets::load(&reading)?;
    let quiet = args.quiet > 0;
    for warning in warnings.iter().chain(&secrets.warnings).filter(|_| !quiet) {
        say(&format!("warning: {warning}"));
    }
    let decode_as = decode_as(&reading)?;
    let this = Redaction {
        input: Input::File(input),
        decode_as: &decode_as,
        keyring: secrets.ring,
        secrets: config.policy.secrets.into(),
    };
    let outcome = match write(&part, input, &this) {
        Ok(outcome) => outcome,
        Err(RedactError::Input(error @ CaptureError::NotACapture { .. })) => {
            say(&format!("error: {}: {error}", input.display()));
            return Ok(exit::NO_CAPTURE);
        }
        Err(RedactError::Output(error)) => return Err(format!("{}: {error}", out.display()).into()),
        Err(error) => return Err(format!("{}: {error}", input.display()).into()),
    };
    let names = [input.display().to_string()];
    for damage in outcome.damage.iter().filter(|_| !quiet) {
        say(&format!("warning: {}", inputs::damage_text(&names, damage)));
    }
    if outcome.damage_more > 0 && !quiet {
        let places = counted(outcome.damage_more, "more place");
        say(&format!("warning: {}: {places} that cannot be read", input.display()));
    }
    if outcome.packets == 0 {
        say(&format!("error: {}: no packet in it", input.display()));
        return Ok(exit::NO_CAPTURE);
    }
    if outcome.left_count > 0 {
        return Err(left(&outcome).into());
    }
    part.keep().map_err(|error| format!("{}: {error}", out.display()))?;
    if !quiet {
        told(&outcome, reading.keylog.is_empty() && reading.rsa_key.is_empty())
            .iter()
            .for_each(|line| say(line));
    }
    Ok(exit::CLEAN)
}

/// Writes what is left of the input, and reads it again.
fn write(part: &Part, input: &Path, this: &Redaction<'_>) -> Result<Outcome, RedactError> {
    // The input first: where it cannot be read nothing is written.
    drop(capture::open(input, FileId(0))?);
    let mut file = BufWriter::new(part.create().map_err(RedactError::Output)?);
    redact(this, Pseudonyms::default(), &mut file, || capture::open(&part.path, FileId(0)))
}

/// What is said of secrets that could not be removed.
fn left(outcome: &Outcome) -> String {
    let place = |left: &crate::redact::Left| match left.frame {
        0 => format!("offset {}", left.offset),
        frame => format!("packet {frame}"),
    };
    let mut places: Vec<_> = outcome.left.iter().map(place).collect();
    places.dedup();
    let places = places.join(", ");
    let (n, s) = (outcome.left_count, if outcome.left_count == 1 { "" } else { "s" });
    format!("secrets would be left in {n} place{s} ({places}): nothing was written")
}

/// What is said of the work.
fn told(outcome: &Outcome, embedded: bool) -> Vec<String> {
    let told = outcome.told;
    let count = |n: u64, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let mut lines = vec![format!(
        "replaced: {} and {}",
        count(told.tokens, "token", "tokens"),
        count(told.others, "other secret", "other secrets")
    )];
    let mut line = |n: u64, text: String| {
        if n > 0 {
            lines.push(text);
        }
    };
    let (bodies, fields, records) = (told.bodies, told.fields, told.records);
    line(
        bodies,
        format!(
            "blanked: {} that cannot be changed in place",
            count(bodies, "compressed body", "compressed bodies")
        ),
    );
    line(
        fields,
        format!(
            "changed beyond recognition: {}",
            count(fields, "compressed header field", "compressed header fields")
        ),
    );
    let of = if embedded { "" } else { ", which the key log opens" };
    line(
        records,
        format!("blanked: the content of {}{of}", count(records, "encrypted record", "encrypted records")),
    );
    line(told.packets, format!("blanked: the payload of {}", count(told.packets, "packet", "packets")));
    line(
        told.secrets,
        format!("dropped: {}", count(told.secrets, "block of TLS secrets", "blocks of TLS secrets")),
    );
    line(
        told.unknown,
        format!("dropped: {}", count(told.unknown, "custom or unknown block", "custom or unknown blocks")),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::{Left, Told};

    #[test]
    fn what_was_done_is_told_and_what_was_not_is_no_line() {
        let told = Told { tokens: 1, others: 2, bodies: 1, secrets: 2, ..Told::default() };
        let outcome = Outcome { told, ..Outcome::default() };
        let lines = super::told(&outcome, true);
        assert_eq!(
            lines,
            [
                "replaced: 1 token and 2 other secrets",
                "blanked: 1 compressed body that cannot be changed in place",
                "dropped: 2 blocks of TLS secrets"
            ]
        );
        let place = |frame, offset| Left { frame, offset };
        let outcome = Outcome {
            left: vec![place(3, 90), place(3, 95), place(0, 7)],
            left_count: 3,
            ..Outcome::default()
        };
        assert_eq!(
            left(&outcome),
            "secrets would be left in 3 places (packet 3, offset 7): nothing was written"
        );
    }
}
