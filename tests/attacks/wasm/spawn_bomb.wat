;; attack: processes that start processes
;; limit: processes
;; ends: LimitExceeded max processes limit exceeded
(data (i32.const 64) "app:wasm_spawn_bomb")
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (loop $l
    (call $forget)
    (call $spawn (i32.const 64) (i32.const 19) (i32.const 32) (i32.const 11) (i32.const 8) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 8) (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 512))
    (br_if $l (i32.eqz (i32.load8_u (i32.const 512)))))
  ;; The first one ends; its children, which have no arguments, stay.
  (if (i32.eqz (local.get $count))
    (then (call $receive (i32.const 1) (i32.const 8) (i32.const 0) (i32.const 8) (i32.const 0)
      (i32.const 0) (i64.const 0) (i32.const 640))))
  (call $fail (i32.const 520)))
