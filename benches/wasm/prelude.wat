;; What the guests beside this share; the harness puts in front of each what it uses. A guest's own data begins at 16, the message
;; it received lies at 64, the answers of the host at 256 and 512, a payload to send at 400, what it returns (nil) at
;; 1024; what the host passes by pointer begins at $top. One page of memory is touched.
(import "wippy:process/mailbox@0.1.0" "receive" (func $receive (param i32 i32 i32 i32 i32 i32 i64 i32)))
(import "wippy:process/processes@0.1.0" "send" (func $send (param i32 i32 i32 i64 i32 i32 i32 i32 i32)))
(import "wippy:process/processes@0.1.0" "spawn"
  (func $spawn (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
(import "wippy:process/types@0.1.0" "parse-pid" (func $parse_pid (param i32 i32 i32)))
(import "wippy:process/types@0.1.0" "pid-to-text" (func $pid_to_text (param i32 i32 i64 i32)))
(import "wippy:process/types@0.1.0" "[method]value.get" (func $get (param i32 i32 i32 i32)))
(import "wippy:process/types@0.1.0" "[resource-drop]value" (func $drop (param i32)))
(import "wippy:process/current@0.1.0" "self-pid" (func $self_pid (param i32)))
(import "wippy:process/current@0.1.0" "set-options" (func $set_options (param i32 i32 i32)))
(import "wippy:process/time@0.1.0" "now" (func $now (result i64)))
(import "wippy:process/time@0.1.0" "wall" (func $wall (result i64)))
(import "wippy:process/time@0.1.0" "sleep" (func $sleep (param i64)))
(memory (export "memory") 1)
(global $top (mut i32) (i32.const 2048))
(func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32) (local $at i32)
  (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
  (global.set $top (i32.add (local.get $at) (local.get $size)))
  local.get $at)
;; Waits for a message and gives the address of its first payload.
(func $next (result i32)
  (call $receive (i32.const 1) (i32.const 8) (i32.const 0) (i32.const 8) (i32.const 0)
    (i32.const 0) (i64.const 0) (i32.const 64))
  (i32.load (i32.const 104)))
;; Sends $n payloads to the process whose pid, as text, is the payload at $to.
(func $tell (param $to i32) (param $topic i32) (param $length i32) (param $payloads i32) (param $n i32)
  (call $send (i32.const 1) (i32.load offset=8 (local.get $to)) (i32.load offset=12 (local.get $to)) (i64.const 0)
    (local.get $topic) (local.get $length) (local.get $payloads) (local.get $n) (i32.const 512)))
;; Puts the pid that the payload at $from names as text to $at: a record of 16 bytes, behind 8 others.
(func $resolve (param $from i32) (param $at i32)
  (call $parse_pid (i32.load offset=8 (local.get $from)) (i32.load offset=12 (local.get $from)) (local.get $at))
  (if (i32.load8_u (local.get $at)) (then unreachable)))
;; Sends $n payloads from 400 on to the pid at $at.
(func $post (param $at i32) (param $topic i32) (param $length i32) (param $n i32)
  (call $send (i32.const 0) (i32.load offset=8 (local.get $at)) (i32.load offset=12 (local.get $at))
    (i64.load offset=16 (local.get $at))
    (local.get $topic) (local.get $length) (i32.const 400) (local.get $n) (i32.const 512)))
;; Makes an integer of the payload at $at.
(func $integer (param $at i32) (param $value i64)
  (i32.store8 (local.get $at) (i32.const 2))
  (i64.store offset=8 (local.get $at) (local.get $value)))
;; Makes this process's own pid, as text, of the payload at $at.
(func $me (param $at i32)
  (call $self_pid (i32.const 256))
  (call $pid_to_text (i32.load (i32.const 256)) (i32.load (i32.const 260)) (i64.load (i32.const 264)) (i32.const 280))
  (i32.store8 (local.get $at) (i32.const 4))
  (i64.store offset=8 (local.get $at) (i64.load (i32.const 280))))
;; Starts entry (name, length) with $n arguments at $args on the host (name, length); its pid is at 264.
(func $start (param $entry i32) (param i32) (param $host i32) (param i32) (param $args i32) (param $n i32)
  (call $spawn (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get $args) (local.get $n)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
    (i32.const 8) (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 256))
  (if (i32.load8_u (i32.const 256)) (then unreachable)))
;; The number of the payload at $at, whichever of the two kinds it is.
(func $number (param $at i32) (result i64)
  (if (result i64) (i32.eq (i32.load8_u (local.get $at)) (i32.const 3))
    (then (i64.trunc_f64_s (f64.load offset=8 (local.get $at))))
    (else (i64.load offset=8 (local.get $at)))))
