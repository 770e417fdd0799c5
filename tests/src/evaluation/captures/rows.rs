//! The rows.

use super::Row;

/// Every capture.
pub const ROWS: &[Row] = &[];
