//! Stage `disable`: removes entries by namespace, id or metadata.

use super::{EntrySet, Stage};
use crate::boot::Config;
use crate::error::{Error, Result};
use crate::pattern::Pattern;
use crate::registry::Entry;

/// What is removed; an entry goes if any of the filters matches.
#[derive(Clone, Debug, Default)]
pub struct Disable {
    pub namespaces: Vec<Pattern>,
    /// Namespace and name, both must match.
    pub entries: Vec<(Pattern, Pattern)>,
    /// Metadata field and the texts it may equal.
    pub meta: Vec<(String, Vec<String>)>,
}

impl Disable {
    /// From lists of pattern texts. Errors: an entry pattern without `:`.
    pub fn new(namespaces: &[String], entries: &[String]) -> Result<Disable> {
        let entries: Result<_> = entries
            .iter()
            .map(|text| match text.split_once(':') {
                Some((ns, name)) => Ok((Pattern::new(ns), Pattern::new(name))),
                None => {
                    let cause = Error::invalid("missing ':' separator (expected namespace:name)");
                    Err(Error::invalid(format!("invalid disable pattern \"{text}\"")).because(cause))
                }
            })
            .collect();
        Ok(Disable {
            namespaces: namespaces.iter().map(|n| Pattern::new(n)).collect(),
            entries: entries?,
            meta: Vec::new(),
        })
    }

    /// From `disable.namespaces` and `disable.entries`.
    pub fn from_config(config: &Config) -> Result<Disable> {
        Disable::new(&config.get_list("disable", "namespaces", &[]), &config.get_list("disable", "entries", &[]))
    }

    pub fn matches(&self, entry: &Entry) -> bool {
        let (ns, name) = (entry.id.ns(), entry.id.name());
        self.namespaces.iter().any(|p| p.matches(ns))
            || self.entries.iter().any(|(n, e)| n.matches(ns) && e.matches(name))
            || self.meta.iter().any(|(field, values)| {
                entry.meta.get(field).and_then(|v| v.as_str()).is_some_and(|v| values.iter().any(|x| x == v))
            })
    }
}

impl Stage for Disable {
    fn name(&self) -> &'static str {
        "disable"
    }

    fn run(&self, set: &mut EntrySet) -> Result<()> {
        set.entries.retain(|entry| !self.matches(entry));
        Ok(())
    }
}
