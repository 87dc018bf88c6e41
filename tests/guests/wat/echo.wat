;; A process that sends every message back to who sent it, and ends on the topic `stop`. Its result is its first
;; argument. By hand, so that nothing but the contract is between it and the runtime.
(module
  (import "wippy:process/mailbox@0.1.0" "receive" (func $receive (param i32 i32 i32 i32 i32 i32 i64 i32)))
  (import "wippy:process/processes@0.1.0" "send" (func $send (param i32 i32 i32 i64 i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  ;; What the host writes lies from 4096 on, and is forgotten with every message.
  (global $top (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32) (local $at i32)
    (local.set $at
      (i32.and
        (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536)))
      (then
        (if (i32.eq (i32.const -1)
            (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get $size) (i32.const 65536)))))
          (then unreachable))))
    local.get $at)
  (func (export "run") (param $args i32) (param $count i32) (result i32)
    ;; The result at 1024: ok, and the payload at 1032.
    (if (local.get $count) (then (memory.copy (i32.const 1032) (local.get $args) (i32.const 48))))
    (global.set $top (i32.const 8192))
    (loop $next
      (call $receive (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i64.const 0) (i32.const 64))
      ;; Topic at 72, sender at 80, payloads at 104. `stop` is four bytes.
      (if (i32.and
          (i32.eq (i32.load (i32.const 76)) (i32.const 4))
          (i32.eq (i32.load align=1 (i32.load (i32.const 72))) (i32.const 0x706f7473)))
        (then (return (i32.const 1024))))
      (if (i32.load8_u (i32.const 80))
        (then
          (call $send (i32.const 0)
            (i32.load (i32.const 88)) (i32.load (i32.const 92)) (i64.load (i32.const 96))
            (i32.load (i32.const 72)) (i32.load (i32.const 76))
            (i32.load (i32.const 104)) (i32.load (i32.const 108))
            (i32.const 512))))
      (global.set $top (i32.const 8192))
      (br $next))
    unreachable))
