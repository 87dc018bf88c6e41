//! Read-only tables.
//!
//! Bit 7 of `marked` (FROZENBIT) says that a table must not change. The
//! collector keeps bits it does not own, so the bit survives collection. Every
//! path that writes a table tests it:
//! - stores of the VM and of lua_settable/setfield/seti: `luaV_finishfastset`
//!   (key present) and `luaV_finishset` (key absent, before `__newindex`);
//! - lua_rawset/rawsetp/rawseti and lua_setmetatable;
//! - the constructor's OP_SETLIST writes only a table no program has seen.
//!
//! Cost: one test of a byte next to the one the store already read.

use crate::edit::Edit;

pub const EDITS: &[Edit] = &[
    Edit {
        name: "frozen: store over a present key (C API)",
        file: "lvm.h",
        anchor: "{ setobj2t(L, cast(TValue *,slot), v); \\",
        text: "    { if (l_unlikely(isfrozen(gcvalue(t)))) wippyG_frozen(L); \\\n      setobj2t(L, cast(TValue *,slot), v); \\",
    },
    Edit {
        name: "frozen: store over a present key (VM)",
        file: "lvm.c",
        anchor: "void luaV_execute (lua_State *L, CallInfo *ci) {",
        text: "#undef luaV_finishfastset\n#define luaV_finishfastset(L,t,slot,v) \\\n    { if (l_unlikely(isfrozen(gcvalue(t)))) { savestate(L, ci); wippyG_frozen(L); } \\\n      setobj2t(L, cast(TValue *,slot), v); \\\n      luaC_barrierback(L, gcvalue(t), v); }\n\nvoid luaV_execute (lua_State *L, CallInfo *ci) {",
    },
    Edit {
        name: "frozen: store of an absent key",
        file: "lvm.c",
        anchor: "Table *h = hvalue(t);  /* save 't' table */",
        text: "      Table *h = hvalue(t);  /* save 't' table */\n      if (l_unlikely(isfrozen(h))) wippyG_frozen(L);",
    },
    Edit {
        name: "frozen: store through __newindex",
        file: "lvm.c",
        anchor: "GCObject *h = gcvalue(t);",
        text: "      GCObject *h = gcvalue(t);\n      if (l_unlikely(isfrozen(h))) wippyG_frozen(L);",
    },
    Edit {
        name: "frozen: lua_rawset, lua_rawsetp",
        file: "lapi.c",
        anchor: "luaH_set(L, t, key, s2v(L->top.p - 1));",
        text: "  if (l_unlikely(isfrozen(t))) wippyG_frozen(L);\n  luaH_set(L, t, key, s2v(L->top.p - 1));",
    },
    Edit {
        name: "frozen: lua_rawseti",
        file: "lapi.c",
        anchor: "luaH_setint(L, t, n, s2v(L->top.p - 1));",
        text: "  if (l_unlikely(isfrozen(t))) wippyG_frozen(L);\n  luaH_setint(L, t, n, s2v(L->top.p - 1));",
    },
    Edit {
        name: "frozen: lua_setmetatable",
        file: "lapi.c",
        anchor: "hvalue(obj)->metatable = mt;",
        text: "      if (l_unlikely(isfrozen(hvalue(obj)))) wippyG_frozen(L);\n      hvalue(obj)->metatable = mt;",
    },
];
