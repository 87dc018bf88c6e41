//! The `uuid` module. Time and randomness come from the VM's surroundings.

use parking_lot::Mutex;
use uuid::{Builder, Timestamp, Uuid, Variant};
use wippy_runtime::Error;

use super::{Module, ModuleValue};
use crate::member;
use crate::native::{Call, Member, Raise, Ret};

pub static MODULE: Module = Module {
    name: "uuid",
    value: ModuleValue::Table(MEMBERS),
    class: &["nondeterministic", "workflow"],
    description: "Universally unique identifiers",
};

const MEMBERS: &[Member] = &[
    member!("v1", v1),
    member!("v3", |c| named(c, Uuid::new_v3)),
    member!("v4", v4),
    member!("v5", |c| named(c, Uuid::new_v5)),
    member!("v7", v7),
    member!("validate", validate),
    member!("version", version),
    member!("variant", variant),
    member!("parse", parse),
    member!("format", format),
];

fn give(call: &Call<'_>, id: Uuid) -> Result<Ret, Raise> {
    let mut text = Uuid::encode_buffer();
    call.push_str(id.hyphenated().encode_lower(&mut text).as_bytes());
    call.fine()
}

fn random<const N: usize>(call: &Call<'_>) -> [u8; N] {
    let mut bytes = [0; N];
    call.state().surroundings().random(&mut bytes);
    bytes
}

/// Node identity and last time of the v1 ids made here, in 100 ns ticks.
static V1: Mutex<(Option<[u8; 6]>, u64)> = Mutex::new((None, 0));

fn v1(call: &mut Call<'_>) -> Result<Ret, Raise> {
    // 1582-10-15 to 1970-01-01 in ticks of 100 ns (RFC 9562).
    const GREGORIAN: i64 = 0x01B2_1DD2_1381_4000;
    let ticks = (call.state().surroundings().unix_nanos() / 100 + GREGORIAN).max(0) as u64;
    let (node, ticks) = {
        let mut last = V1.lock();
        let node = *last.0.get_or_insert_with(|| {
            let mut node = random::<6>(call);
            // The multicast bit marks an id that is no hardware address.
            node[0] |= 1;
            node
        });
        last.1 = ticks.max(last.1 + 1);
        (node, last.1)
    };
    give(
        call,
        Uuid::new_v1(Timestamp::from_gregorian_time(ticks, u16::from_be_bytes([node[4], node[5]]) & 0x3fff), &node),
    )
}

fn v4(call: &mut Call<'_>) -> Result<Ret, Raise> {
    give(call, Builder::from_random_bytes(random(call)).into_uuid())
}

/// Millisecond and counter of the last v7 id: ids of one node strictly increase.
static V7: Mutex<(u64, u16)> = Mutex::new((0, 0));

fn v7(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let now = (call.state().surroundings().unix_nanos() / 1_000_000).max(0) as u64;
    let mut bytes: [u8; 10] = random(call);
    let (millis, counter) = {
        let mut last = V7.lock();
        *last = match now > last.0 {
            // Starts low, so that a millisecond has room for 2048 and more.
            true => (now, u16::from_be_bytes([bytes[0], bytes[1]]) & 0x07ff),
            false if last.1 == 0x0fff => (last.0 + 1, 0),
            false => (last.0, last.1 + 1),
        };
        *last
    };
    bytes[..2].copy_from_slice(&counter.to_be_bytes());
    give(call, Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
}

fn named(call: &mut Call<'_>, make: fn(&Uuid, &[u8]) -> Uuid) -> Result<Ret, Raise> {
    let (Some(namespace), Some(name)) = (call.real_str(1), call.real_str(2)) else {
        return call.fail(Error::invalid("namespace and name must be strings"));
    };
    match Uuid::try_parse_ascii(namespace) {
        Ok(namespace) => give(call, make(&namespace, name)),
        Err(_) => call.fail(Error::invalid("invalid namespace UUID")),
    }
}

fn read(call: &Call<'_>) -> Result<Uuid, Error> {
    let text = call.real_str(1).ok_or_else(|| Error::invalid("input must be a string"))?;
    Uuid::try_parse_ascii(text).map_err(|_| Error::invalid("invalid UUID format"))
}

fn validate(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_bool(read(call).is_ok());
    call.fine()
}

fn version(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match read(call) {
        Ok(id) => {
            call.push_int(id.get_version_num() as i64);
            call.fine()
        }
        Err(e) => call.fail(e),
    }
}

fn variant_name(id: &Uuid) -> &'static str {
    match id.get_variant() {
        Variant::RFC4122 => "RFC4122",
        Variant::Microsoft => "Microsoft",
        Variant::Future => "Future",
        _ => "Reserved",
    }
}

fn variant(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match read(call) {
        Ok(id) => {
            call.push_str(variant_name(&id));
            call.fine()
        }
        Err(e) => call.fail(e),
    }
}

fn parse(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = match read(call) {
        Ok(id) => id,
        Err(e) => return call.fail(e),
    };
    let version = id.get_version_num();
    call.push_table(0, 4);
    call.push_int(version as i64);
    call.set_field(-2, "version");
    call.push_str(variant_name(&id));
    call.set_field(-2, "variant");
    if matches!(version, 1 | 7)
        && let Some(at) = id.get_timestamp()
    {
        call.push_int(at.to_unix().0 as i64);
        call.set_field(-2, "timestamp");
    }
    if version == 1 {
        call.push_str(&id.as_bytes()[10..]);
        call.set_field(-2, "node");
    }
    call.fine()
}

fn format(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = match read(call) {
        Ok(id) => id,
        Err(e) => return call.fail(e),
    };
    let text = match call.opt_str(2)? {
        None | Some(b"standard") => id.hyphenated().to_string(),
        Some(b"simple") => id.simple().to_string(),
        Some(b"urn") => id.urn().to_string(),
        Some(_) => return call.fail(Error::invalid("unsupported format")),
    };
    call.push_str(text);
    call.fine()
}
