;; attack: becoming a process that has what its host denies
;; limit: capabilities
;; ends: Internal upgrade: init failed: capability "registry" is denied by host app:tenants
(data (i32.const 64) "app:privileged")
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $upgrade (i32.const 1) (i32.const 64) (i32.const 14) (i32.const 8) (i32.const 0))
  unreachable)
