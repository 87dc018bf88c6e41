//! Fuel: preemption without a running hook.
//!
//! `G(L)->fuel` goes down by one at every Lua call and every backward jump
//! (while, repeat, goto, numeric and generic for). Below zero the VM takes its
//! slow path (`luaG_traceexec`), which calls `wippyG_outoffuel` in wcore.c. So
//! no Lua code runs longer than a slice, and code with fuel left pays one
//! decrement and a branch that is never taken.
//!
//! Invariant: the decision is taken *between* two instructions with the pc and
//! the top saved, exactly where a count hook would run; a yield there resumes
//! as from a hook.

use crate::edit::Edit;

pub const EDITS: &[Edit] = &[
    Edit {
        name: "fuel: what a call and a back edge cost",
        file: "lvm.c",
        anchor: "#define updatetrap(ci)  (trap = ci->u.l.trap)",
        text: "#define updatetrap(ci)  (trap = ci->u.l.trap)\n#define callpoll(ci)\t(trap = L->hookmask | (--G(L)->fuel < 0))\n#define backpoll(ci)\t(trap = ci->u.l.trap | (--G(L)->fuel < 0))",
    },
    Edit {
        name: "fuel: jumps",
        file: "lvm.c",
        anchor: "#define dojump(ci,i,e)\t{ pc += GETARG_sJ(i) + e; updatetrap(ci); }",
        text: "#define dojump(ci,i,e)\t{ int sj_ = GETARG_sJ(i); pc += sj_ + e; \\\n  if (sj_ < 0) { backpoll(ci); } else { updatetrap(ci); } }",
    },
    Edit { name: "fuel: Lua calls", file: "lvm.c", anchor: "trap = L->hookmask;", text: "  callpoll(ci);" },
    Edit {
        name: "fuel: numeric for",
        file: "lvm.c",
        anchor: "updatetrap(ci);  /* allows a signal to break the loop */",
        text: "        backpoll(ci);",
    },
    Edit {
        name: "fuel: generic for",
        file: "lvm.c",
        anchor: "setobjs2s(L, ra + 2, ra + 4);  /* save control variable */",
        text: "          setobjs2s(L, ra + 2, ra + 4);  /* save control variable */\n          backpoll(ci);",
    },
    Edit {
        name: "fuel: ask the host when it has run out",
        file: "ldebug.c",
        anchor: "lu_byte mask = L->hookmask;",
        text: "  lu_byte mask = (l_unlikely(G(L)->fuel < 0) ? wippyG_outoffuel(L, pc) : (void)0, L->hookmask);",
    },
];
