;; attack: a function just below the limit
;; limit: none: it is compiled in time
;; when: late
;; ends: value 0
(func $large (param i32) (result i32)
;; repeat 60000
  (local.set 0 (i32.mul (i32.add (local.get 0) (i32.const 1)) (i32.const 3)))
;; end
  (local.get 0))
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $number (i64.const 0)))
