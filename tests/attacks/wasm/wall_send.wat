;; attack: a message to another host
;; limit: messages
;; ends: PermissionDenied host app:tenants may not send to app:neighbours
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (drop (call $tell (call $argument (local.get $args) (i32.const 0)) (i32.const 8) (i32.const 0)))
  (call $fail (i32.const 516)))
