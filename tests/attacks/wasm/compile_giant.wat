;; attack: a function of more than a megabyte
;; limit: bytes of a function
;; when: late
;; ends: refused
(func $giant (param i32) (result i32)
;; repeat 200000
  (local.set 0 (i32.add (local.get 0) (i32.const 1)))
;; end
  (local.get 0))
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $number (i64.const 0)))
