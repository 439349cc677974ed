//! What tests need of the machine.

/// Whether `needs` are met. Where CI runs they must be.
pub(crate) fn able(needs: &[(&str, bool)]) -> bool {
    let Some((missing, _)) = needs.iter().find(|(_, met)| !met) else { return true };
    let ci = std::env::var("CI").is_ok_and(|ci| !ci.is_empty() && ci != "false");
    assert!(!ci, "CI must have: {missing}");
    eprintln!("skipped, needs: {missing}");
    false
}
