//! Records in the runtime's log, with fields that keep their types. With the feature `log` the `log` crate writes here;
//! `#[process]` sets that up.
#![allow(unsafe_code)]

use crate::abi::imports;
use crate::payload::Payload;
use crate::process::fields;

/// How serious a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    Debug = 0,
    Info = 1,
    Warn = 2,
    Error = 3,
}

/// Writes one record. Never blocks and never fails.
pub fn write(level: Level, message: &str, named: &[(&str, Payload)]) {
    let fields = fields(named);
    // SAFETY: message and fields live over the call.
    unsafe { imports::log_write(level as i32, message.as_ptr(), message.len(), fields.as_ptr(), fields.len()) }
}

/// Whether records of that level go anywhere, for fields that cost something to make.
pub fn enabled(level: Level) -> bool {
    // SAFETY: a call with a number.
    unsafe { imports::log_enabled(level as i32) != 0 }
}

#[cfg(feature = "log")]
pub(crate) use facade::install;

#[cfg(feature = "log")]
mod facade {
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    use log::kv::{self, Key, VisitSource, VisitValue};
    use log::{LevelFilter, Log, Metadata, Record};

    use super::{Level, enabled, write};
    use crate::payload::Payload;

    struct Runtime;

    fn level(level: log::Level) -> Level {
        match level {
            log::Level::Error => Level::Error,
            log::Level::Warn => Level::Warn,
            log::Level::Info => Level::Info,
            log::Level::Debug | log::Level::Trace => Level::Debug,
        }
    }

    impl Log for Runtime {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            enabled(level(metadata.level()))
        }
        fn log(&self, record: &Record<'_>) {
            if !self.enabled(record.metadata()) {
                return;
            }
            let mut pairs = Pairs(Vec::new());
            // A field that cannot be read is left out.
            let _ = record.key_values().visit(&mut pairs);
            if let (Some(file), Some(line)) = (record.file(), record.line()) {
                pairs.0.push(("source".into(), Payload::Text(alloc::format!("{file}:{line}"))));
            }
            let (names, values): (Vec<String>, Vec<Payload>) = pairs.0.into_iter().unzip();
            let fields: Vec<(&str, Payload)> = names.iter().map(String::as_str).zip(values).collect();
            match record.args().as_str() {
                Some(text) => write(level(record.level()), text, &fields),
                None => write(level(record.level()), &record.args().to_string(), &fields),
            }
        }
        fn flush(&self) {}
    }

    struct Pairs(Vec<(String, Payload)>);

    impl<'kvs> VisitSource<'kvs> for Pairs {
        fn visit_pair(&mut self, key: Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
            let mut typed = Typed(Payload::Nil);
            value.visit(&mut typed)?;
            self.0.push((key.to_string(), typed.0));
            Ok(())
        }
    }

    struct Typed(Payload);

    impl VisitValue<'_> for Typed {
        fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
            self.0 = Payload::Text(value.to_string());
            Ok(())
        }
        fn visit_null(&mut self) -> Result<(), kv::Error> {
            Ok(())
        }
        fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
            self.0 = i64::try_from(value).map_or(Payload::Float(value as f64), Payload::Int);
            Ok(())
        }
        fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
            self.0 = Payload::Int(value);
            Ok(())
        }
        fn visit_f64(&mut self, value: f64) -> Result<(), kv::Error> {
            self.0 = Payload::Float(value);
            Ok(())
        }
        fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
            self.0 = Payload::Bool(value);
            Ok(())
        }
    }

    pub(crate) fn install() {
        // Somebody else's logger is fine too.
        if log::set_logger(&Runtime).is_ok() {
            log::set_max_level(LevelFilter::Trace);
        }
    }
}
