//! The `metrics` module: measurements for the node's collector.

use wippy_runtime::Error;

use super::{Module, ModuleValue};
use crate::member;
use crate::native::{Call, Member, Raise, Ret, Type};
use crate::state::Measurement;

pub static MODULE: Module = Module {
    name: "metrics",
    value: ModuleValue::Table(MEMBERS),
    class: &["io", "nondeterministic"],
    description: "Counters, gauges and histograms",
};

const MEMBERS: &[Member] = &[
    member!("counter_inc", |c| by(c, Measurement::CounterAdd(1.0))),
    member!("counter_add", |c| with(c, Measurement::CounterAdd)),
    member!("gauge_set", |c| with(c, Measurement::GaugeSet)),
    member!("gauge_inc", |c| by(c, Measurement::GaugeAdd(1.0))),
    member!("gauge_dec", |c| by(c, Measurement::GaugeAdd(-1.0))),
    member!("histogram", |c| with(c, Measurement::Observe)),
];

fn by(call: &mut Call<'_>, change: Measurement) -> Result<Ret, Raise> {
    measure(call, change, 2)
}

fn with(call: &mut Call<'_>, change: fn(f64) -> Measurement) -> Result<Ret, Raise> {
    let change = change(call.float(2)?);
    measure(call, change, 3)
}

fn measure(call: &mut Call<'_>, change: Measurement, labels_at: i32) -> Result<Ret, Raise> {
    let name = call.text(1)?;
    let mut labels = Vec::new();
    if call.type_of(labels_at) == Type::Table {
        let key = call.top() + 1;
        call.push_nil();
        while call.next(labels_at) {
            if call.type_of(key) == Type::String && call.type_of(key + 1) == Type::String {
                labels.push((call.key_text(key), call.key_text(key + 1)));
            }
            call.pop(1);
        }
        labels.sort();
    }
    if !call.state().surroundings().measure(&name, change, &labels) {
        return call.fail(Error::internal("metrics collector not available"));
    }
    call.push_bool(true);
    call.fine()
}
