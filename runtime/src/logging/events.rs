//! Records on the event bus, and the settings as events: `logs.config.set` and
//! `logs.config.get` are answered by `logs.config.state` with the same path.

use std::sync::{Arc, Weak};

use super::record::{Level, Record};
use super::{Logging, Settings};
use crate::error::Result;
use crate::events::{Bus, Event, EventSink, Match, Subscription};
use crate::payload::{Map, Value};

const SYSTEM: &str = "logs";

pub(super) fn publish(bus: &Bus, r: &Record) {
    bus.publish_with(SYSTEM, "logs.entry", &r.logger, || {
        let entry = Map::from([
            ("logger_name".to_owned(), r.logger.as_str().into()),
            ("message".to_owned(), r.message.as_str().into()),
            ("caller".to_owned(), r.caller.as_str().into()),
            ("stack".to_owned(), "".into()),
            ("level".to_owned(), Value::Int(r.level as i64)),
            ("time".to_owned(), Value::Int(r.time)),
        ]);
        let fields: Value = r.fields.iter().map(|(key, value)| field(key, value)).collect();
        Value::Map(Map::from([("entry".to_owned(), Value::Map(entry)), ("fields".to_owned(), fields)]))
    });
}

fn field(key: &str, value: &Value) -> Value {
    let mut map = Map::from([("key".to_owned(), Value::from(key)), ("type".to_owned(), value.type_name().into())]);
    match value {
        Value::Int(n) => map.insert("int".to_owned(), Value::Int(*n)),
        Value::Str(text) => map.insert("string".to_owned(), Value::Str(text.clone())),
        other => map.insert("string".to_owned(), serde_json::to_string(other).unwrap_or_default().into()),
    };
    Value::Map(map)
}

struct ConfigEvents {
    logging: Weak<Logging>,
    bus: Bus,
}

impl EventSink for ConfigEvents {
    fn accept(&self, event: &Arc<Event>) -> bool {
        let Some(logging) = self.logging.upgrade() else { return true };
        if event.kind == "logs.config.set" {
            let old = logging.settings();
            let flag = |key: &str, old: bool| event.data.get(key).and_then(Value::as_bool).unwrap_or(old);
            let level = event.data.get("min_level").and_then(Value::as_int);
            logging.set(Settings {
                propagate_downstream: flag("propagate_downstream", old.propagate_downstream),
                stream_to_events: flag("stream_to_events", old.stream_to_events),
                min_level: level.map_or(old.min_level, Level::from_number),
            });
        } else if event.kind != "logs.config.get" {
            return true;
        }
        let now = logging.settings();
        self.bus.publish_with(SYSTEM, "logs.config.state", &event.path, || {
            Value::Map(Map::from([
                ("propagate_downstream".to_owned(), now.propagate_downstream.into()),
                ("stream_to_events".to_owned(), now.stream_to_events.into()),
                ("min_level".to_owned(), Value::Int(now.min_level as i64)),
            ]))
        });
        true
    }
}

pub(super) fn answer_config(logging: &Arc<Logging>, bus: &Bus) -> Result<Subscription> {
    let sink = ConfigEvents { logging: Arc::downgrade(logging), bus: bus.clone() };
    bus.subscribe_matching(Match::Exact(SYSTEM.into()), Match::Prefix("logs.config.".into()), Arc::new(sink))
}

#[cfg(test)]
mod tests {
    use super::super::{Options, Style};
    use super::*;
    use crate::clock::VirtualClock;
    use std::time::Duration;

    fn logging() -> Arc<Logging> {
        let settings = Settings { propagate_downstream: false, stream_to_events: false, min_level: Level::Info };
        let options = Options { style: Style::Json, settings, sampled: false };
        Arc::new(Logging::new(options, Arc::new(VirtualClock::new())))
    }

    #[test]
    fn settings_are_changed_and_asked_for_by_events() {
        let (logging, bus) = (logging(), Bus::new());
        logging.connect(&bus);
        let mut answers = bus.channel(SYSTEM, "logs.config.state", 4).unwrap();
        let data = Map::from([("stream_to_events".to_owned(), true.into()), ("min_level".to_owned(), Value::Int(2))]);
        bus.publish(Event::new(SYSTEM, "logs.config.set", "me", Value::Map(data)));
        let answer = answers.recv_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!((answer.path.as_str(), answer.data.get("min_level")), ("me", Some(&Value::Int(2))));
        assert_eq!(logging.settings().min_level, Level::Error);
        assert!(logging.settings().stream_to_events && !logging.settings().propagate_downstream);
    }

    #[test]
    fn records_reach_the_bus_when_asked_for_and_while_lines_are_hidden() {
        let (logging, bus) = (logging(), Bus::new());
        logging.connect(&bus);
        let mut records = bus.channel(SYSTEM, "logs.entry", 4).unwrap();
        let record = Record {
            level: Level::Debug,
            logger: "shop".into(),
            message: "sold".into(),
            fields: Map::from([("n".to_owned(), Value::Int(3))]),
            time: 7,
            caller: String::new(),
        };
        assert!(!logging.wants(Level::Error, "program"));
        let quiet = logging.quiet();
        assert!(logging.wants(Level::Debug, "program"));
        logging.emit(&record);
        drop(quiet);
        let event = records.recv_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!(event.path, "shop");
        assert_eq!(event.data.at("entry.message"), Some(&"sold".into()));
        assert_eq!(event.data.get("fields").unwrap().as_list().unwrap()[0].get("int"), Some(&Value::Int(3)));
        assert_eq!(logging.emissions(), [1, 0, 0, 0]);
    }
}
