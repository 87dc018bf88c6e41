//! Modules that work on data alone and need libraries of their own: `compress`,
//! `crypto` and `text`.
//!
//! What is small is done inside the step; what may take longer than a time slice
//! is done on the blocking pool while its process waits (`work`).
#![deny(unsafe_code)]

pub mod compress;
pub mod crypto;
pub mod text;
mod work;

use std::sync::Arc;

use wippy_lua::modules::Catalogue;
use wippy_runtime::Result;
use wippy_runtime::boot::{Component, Setup};

/// The component `data`.
pub fn component() -> Arc<dyn Component> {
    Arc::new(DataComponent)
}

struct DataComponent;

impl Component for DataComponent {
    fn name(&self) -> &'static str {
        "data"
    }
    fn requires(&self) -> &'static [&'static str] {
        &["lua"]
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.commands(work::register::<compress::Compress, Vec<u8>>);
        setup.commands(work::register::<crypto::Crypto, Vec<u8>>);
        setup.commands(text::register);
        let catalogue = setup.context.need::<Catalogue>()?;
        catalogue.offer(&compress::MODULE)?;
        catalogue.offer(&crypto::MODULE)?;
        catalogue.offer(&text::MODULE)
    }
}
