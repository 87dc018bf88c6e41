;; attack: twenty thousand locals, alive through many blocks
;; limit: what the branches of a function carry
;; when: late
;; ends: refused
(func $locals (param $n i32) (result i32)
;; repeat 20000
  (local $l$n i32)
;; end
  (loop $l
;; repeat 20000
    (local.set $l$n (i32.add (local.get $l$n) (local.get $n)))
    (br_if $l (local.get $l$n))
;; end
  )
  (local.get $n))
(func (export "run") (param $args i32) (param $count i32) (result i32)
  (call $number (i64.const 0)))
