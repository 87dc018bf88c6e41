;; attack: a hundred memories
;; limit: memories of one guest
;; arguments: none
;; entry: , method: go
;; ends: LimitExceeded failed to instantiate wasm module: [runtime] instantiation: instantiate module (caused by: resource limit exceeded
(component
  (core module $m (memory 0) (func (export "go")))
  (core instance $first (instantiate $m))
;; repeat 99
  (core instance (instantiate $m))
;; end
  (func (export "go") (canon lift (core func $first "go"))))
