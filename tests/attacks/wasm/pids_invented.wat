;; attack: names of nodes and hosts without end
;; limit: names of hosts that texts may bring
;; ends: LimitExceeded too many host and node names
(data (i32.const 64) "{n@00000000|0x00001}")
(func (export "run") (param $args i32) (param $count i32) (result i32) (local $i i32) (local $digit i32) (local $rest i32)
  (loop $l
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (local.set $rest (local.get $i))
    (local.set $digit (i32.const 68))
    (loop $digits
      (i32.store8 (local.get $digit) (i32.add (i32.const 97) (i32.rem_u (local.get $rest) (i32.const 26))))
      (local.set $rest (i32.div_u (local.get $rest) (i32.const 26)))
      (local.set $digit (i32.add (local.get $digit) (i32.const 1)))
      (br_if $digits (i32.lt_u (local.get $digit) (i32.const 75))))
    (call $parse_pid (i32.const 64) (i32.const 20) (i32.const 512))
    (call $forget)
    (br_if $l (i32.eqz (i32.load8_u (i32.const 512)))))
  (call $fail (i32.const 520)))
