;; attack: values that are held and never given back
;; limit: handles: what does not fit arrives as bytes
;; ends: value 32
;; A list of one nil in the flat form.
(data (i32.const 96) "\09\01\00\00\00\00")
(func (export "run") (param $args i32) (param $count i32) (result i32) (local $held i64) (local $n i32)
  (call $set_options (i32.const 0) (i32.const 0) (i32.const 3))
  (call $self_pid (i32.const 256))
  (i32.store8 (i32.const 320) (i32.const 6))
  (i32.store8 (i32.const 328) (i32.const 0))
  (i32.store (i32.const 332) (i32.const 96))
  (i32.store (i32.const 336) (i32.const 6))
  (loop $l
    (call $send (i32.const 0) (i32.load (i32.const 256)) (i32.load (i32.const 260)) (i64.load (i32.const 264))
      (i32.const 16) (i32.const 5) (i32.const 320) (i32.const 1) (i32.const 512))
    (if (i32.load8_u (i32.const 512)) (then (return (call $fail (i32.const 516)))))
    (call $forget)
    (call $receive (i32.const 1) (i32.const 8) (i32.const 0) (i32.const 8) (i32.const 0)
      (i32.const 0) (i64.const 0) (i32.const 640))
    ;; The first payload of the message: 7 is held.
    (if (i32.eq (i32.load8_u (i32.load (i32.const 680))) (i32.const 7))
      (then (local.set $held (i64.add (local.get $held) (i64.const 1)))))
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (br_if $l (i32.lt_u (local.get $n) (i32.const 100))))
  (call $number (local.get $held)))
