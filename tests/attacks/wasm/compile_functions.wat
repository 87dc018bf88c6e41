;; attack: fifty thousand functions
;; limit: none: they are compiled in time
;; when: late
;; ends: value 0
;; repeat 50000
(func (param i32) (result i32) (i32.add (local.get 0) (i32.const $n)))
;; end
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $number (i64.const 0)))
