;; attack: a hundred thousand pieces of data
;; limit: pieces of data
;; when: late
;; ends: refused
;; repeat 100001
(data (i32.const 8) "a")
;; end
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $number (i64.const 0)))
