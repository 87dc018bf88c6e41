;; attack: handles without end, of a resource of its own
;; limit: handles of one guest
;; arguments: none
;; entry: , method: go
;; ends: LimitExceeded failed to call wasm method: go: wasm call failed: cannot allocate another handle
(component
  (type $r (resource (rep i32)))
  (core func $new (canon resource.new $r))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (func (export "go") (loop $l (drop (call $new (i32.const 1))) (br $l))))
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
  (func (export "go") (canon lift (core func $i "go"))))
