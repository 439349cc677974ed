//! The published schema of `json` and `ndjson`.

/// JSON Schema (draft-07) of the report, version `SCHEMA_VERSION`.
pub const REPORT_SCHEMA: &str = include_str!("../../docs/schema/report.schema.json");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_that_is_printed() {
        let schema: serde_json::Value = serde_json::from_str(REPORT_SCHEMA).unwrap();
        assert_eq!(schema["properties"]["schema_version"]["const"], super::super::view::SCHEMA_VERSION);
    }
}
