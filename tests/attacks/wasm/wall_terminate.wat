;; attack: ending the neighbour
;; limit: messages
;; ends: PermissionDenied host app:tenants may not send to app:neighbours
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $terminate (i32.const 1) (call $argument (local.get $args) (i32.const 0)) (i64.const 0) (i32.const 512))
  (call $fail (i32.const 516)))
