//! Values between programs and WIT types: [`plain`] data from the flat form,
//! [`lower`] to what a guest's parameters want, [`lift`] back. Errors carry the
//! path to the value and the texts of the reference.

pub mod lift;
pub mod lower;
pub mod plain;
pub mod walk;

/// The place of a value below a parameter or result, for errors. Built from the inside out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    pub fn field(self, name: &str) -> Path {
        Path(format!(".{name}{}", self.0))
    }
    pub fn index(self, n: usize) -> Path {
        Path(format!("[{n}]{}", self.0))
    }
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Why a value does not fit, and where.
#[derive(Debug)]
pub struct Misfit {
    pub path: Path,
    pub text: String,
}

impl Misfit {
    pub fn new(text: impl Into<String>) -> Misfit {
        Misfit { path: Path::default(), text: text.into() }
    }
    fn at_field(self, name: &str) -> Misfit {
        Misfit { path: self.path.field(name), ..self }
    }
    fn at_index(self, n: usize) -> Misfit {
        Misfit { path: self.path.index(n), ..self }
    }
}
