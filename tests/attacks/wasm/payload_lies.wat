;; attack: values that say they are four gigabytes long
;; limit: the bytes there are
;; ends: value 7
;; Flat: a list, a map, a table, a text, bytes. MessagePack: a list, a map.
(data (i32.const 64)
  "\09\ff\ff\ff\ff\00\00\00\00" "\0a\ff\ff\ff\ff\00\00\00\00" "\0b\ff\ff\ff\ff\ff\ff\ff\ff"
  "\07\ff\ff\ff\ff\00\00\00\00" "\08\ff\ff\ff\ff\00\00\00\00"
  "\dd\ff\ff\ff\ff\c0\c0\c0\c0" "\df\ff\ff\ff\ff\c0\c0\c0\c0")
(func (export "run") (param $args i32) (param $count i32) (result i32) (local $n i32) (local $refused i64)
  (loop $l
    (call $transcode (i32.gt_u (local.get $n) (i32.const 4))
      (i32.add (i32.const 64) (i32.mul (local.get $n) (i32.const 9))) (i32.const 9) (i32.const 2) (i32.const 512))
    (local.set $refused (i64.add (local.get $refused) (i64.load8_u (i32.const 512))))
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (br_if $l (i32.lt_u (local.get $n) (i32.const 7))))
  (call $number (local.get $refused)))
