//! The front page, compiled as it is written: the program in `README.md` is a documentation test of this crate.
#![cfg_attr(doctest, doc = include_str!("../../../README.md"))]

#[cfg(test)]
mod tests {
    /// The page and the example are the same program.
    #[test]
    fn the_front_page_shows_this_program() {
        let program = include_str!("main.rs").split_once("\n\n").unwrap().1;
        assert!(include_str!("../../../README.md").contains(program));
    }
}
