//! What happens to loaded entries before they reach the registry: stages in a
//! fixed order that replace fields, remove entries, connect requirements with
//! the parameters of dependencies and, for packs, compile and embed.
//!
//! A stage works on the whole [`EntrySet`]. A stage that fails stops the
//! pipeline; what is only a warning lands in the set's problems. Stages know
//! entries and configuration, no engine: compiling is the [`Compiler`]'s.

mod bytecode;
mod code_cache;
mod disable;
mod embed;
mod field_path;
mod link;
mod overrides;

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::{Entry, EntryId};
use crate::boot::{Config, Problem};
use crate::error::{Error, Result};

pub use bytecode::{BYTECODE_FS, Bytecode, Compiler, IdPatterns, compile_cached};
pub use code_cache::{CacheMode, CodeCache, CodeKey};
pub use disable::Disable;
pub use embed::Embed;
pub use link::Link;
pub use overrides::{Override, Overrides};

/// The content of an embedded filesystem by slash-separated path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What the stages work on.
#[derive(Debug, Default)]
pub struct EntrySet {
    pub entries: Vec<Entry>,
    pub problems: Vec<Problem>,
    /// Filesystems to be packed, by the id of their `fs.embed` entry.
    pub filesystems: IndexMap<EntryId, Files>,
}

impl EntrySet {
    pub fn new(entries: Vec<Entry>) -> EntrySet {
        EntrySet { entries, ..EntrySet::default() }
    }
    /// Positions by id; of two with one id the later.
    fn positions(&self) -> std::collections::HashMap<EntryId, usize> {
        self.entries.iter().enumerate().map(|(i, e)| (e.id.clone(), i)).collect()
    }
}

/// One step of the pipeline.
pub trait Stage: Send + Sync {
    fn name(&self) -> &'static str;
    /// Changes the set. Collects all errors it can before it fails.
    fn run(&self, set: &mut EntrySet) -> Result<()>;
}

/// What the entries are prepared for.
#[derive(Default)]
pub enum Purpose {
    /// `run`, `run list`, `lint`, `registry`, and running a pack.
    #[default]
    Run,
    Pack {
        /// `--exclude-ns` and `--exclude`
        exclude: Option<Disable>,
        bytecode: Option<Bytecode>,
        embed: Option<Embed>,
    },
    Publish {
        /// What the manifest excludes; the configuration's `disable` does not count.
        exclude: Disable,
        embed: Option<Embed>,
    },
}

/// Stages in order.
#[derive(Default)]
pub struct Pipeline {
    stages: Vec<Box<dyn Stage>>,
}

impl Pipeline {
    pub fn new() -> Pipeline {
        Pipeline::default()
    }

    /// The stages the reference has for `purpose`: override → disable → link →
    /// override, with the extra ones of packs. `flags` are the texts of `-o`.
    /// Errors: keys of `override`, `-o` or `disable` that are malformed.
    pub fn standard(purpose: Purpose, config: &Config, flags: &[String]) -> Result<Pipeline> {
        let overrides = Overrides::from_config(config)?.and(Overrides::from_flags(flags)?);
        let disable = Disable::from_config(config)?;
        let pipeline = Pipeline::new().then(overrides.clone());
        Ok(match purpose {
            Purpose::Run => pipeline.then(disable).then(Link).then(overrides),
            Purpose::Pack { exclude, bytecode, embed } => pipeline
                .then_some(exclude)
                .then(disable)
                .then(Link)
                .then(overrides)
                .then_some(bytecode)
                .then_some(embed),
            Purpose::Publish { exclude, embed } => pipeline.then(exclude).then(Link).then(overrides).then_some(embed),
        })
    }

    /// Adds a stage at the end.
    pub fn then(mut self, stage: impl Stage + 'static) -> Pipeline {
        self.stages.push(Box::new(stage));
        self
    }
    fn then_some(self, stage: Option<impl Stage + 'static>) -> Pipeline {
        match stage {
            Some(stage) => self.then(stage),
            None => self,
        }
    }
    /// The names of the stages in order.
    pub fn names(&self) -> Vec<&'static str> {
        self.stages.iter().map(|s| s.name()).collect()
    }

    /// Runs every stage; stops at the first that fails.
    pub fn execute(&self, set: &mut EntrySet) -> Result<()> {
        self.stages.iter().try_for_each(|stage| {
            stage.run(set).map_err(|cause| {
                let failed = Error::new(cause.kind().clone(), format!("stage '{}' failed", stage.name()));
                let failed = failed.with_retryable(cause.is_retryable()).because(cause);
                Error::new(failed.kind().clone(), "failed to execute pipeline").retryable(false).because(failed)
            })
        })
    }
}
