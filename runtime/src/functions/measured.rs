//! The interceptor that counts calls of functions and how long they take
//! (`metrics.interceptor.enabled`). A call that is retried counts once.

use super::{CancelCall, Done, FunctionCall, Interceptor, Next};
use crate::metrics::Measurement;
use crate::payload::Map;

/// The place of measuring among the interceptors: outside retries.
pub(super) const ORDER: i32 = 10;

/// See the module comment.
pub(super) struct Measured;

impl Interceptor for Measured {
    fn wants(&self, _: &Map) -> bool {
        true
    }
    fn call(&self, call: FunctionCall, next: Next, done: Done) -> CancelCall {
        let (metrics, clock) = (call.node.metrics().clone(), call.node.clock().clone());
        let function = [("function_id".to_owned(), next.target().to_string())];
        metrics.record("wippy_function_in_flight", Measurement::GaugeAdd(1.0), &function);
        let start = clock.now();
        let done: Done = Box::new(move |result| {
            let seconds = clock.now().saturating_sub(start) as f64 / 1e9;
            metrics.record("wippy_function_in_flight", Measurement::GaugeAdd(-1.0), &function);
            metrics.record("wippy_function_duration", Measurement::Observe(seconds), &function);
            let status = if result.is_ok() { "success" } else { "error" };
            let [id] = function;
            let labels = [id, ("status".to_owned(), status.to_owned())];
            metrics.record("wippy_function_calls", Measurement::CounterAdd(1.0), &labels);
            done(result);
        });
        next.call(call, done)
    }
}
