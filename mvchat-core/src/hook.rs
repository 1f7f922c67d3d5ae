//! Where bugs can be planted, for the tests of the tests.

/// Says whether a bug is planted. Without the feature `seeded-bugs` none is, and nothing is compiled.
#[cfg(not(feature = "seeded-bugs"))]
macro_rules! bug {
    ($name:ident) => {
        false
    };
}

/// Says whether a bug is planted: see [`seeded`](crate::seeded).
#[cfg(feature = "seeded-bugs")]
macro_rules! bug {
    ($name:ident) => {
        $crate::seeded::is_planted($crate::seeded::SeededBug::$name)
    };
}
