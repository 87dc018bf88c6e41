;; attack: children that are linked and fail
;; limit: a linked process goes with them
;; ends: Internal linked process failed
(data (i32.const 64) "app:wasm_trap_loop")
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (loop $l
    (call $forget)
    (call $spawn (i32.const 64) (i32.const 18) (i32.const 32) (i32.const 11) (i32.const 8) (i32.const 0)
      (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 8) (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 512))
    (br_if $l (i32.eqz (i32.load8_u (i32.const 512)))))
  ;; The host is full: wait for the end.
  (call $receive (i32.const 1) (i32.const 8) (i32.const 0) (i32.const 8) (i32.const 0)
    (i32.const 0) (i64.const 0) (i32.const 640))
  (call $number (i64.const 0)))
