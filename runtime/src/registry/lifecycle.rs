//! The `lifecycle` block that every supervised kind has.
//!
//! Only its shape, its defaults and its bounds; what it means is the supervisor's.

use std::time::Duration;

use super::decode::Fields;
use super::entry::EntryId;
use crate::error::Result;
use crate::payload::Map;

#[derive(Clone, Debug, PartialEq)]
pub struct Lifecycle {
    /// Start when the transaction that registers the service commits.
    pub auto_start: bool,
    /// Whether a failing start fails the start transition.
    pub startup_required: bool,
    /// What must be running first: `requires`, then `depends_on`, each once.
    pub requires: Vec<EntryId>,
    pub start_timeout: Duration,
    pub stop_timeout: Duration,
    /// Uptime after which the retry counter starts over.
    pub stable_threshold: Duration,
    pub restart: RestartPolicy,
    pub security: Option<ServiceSecurity>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RestartPolicy {
    pub initial_delay: Duration,
    pub max_delay: Duration,
    /// Greater than 0.
    pub backoff_factor: f64,
    /// Share of the delay that is random, above 0 and at most 1.
    pub jitter: f64,
    /// Attempts including the first; 0 is unlimited.
    pub max_attempts: u32,
}

/// On whose behalf a service acts. Actor and ids are taken as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceSecurity {
    pub actor_id: String,
    pub actor_meta: Map,
    pub policies: Vec<EntryId>,
    pub groups: Vec<EntryId>,
}

impl Default for Lifecycle {
    fn default() -> Lifecycle {
        Lifecycle {
            auto_start: false,
            startup_required: true,
            requires: Vec::new(),
            start_timeout: Duration::from_secs(10),
            stop_timeout: Duration::from_secs(10),
            stable_threshold: Duration::from_secs(5),
            restart: RestartPolicy::default(),
            security: None,
        }
    }
}

impl Default for RestartPolicy {
    fn default() -> RestartPolicy {
        RestartPolicy {
            initial_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(90),
            backoff_factor: 2.0,
            jitter: 0.1,
            max_attempts: 0,
        }
    }
}

impl Lifecycle {
    /// Reads the field `lifecycle` of an entry's data; the defaults if there is none.
    pub fn decode(data: &Fields<'_>) -> Result<Lifecycle> {
        let default = Lifecycle::default();
        let Some(fields) = data.nested("lifecycle")? else { return Ok(default) };
        let mut requires = Vec::new();
        for id in fields.list_of_ids("requires")?.into_iter().chain(fields.list_of_ids("depends_on")?) {
            if !requires.contains(&id) {
                requires.push(id);
            }
        }
        Ok(Lifecycle {
            auto_start: fields.bool("auto_start", false)?,
            startup_required: fields.opt_str("startup")? != Some("optional"),
            requires,
            start_timeout: fields.duration("start_timeout", default.start_timeout)?,
            stop_timeout: fields.duration("stop_timeout", default.stop_timeout)?,
            stable_threshold: fields.duration("stable_threshold", default.stable_threshold)?,
            restart: fields.nested("restart")?.map_or(Ok(default.restart), |f| RestartPolicy::decode(&f))?,
            security: fields.nested("security")?.map(|f| ServiceSecurity::decode(&f)).transpose()?,
        })
    }
}

impl RestartPolicy {
    fn decode(fields: &Fields<'_>) -> Result<RestartPolicy> {
        let default = RestartPolicy::default();
        // Zero cannot be told from absent in files written for the original, so it means the default.
        let number = |key: &str, default: f64, max: f64| match fields.float(key, 0.0)? {
            0.0 => Ok(default),
            n if n < 0.0 => Err(fields.error(key, format_args!("must not be negative, got {n}"))),
            n if n > max => Err(fields.error(key, format_args!("must be at most {max}, got {n}"))),
            n => Ok(n),
        };
        Ok(RestartPolicy {
            initial_delay: fields.duration("initial_delay", default.initial_delay)?,
            max_delay: fields.duration("max_delay", default.max_delay)?,
            backoff_factor: number("backoff_factor", default.backoff_factor, 1e6)?,
            jitter: number("jitter", default.jitter, 1.0)?,
            max_attempts: fields.int_in("max_attempts", 0..=i64::from(u32::MAX), 0)? as u32,
        })
    }
}

impl ServiceSecurity {
    fn decode(fields: &Fields<'_>) -> Result<ServiceSecurity> {
        let actor = fields.nested("actor")?;
        let actor_id = match &actor {
            Some(a) => a.opt_str("id")?.unwrap_or_default().to_owned(),
            None => String::new(),
        };
        let actor_meta = match &actor {
            Some(a) => a.map("meta")?.cloned().unwrap_or_default(),
            None => Map::new(),
        };
        let (policies, groups) = (fields.list_of_full_ids("policies")?, fields.list_of_full_ids("groups")?);
        Ok(ServiceSecurity { actor_id, actor_meta, policies, groups })
    }
}
