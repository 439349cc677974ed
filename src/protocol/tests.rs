//! Tests of the dissectors through a layer.
