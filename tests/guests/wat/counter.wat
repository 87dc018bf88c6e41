;; Counts: adds one for each `next` and tells the sender, becomes the Lua counter on `swap`, and ends on `stop` with the
;; count. Its argument is where to begin. It listens to nothing and traps no links.
(module
  (import "wippy:process/mailbox@0.1.0" "receive" (func $receive (param i32 i32 i32 i32 i32 i32 i64 i32)))
  (import "wippy:process/processes@0.1.0" "send" (func $send (param i32 i32 i32 i64 i32 i32 i32 i32 i32)))
  (import "wippy:process/current@0.1.0" "upgrade" (func $upgrade (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "app:lua")
  (global $top (mut i32) (i32.const 8192))
  (global $count (mut i64) (i64.const 0))
  (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32) (local $at i32)
    (local.set $at
      (i32.and
        (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    local.get $at)
  (func (export "run") (param $args i32) (param $n i32) (result i32) (local $word i32)
    (if (local.get $n) (then (global.set $count (i64.load offset=8 (local.get $args)))))
    ;; The payload `integer(count)` at 1032, behind `ok` at 1024.
    (i32.store8 (i32.const 1032) (i32.const 2))
    (loop $next
      (global.set $top (i32.const 8192))
      (call $receive (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i64.const 0) (i32.const 64))
      ;; The topic lies at 72; all have four bytes.
      (local.set $word (i32.load align=1 (i32.load (i32.const 72))))
      (i64.store (i32.const 1040) (global.get $count))
      (if (i32.eq (local.get $word) (i32.const 0x706f7473)) (then (return (i32.const 1024))))
      (if (i32.eq (local.get $word) (i32.const 0x70617773))
        (then (call $upgrade (i32.const 1) (i32.const 16) (i32.const 7) (i32.const 1032) (i32.const 1))))
      (global.set $count (i64.add (global.get $count) (i64.const 1)))
      (i64.store (i32.const 1040) (global.get $count))
      (call $send (i32.const 0)
        (i32.load (i32.const 88)) (i32.load (i32.const 92)) (i64.load (i32.const 96))
        (i32.load (i32.const 72)) (i32.load (i32.const 76))
        (i32.const 1032) (i32.const 1)
        (i32.const 512))
      (br $next))
    unreachable))
