//! Sends values of every kind to somebody who sends them back, and compares.

use wippy_guest::*;

#[process]
fn main(peer: Pid, seed: u64, count: u64) -> Result<u64> {
    listen("back")?;
    let mut chance = Chance(seed | 1);
    for n in 0..count {
        let sent = value(&mut chance, 4);
        send(peer.clone(), "value", &sent)?;
        match Receive::nothing().topic("back").next::<Value>() {
            Incoming::Message(got, _) if same(&sent, &got) => {}
            other => return Err(Error::internal(format!("value {n}: {sent:?} came back as {other:?}"))),
        }
    }
    Ok(count)
}

/// Numbers of a xorshift generator.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

fn text(chance: &mut Chance) -> Vec<u8> {
    const PARTS: [&[u8]; 6] = [b"a", b"key", "ö🙂".as_bytes(), b"\0", b"\xff", &[b'x'; 300]];
    (0..chance.below(4)).flat_map(|_| chance.pick(&PARTS).to_vec()).collect()
}

fn leaf(chance: &mut Chance) -> Value {
    const INTEGERS: [i64; 9] = [0, 1, -1, 127, 128, -129, i64::MAX, i64::MIN, 1 << 53];
    const FLOATS: [f64; 9] =
        [0.0, -0.0, 1.5, -1e300, 5e-324, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 9_007_199_254_740_993.0];
    match chance.below(5) {
        0 => Value::Bool(chance.below(2) == 1),
        1 => Value::Int(chance.pick(&INTEGERS)),
        2 => Value::Float(chance.pick(&FLOATS)),
        3 => Value::Bytes(text(chance)),
        _ => Value::Text(String::from_utf8_lossy(&text(chance)).into_owned()),
    }
}

fn key(chance: &mut Chance) -> Value {
    match chance.below(4) {
        0 => Value::Bool(chance.below(2) == 1),
        1 => Value::Int(chance.pick(&[-1, 7, 1000, i64::MIN])),
        2 => Value::Float(chance.pick(&[0.5, -1e300, f64::INFINITY])),
        _ => Value::Bytes(text(chance)),
    }
}

fn value(chance: &mut Chance, depth: u64) -> Value {
    let inner = |chance: &mut Chance| value(chance, depth - 1);
    match chance.below(if depth == 0 { 5 } else { 9 }) {
        0..5 => leaf(chance),
        5 => Value::List((0..chance.below(4)).map(|_| inner(chance)).collect()),
        6 => {
            let details = Value::from_iter([("n", chance.below(9) as i64)]);
            let error = Error::new(Kind::Conflict, "no").retryable(chance.below(2) == 1);
            Value::Error(error.with_details(&details))
        }
        _ => {
            let mut pairs: Vec<(Value, Value)> = Vec::new();
            for _ in 0..chance.below(4) {
                let (key, value) = (key(chance), inner(chance));
                if !pairs.iter().any(|(k, _)| same(k, &key)) {
                    pairs.push((key, value));
                }
            }
            Value::Map(pairs)
        }
    }
}

/// Whether a table of Lua cannot tell them apart: a list is its pairs, text is its bytes, pairs have no order.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        _ => match (bytes(a), bytes(b), pairs(a), pairs(b)) {
            (Some(a), Some(b), ..) => a == b,
            (_, _, Some(a), Some(b)) => {
                let has = |(key, value): &(Value, Value)| b.iter().any(|(k, v)| same(k, key) && same(v, value));
                a.len() == b.len() && a.iter().all(has)
            }
            _ => a == b,
        },
    }
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Text(text) => Some(text.as_bytes()),
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn pairs(value: &Value) -> Option<Vec<(Value, Value)>> {
    match value {
        Value::List(list) => Some((1..).map(Value::Int).zip(list.iter().cloned()).collect()),
        Value::Map(pairs) => Some(pairs.clone()),
        _ => None,
    }
}
