//! Fuel: preemption without a running hook.
//!
//! `G(L)->fuel` goes down by one at every Lua call and every backward jump
//! (while, repeat, goto, numeric and generic for). Below zero the VM takes its
//! slow path (`luaG_traceexec`), which calls `wippyG_outoffuel` in wcore.c. So
//! no Lua code runs longer than a slice, and code with fuel left pays one
//! decrement and a branch that is never taken.
//!
//! What C code does in between is taken off the fuel too (`wippyG_charge`), so
//! that the host is asked right after it: each call of a C function by its
//! arguments and results, long strings by their length when they are made,
//! compared or used as keys, tables when they are resized or searched for their
//! next element, steps of the collector. Library functions that loop charge
//! their rounds themselves (csrc/wstring.c, csrc/wtable.c, edits/dialect.rs).
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
    Edit {
        name: "fuel: calls of C functions",
        file: "ldo.c",
        anchor: "n = (*f)(L);  /* do the actual call */",
        text: "  wippyG_charge(G(L), 4 + ((size_t)(L->top.p - ci->func.p) >> 3));\n  n = (*f)(L);\n  wippyG_charge(G(L), (size_t)n >> 3);",
    },
    Edit {
        name: "fuel: errors",
        file: "ldo.c",
        anchor: "l_noret luaD_throw (lua_State *L, int errcode) {",
        text: "l_noret luaD_throw (lua_State *L, int errcode) {\n  if (errcode != LUA_YIELD) wippyG_charge(G(L), 32);",
    },
    Edit {
        name: "fuel: long strings",
        file: "lstring.c",
        anchor: "TString *ts = createstrobj(L, l, LUA_VLNGSTR, G(L)->seed);",
        text: "  TString *ts = (wippyG_charge(G(L), l >> 6), createstrobj(L, l, LUA_VLNGSTR, G(L)->seed));",
    },
    Edit {
        name: "fuel: size of a table",
        file: "ltable.c",
        anchor: "/* create new hash part with appropriate size into 'newt' */",
        text: "  wippyG_charge(G(L), (newasize + nhsize) >> 2);",
    },
    Edit {
        name: "fuel: empty places of an array on the way to the next element",
        file: "ltable.c",
        anchor: "for (; i < asize; i++) {  /* try first array part */",
        text: "  for (; i < asize; i++, wippyG_charge(G(L), 1)) {",
    },
    Edit {
        name: "fuel: empty places of a hash part on the way to the next element",
        file: "ltable.c",
        anchor: "for (i -= asize; cast_int(i) < sizenode(t); i++) {  /* hash part */",
        text: "  for (i -= asize; cast_int(i) < sizenode(t); i++, wippyG_charge(G(L), 1)) {",
    },
    Edit {
        name: "fuel: extra arguments",
        file: "ltm.c",
        anchor: "for (i = 0; i < wanted && i < nextra; i++)",
        text: "  wippyG_charge(G(L), (size_t)wanted >> 3);\n  for (i = 0; i < wanted && i < nextra; i++)",
    },
    Edit {
        name: "fuel: long strings compared by <",
        file: "lvm.c",
        anchor: "return l_strcmp(tsvalue(l), tsvalue(r)) < 0;",
        text: "    return (wippyG_chargelong(L, l), l_strcmp(tsvalue(l), tsvalue(r)) < 0);",
    },
    Edit {
        name: "fuel: long strings compared by <=",
        file: "lvm.c",
        anchor: "return l_strcmp(tsvalue(l), tsvalue(r)) <= 0;",
        text: "    return (wippyG_chargelong(L, l), l_strcmp(tsvalue(l), tsvalue(r)) <= 0);",
    },
    Edit {
        name: "fuel: long strings compared by ==",
        file: "lvm.c",
        anchor: "case LUA_VLNGSTR: return luaS_eqlngstr(tsvalue(t1), tsvalue(t2));",
        text: "    case LUA_VLNGSTR:\n      if (L != NULL) wippyG_chargelong(L, t1);\n      return luaS_eqlngstr(tsvalue(t1), tsvalue(t2));",
    },
    Edit {
        name: "fuel: steps of the collector",
        file: "lgc.c",
        anchor: "lu_mem work = singlestep(L);  /* perform one single step */",
        text: "    lu_mem work = singlestep(L);\n    wippyG_charge(g, work >> 3);",
    },
    Edit {
        name: "fuel: whole collections",
        file: "lgc.c",
        anchor: "void luaC_fullgc (lua_State *L, int isemergency) {",
        text: "void luaC_fullgc (lua_State *L, int isemergency) {\n  wippyG_charge(G(L), gettotalbytes(G(L)) >> 6);",
    },
    Edit {
        name: "fuel: long strings as keys, read",
        file: "lvm.c",
        anchor: ": luaV_fastget(L, rb, rc, slot, luaH_get)) {",
        text: "            : (wippyG_chargelong(L, rc), luaV_fastget(L, rb, rc, slot, luaH_get))) {",
    },
    Edit {
        name: "fuel: long strings as keys, written",
        file: "lvm.c",
        anchor: ": luaV_fastget(L, s2v(ra), rb, slot, luaH_get)) {",
        text: "            : (wippyG_chargelong(L, rb), luaV_fastget(L, s2v(ra), rb, slot, luaH_get))) {",
    },
    Edit {
        name: "fuel: long strings as keys, read raw",
        file: "lapi.c",
        anchor: "val = luaH_get(t, s2v(L->top.p - 1));",
        text: "  wippyG_chargelong(L, s2v(L->top.p - 1));\n  val = luaH_get(t, s2v(L->top.p - 1));",
    },
    Edit {
        name: "fuel: long strings as keys, written raw",
        file: "lapi.c",
        anchor: "luaH_set(L, t, key, s2v(L->top.p - 1));",
        text: "  wippyG_chargelong(L, key);\n  luaH_set(L, t, key, s2v(L->top.p - 1));",
    },
];
