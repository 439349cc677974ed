//! Tests of flows: one direction by cases and by properties, and the table.

mod bounds;
mod direction;
mod midstream;
mod paths;
mod properties;
mod resets;
mod second;
mod support;
mod table;
mod wire;
