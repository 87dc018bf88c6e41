;; attack: reading all variables
;; limit: capabilities
;; ends: PermissionDenied capability "env" is denied by host app:tenants
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $environment (i32.const 512))
  (call $fail (i32.const 516)))
