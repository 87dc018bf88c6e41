//! The contract `wippy:process` as Rust types and traits, made from its text.

wasmtime::component::bindgen!({
    path: "../wasm-guest-sdk/wit",
    world: "wippy:process/process",
    imports: {
        "wippy:process/mailbox.receive": async | trappable,
        "wippy:process/functions.call": async | trappable,
        "wippy:process/functions.[method]pending.wait": async | trappable,
        "wippy:process/processes.exec": async | trappable,
        "wippy:process/time.sleep": async | trappable,
        "wippy:process/terminal.read-line": async | trappable,
        "wippy:process/environment": async | trappable,
        "wippy:process/registry": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "wippy:process/types.value": super::payload::HeldValue,
        "wippy:process/functions.pending": super::functions::PendingCall,
    },
});
