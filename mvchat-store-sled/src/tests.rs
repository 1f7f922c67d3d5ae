//! Tests of what the laws of the testkit cannot see.
