;; attack: looking through the registry without end
;; limit: capabilities
;; ends: PermissionDenied capability "registry" is denied by host app:tenants
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (loop $l
    (call $forget)
    (call $find (i32.const 8) (i32.const 0) (i32.const 512))
    (br_if $l (i32.eqz (i32.load8_u (i32.const 512)))))
  (call $fail (i32.const 516)))
