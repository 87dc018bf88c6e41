;; attack: instances with ten thousand globals each
;; limit: memory
;; arguments: none
;; entry: , method: go
;; ends: LimitExceeded failed to instantiate wasm module: [runtime] instantiation: instantiate module (caused by: not enough memory
(component
  (core module $m
;; repeat 10000
    (global i64 (i64.const 0))
;; end
    (func (export "go")))
  (core instance $first (instantiate $m))
;; repeat 99
  (core instance (instantiate $m))
;; end
  (func (export "go") (canon lift (core func $first "go"))))
