;; attack: an interface that its entry was not granted
;; limit: imports
;; arguments: none
;; entry: , method: go
;; ends: Internal failed to call wasm method: go: wasm call failed: module closed with exit_code(1): unknown import
(component
  (import "wasi:random/random@0.2.0" (instance $random (export "get-random-u64" (func (result u64)))))
  (core func $u64 (canon lower (func $random "get-random-u64")))
  (core module $m
    (import "" "u64" (func $u64 (result i64)))
    (func (export "go") (loop $l (drop (call $u64)) (br $l))))
  (core instance $i (instantiate $m (with "" (instance (export "u64" (func $u64))))))
  (func (export "go") (canon lift (core func $i "go"))))
