;; Sends a map of 20 keys to a new `bench:payload_sink`, $m times, and waits for an acknowledgement; $rounds times; then
;; tells its parent the last answer. Its arguments are the parent's pid as text, $rounds and $m. The harness puts the
;; encoded map in.
(data (i32.const 16) "bench:payload_sink")
(data (i32.const 40) "bench:processes")
(data (i32.const 1104) "mapdonestop")
(data (i32.const 16384) "{{MAP}}")
(func (export "run") (param $args i32) (param i32) (result i32) (local $i i64) (local $rounds i64) (local $kept i32)
  (call $me (i32.const 1200))
  (call $integer (i32.const 1248) (call $number (i32.add (local.get $args) (i32.const 96))))
  (call $start (i32.const 16) (i32.const 18) (i32.const 40) (i32.const 15) (i32.const 1200) (i32.const 2))
  (local.set $kept (global.get $top))
  (loop $round
    (global.set $top (local.get $kept))
    (i32.store8 (i32.const 400) (i32.const 6))
    (i32.store8 (i32.const 408) (i32.const 0))
    (i32.store (i32.const 412) (i32.const 16384))
    (i32.store (i32.const 416) (i32.const {{LENGTH}}))
    (local.set $i (i64.const 0))
    (loop $map
      (call $post (i32.const 256) (i32.const 1104) (i32.const 3) (i32.const 1))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $map (i64.lt_s (local.get $i) (call $number (i32.add (local.get $args) (i32.const 96))))))
    (call $integer (i32.const 1296) (i64.load offset=8 (call $next)))
    (local.set $rounds (i64.add (local.get $rounds) (i64.const 1)))
    (br_if $round (i64.lt_s (local.get $rounds) (call $number (i32.add (local.get $args) (i32.const 48))))))
  (call $tell (local.get $args) (i32.const 1107) (i32.const 4) (i32.const 1296) (i32.const 1))
  (call $post (i32.const 256) (i32.const 1111) (i32.const 4) (i32.const 0))
  i32.const 1024)
