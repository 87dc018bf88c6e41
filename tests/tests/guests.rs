//! What `cargo build` makes of a guest is all that is needed to run it.

use wippy_tests::guests;

/// Bytes of the smallest process as a component.
const SMALLEST: usize = 40_000;

fn component(name: &str) -> Vec<u8> {
    let core = std::fs::read(guests().join(name).with_extension("wasm")).expect("a guest");
    let mut encoder = wit_component::ComponentEncoder::default().validate(true).module(&core).expect("a type");
    encoder.encode().unwrap_or_else(|error| panic!("{name} does not become a component: {error:?}"))
}

#[test]
fn every_guest_becomes_a_component() {
    for name in ["bare", "counter", "smallest"] {
        assert!(component(name).len() > 1000, "{name}");
    }
}

#[test]
fn the_smallest_guest_is_small() {
    for name in ["bare", "smallest"] {
        let size = component(name).len();
        assert!(size < SMALLEST, "{name} has {size} bytes");
    }
}

#[test]
fn the_hash_is_what_an_entry_wants() {
    let hash = std::fs::read_to_string(guests().join("counter.sha256")).expect("a hash");
    let digits = hash.strip_prefix("sha256:").expect("the algorithm");
    assert!(digits.len() == 64 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{hash:?}");
}
