//! How values are written.

use super::text;

/// A value that can be written.
pub trait Write {
    /// Appends the value.
    fn write(&self, out: &mut String);

    /// Whether a member with this value is left out, where the member allows that.
    fn is_absent(&self) -> bool {
        false
    }
}

/// Writes a value.
pub fn write(value: &dyn Write) -> String {
    let mut out = String::new();
    value.write(&mut out);
    out
}

/// Writes the members of an object one by one.
pub struct Members<'a> {
    out: &'a mut String,
    before: char,
}

impl<'a> Members<'a> {
    /// Begins an object.
    pub fn new(out: &'a mut String) -> Self {
        Self { out, before: '{' }
    }

    /// Appends a member.
    pub fn put(&mut self, name: &str, value: &dyn Write) -> &mut Self {
        self.out.push(self.before);
        self.before = ',';
        text::quote(name, self.out);
        self.out.push(':');
        value.write(self.out);
        self
    }

    /// Ends the object.
    pub fn end(&mut self) {
        if self.before == '{' {
            self.out.push('{');
        }
        self.out.push('}');
    }
}

impl Write for bool {
    fn write(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

impl Write for i64 {
    fn write(&self, out: &mut String) {
        if *self < 0 {
            out.push('-');
        }
        self.unsigned_abs().write(out);
    }
}

impl Write for u64 {
    fn write(&self, out: &mut String) {
        let mut power = 1;
        while self / power > 9 {
            power *= 10;
        }
        while power > 0 {
            // A digit is less than ten.
            out.push(char::from(b'0' + (self / power % 10) as u8));
            power /= 10;
        }
    }
}

macro_rules! unsigned {
    ($($type:ty),*) => {$(
        impl Write for $type {
            fn write(&self, out: &mut String) {
                (*self as u64).write(out);
            }
        }
    )*};
}

unsigned!(u16, u32, usize);

impl Write for str {
    fn write(&self, out: &mut String) {
        text::quote(self, out);
    }
}

impl Write for String {
    fn write(&self, out: &mut String) {
        text::quote(self, out);
    }
}

impl<T: Write + ?Sized> Write for &T {
    fn write(&self, out: &mut String) {
        (**self).write(out);
    }
    fn is_absent(&self) -> bool {
        (**self).is_absent()
    }
}

impl<T: Write> Write for Box<T> {
    fn write(&self, out: &mut String) {
        (**self).write(out);
    }
}

impl<T: Write> Write for Option<T> {
    fn write(&self, out: &mut String) {
        match self {
            Some(value) => value.write(out),
            None => out.push_str("null"),
        }
    }
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Write> Write for [T] {
    fn write(&self, out: &mut String) {
        list(&mut self.iter().map(|item| item as &dyn Write), out);
    }
}

impl<T: Write> Write for Vec<T> {
    fn write(&self, out: &mut String) {
        self.as_slice().write(out);
    }
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

fn list(items: &mut dyn Iterator<Item = &dyn Write>, out: &mut String) {
    let mut before = '[';
    for item in items {
        out.push(before);
        before = ',';
        item.write(out);
    }
    if before == '[' {
        out.push('[');
    }
    out.push(']');
}
