//! The process laws, on both drivers: the thread pool and the seeded one.
//!
//! `WIPPY_LAW_SEEDS` sets the number of seeds (default 1000). A failing seed is
//! named in the panic; `WIPPY_LAW_SEED=n` runs that one alone.

mod collected;
mod fairness;
mod laws;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use world::World;

/// Runs a law under many seeds, then some times on threads.
fn law(name: &str, law: fn(&World)) {
    let number = |key: &str| std::env::var(key).ok().and_then(|v| v.parse::<u64>().ok());
    let seeds = match number("WIPPY_LAW_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("WIPPY_LAW_SEEDS").unwrap_or(1000),
    };
    for seed in seeds {
        let world = World::seeded(seed);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| law(&world))) {
            eprintln!("law `{name}` broken under seed {seed}: replay with WIPPY_LAW_SEED={seed}");
            resume_unwind(panic);
        }
    }
    for _ in 0..20 {
        law(&World::threads(2));
    }
}

macro_rules! laws {
    ($module:ident: $($name:ident),* $(,)?) => { $(#[test] fn $name() { law(stringify!($name), $module::$name); })* };
}

laws! {
    collected:
    what_was_sent_arrives_before_what_follows_from_later_sends,
    what_was_sent_arrives_before_the_end_is_seen,
}

laws! {
    laws:
    order_per_sender_is_kept,
    nothing_is_lost_or_doubled,
    relations_precede_the_first_step,
    an_exit_is_seen_exactly_once,
    a_monitor_races_with_the_end,
    links_cascade,
    a_trapped_link_is_a_notice,
    cancel_is_a_request,
    terminate_ends_what_never_returns,
    names_are_free_before_the_exit_is_seen,
    an_upgrade_keeps_identity,
    a_panic_is_one_exit,
    a_failed_start_leaves_nothing,
    a_call_ends_with_its_caller,
    what_is_held_is_let_go_in_reverse,
    sleeps_wake_in_order,
}
