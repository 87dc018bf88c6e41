//! Token stores: opaque texts that stand for an actor and a scope.
//!
//! A token is random bytes, signed if there is a key. What it stands for lies in
//! a key-value store, which also forgets it when it expires. The scope is made
//! of the policies of the recorded ids as they are when the token is shown.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::Scope;
use super::engine::Engine;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::env::Environment;
use crate::error::{Error, Kind, Result};
use crate::payload::{Flat, Map, Value};
use crate::process::Actor;
use crate::registry::decode::Fields;
use crate::registry::{Entry, EntryId};
use crate::resources::{Resources, Unusable};
use crate::stores::{Store, Writing};

/// Random bytes of a token, unless told, and at most.
const LENGTH: i64 = 32;
const MAX_LENGTH: i64 = 1024;
const EXPIRATION: Duration = Duration::from_secs(24 * 3600);
/// Longest text that can be a token: of the longest one and its signature.
const MAX_TEXT: usize = 2048;

/// What stores of a node share.
pub(super) struct Surroundings {
    pub engine: Arc<Engine>,
    pub resources: Arc<Resources>,
    pub environment: Arc<Environment>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

/// One configuration of a store. Whoever has it keeps it when the entry changes.
///
/// Errors of all operations are Internal. They block if the backing store does ([`TokenStore::blocks`]).
pub struct TokenStore {
    pub id: EntryId,
    around: Arc<Surroundings>,
    backing: EntryId,
    length: usize,
    expiration: Duration,
    /// Empty: tokens are not signed.
    key: Vec<u8>,
}

/// When a token ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expiration {
    /// As the store says.
    #[default]
    Default,
    After(Duration),
    Never,
}

impl Expiration {
    /// 0 is the store's default, and what is below never ends.
    pub fn from_nanos(nanos: i64) -> Expiration {
        match u64::try_from(nanos) {
            Ok(0) => Expiration::Default,
            Ok(nanos) => Expiration::After(Duration::from_nanos(nanos)),
            Err(_) => Expiration::Never,
        }
    }
}

fn malformed() -> Error {
    Error::internal("invalid token format")
}

fn failed(what: &'static str) -> impl Fn(Error) -> Error {
    move |e| Error::internal(format!("{what}: {}", e.message()))
}

impl TokenStore {
    /// The store of an entry. Errors: Invalid `failed to decode token store config`.
    pub(super) fn new(around: &Arc<Surroundings>, entry: &Entry) -> Result<TokenStore> {
        TokenStore::read(around, entry).map_err(|e| Error::invalid("failed to decode token store config").because(e))
    }

    fn read(around: &Arc<Surroundings>, entry: &Entry) -> Result<TokenStore> {
        let fields = Fields::new(entry)?;
        let backing = match fields.opt_id("store")? {
            Some(id) if !id.name().is_empty() => id,
            _ => return Err(fields.error("store", "store ID is required")),
        };
        let length = match fields.int("token_length", 0)? {
            0 => LENGTH,
            n if n < 0 => return Err(fields.error("token_length", "token length must be positive")),
            n if n > MAX_LENGTH => {
                return Err(fields.error("token_length", format_args!("token length must be at most {MAX_LENGTH}")));
            }
            n => n,
        };
        let expiration = fields.duration("default_expiration", EXPIRATION)?;
        let mut key = fields.str_or("token_key", "")?.to_owned();
        let variable = fields.str_or("token_key_env", "")?;
        if !variable.is_empty() {
            match around.environment.get(variable, entry.id.ns()) {
                Ok(value) => key = value,
                Err(e) => tracing::warn!(id = %entry.id, variable, %e, "the key of a token store was not found"),
            }
        }
        fields.finish_and_log();
        let (id, around) = (entry.id.clone(), around.clone());
        Ok(TokenStore { id, around, backing, length: length as usize, expiration, key: key.into_bytes() })
    }

    /// The store behind. Errors: `failed to acquire backing store`, with details `store` and `cause`.
    fn backing(&self) -> Result<Arc<dyn Store>> {
        self.around.resources.get::<dyn Store>(&self.backing).map_err(|e| {
            let cause = match e {
                Unusable::Missing => "resource not found",
                Unusable::Other(_) => "resource is not a key-value store",
            };
            let error = Error::internal(format!("failed to acquire backing store: {cause}"));
            error.detail("store", self.backing.as_str()).detail("cause", cause)
        })
    }
    /// Whether operations may block the thread.
    pub fn blocks(&self) -> bool {
        self.backing().is_ok_and(|store| store.blocks())
    }

    fn mac(&self, text: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(text.as_bytes());
        Some(mac)
    }

    /// A new token for an actor and a scope, whose policies are recorded by id.
    pub fn create(&self, actor: &Actor, scope: &Scope, expiration: Expiration, meta: &Map) -> Result<String> {
        let mut random = vec![0; self.length];
        self.around.entropy.fill(&mut random);
        let text = URL_SAFE.encode(&random);
        let ttl = match expiration {
            Expiration::Default => Some(self.expiration),
            Expiration::After(ttl) => Some(ttl),
            Expiration::Never => None,
        };
        let now = self.around.clock.wall();
        let mut record = Map::new();
        record.insert("created".to_owned(), time(now).into());
        record.insert("actor_id".to_owned(), actor.id.as_str().into());
        if !actor.meta.is_empty() {
            record.insert("actor_meta".to_owned(), Value::Map(actor.meta.clone()));
        }
        if !scope.policies().is_empty() {
            let ids = scope.policies().iter().map(|p| p.id.as_str()).collect();
            record.insert("scope_policies".to_owned(), ids);
        }
        if let Some(ttl) = ttl {
            let ttl = i64::try_from(ttl.as_nanos()).unwrap_or(i64::MAX);
            record.insert("expires".to_owned(), time(now.saturating_add(ttl)).into());
        }
        if !meta.is_empty() {
            record.insert("meta".to_owned(), Value::Map(meta.clone()));
        }
        let value = Arc::new(Flat::of(&[Value::Map(record)]));
        let put = self.backing()?.put(&key(&text), value, Writing { ttl, ..Writing::default() });
        put.map_err(failed("failed to store token"))?;
        if self.key.is_empty() {
            return Ok(text);
        }
        let signature = self.mac(&text).ok_or_else(|| Error::internal("invalid token key"))?.finalize().into_bytes();
        Ok(format!("{text}.{}", URL_SAFE.encode(signature)))
    }

    /// Whom a token stands for, and within which scope. Ids of policies that are gone are left out. Takes the same time
    /// wherever a signature is wrong. Errors: `invalid token format`; `token not found`, also when it has expired;
    /// `failed to retrieve token`; `failed to unmarshal token data`.
    pub fn validate(&self, token: &str) -> Result<(Arc<Actor>, Arc<Scope>)> {
        let text = self.genuine(token).ok_or_else(malformed)?;
        let record = self.backing()?.get(&key(text)).map_err(|e| {
            if *e.kind() == Kind::NOT_FOUND {
                Error::internal("token not found")
            } else {
                failed("failed to retrieve token")(e)
            }
        })?;
        let unreadable = failed("failed to unmarshal token data");
        let value = record.value.first().map_err(&unreadable)?;
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let Some(id) = text("actor_id") else { return Err(unreadable(Error::invalid("no actor_id"))) };
        let meta = value.get("actor_meta").and_then(Value::as_map).cloned().unwrap_or_default();
        let ids = value.get("scope_policies").and_then(Value::as_list).unwrap_or_default();
        let ids = ids.iter().filter_map(Value::as_str).map(EntryId::parse);
        let engine = &self.around.engine;
        let scope = engine.issue(ids.filter_map(|id| engine.policy(&id)));
        Ok((Arc::new(Actor { id: id.to_owned(), meta }), scope))
    }

    /// The unsigned text of a token whose signature fits; of any token, if tokens are not signed.
    fn genuine<'t>(&self, token: &'t str) -> Option<&'t str> {
        if token.is_empty() || token.len() > MAX_TEXT {
            return None;
        }
        if self.key.is_empty() {
            return Some(token);
        }
        let (text, signature) = token.split_once('.').filter(|(_, rest)| !rest.contains('.'))?;
        let signature = URL_SAFE.decode(signature).ok()?;
        self.mac(text)?.verify_slice(&signature).ok()?;
        Some(text)
    }

    /// Forgets a token; its signature is not looked at. Errors: `invalid token format`, `token not found`,
    /// `failed to delete token`.
    pub fn revoke(&self, token: &str) -> Result<()> {
        if token.is_empty() || token.len() > MAX_TEXT {
            return Err(malformed());
        }
        let text = match token.split_once('.') {
            Some((text, rest)) if !self.key.is_empty() && !rest.contains('.') => text,
            _ => token,
        };
        match self.backing()?.delete(&key(text)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::internal("token not found")),
            Err(e) => Err(failed("failed to delete token")(e)),
        }
    }
}

/// The key of a record: an id without namespace, whatever the token looks like.
fn key(text: &str) -> String {
    format!(":{text}")
}

fn time(nanos: i64) -> String {
    jiff::Timestamp::from_nanosecond(nanos.into()).map(|t| t.to_string()).unwrap_or_default()
}
