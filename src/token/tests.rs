//! Vectors of the RFCs and properties of the scanner.
