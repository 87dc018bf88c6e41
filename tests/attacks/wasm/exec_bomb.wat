;; attack: a process that waits for another of its kind, which does the same
;; limit: processes
;; ends: LimitExceeded max processes limit exceeded
(data (i32.const 64) "app:wasm_exec_bomb")
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $exec (i32.const 64) (i32.const 18) (i32.const 32) (i32.const 11) (i32.const 8) (i32.const 0) (i32.const 512))
  (call $fail (i32.const 520)))
