//! Shared objects: what csrc/wshare.c explains needs of the core.
//!
//! - A new VM takes the words of the language and the names of metamethods from
//!   the shared strings instead of making its own (25 + 22 + 2 strings).
//! - A short string a VM does not have is looked up among the shared ones.
//! - The table of globals continues in its base: reads, raw or not, and stores
//!   and traversals, which first make it complete.

use crate::edit::Edit;

pub const EDITS: &[Edit] = &[
    Edit {
        name: "shared: fields of the global state",
        file: "lstate.h",
        anchor: "TString *tmname[TM_N];  /* array with tag-method names */",
        text: "  TString **tmname;  /* array with tag-method names (shared) */\n  size_t epoch;  /* common strings up to this epoch are visible */\n  const void *set;  /* strings of code that are visible */\n  struct Table *based;  /* table of globals while it has a base, or NULL */\n  struct Table *base;  /* shared table behind it */",
    },
    Edit {
        name: "shared: memory error message",
        file: "lstring.c",
        anchor: "g->memerrmsg = luaS_newliteral(L, MEMERRMSG);",
        text: "",
    },
    Edit {
        name: "shared: memory error message is never collected",
        file: "lstring.c",
        anchor: "luaC_fix(L, obj2gco(g->memerrmsg));  /* it should never be collected */",
        text: "",
    },
    Edit { name: "shared: names of metamethods exist", file: "lstate.c", anchor: "luaT_init(L);", text: "" },
    Edit { name: "shared: words of the language exist", file: "lstate.c", anchor: "luaX_init(L);", text: "" },
    Edit {
        name: "shared: names of metamethods, declaration",
        file: "ltm.h",
        anchor: "LUAI_FUNC void luaT_init (lua_State *L);",
        text: "",
    },
    Edit {
        name: "shared: names of metamethods",
        file: "ltm.c",
        anchor: "void luaT_init (lua_State *L) {",
        text: "const char *wippyT_name (int event) {",
    },
    Edit {
        name: "shared: name of a metamethod",
        file: "ltm.c",
        anchor: "for (i=0; i<TM_N; i++) {",
        text: "  return luaT_eventname[event];\n  for (i=0; i<TM_N; i++) {",
    },
    Edit {
        name: "shared: names of metamethods are no strings here",
        file: "ltm.c",
        anchor: "G(L)->tmname[i] = luaS_new(L, luaT_eventname[i]);",
        text: "",
    },
    Edit {
        name: "shared: names of metamethods need no fixing",
        file: "ltm.c",
        anchor: "luaC_fix(L, obj2gco(G(L)->tmname[i]));  /* never collect these names */",
        text: "",
    },
    Edit {
        name: "shared: words of the language",
        file: "llex.c",
        anchor: "static const char *const luaX_tokens [] = {",
        text: "const char *const luaX_tokens [] = {",
    },
    Edit {
        name: "shared: short strings",
        file: "lstring.c",
        anchor: "/* else must create a new string */",
        text: "  if ((ts = wippyS_find(g, str, l, h)) != NULL) return ts;\n  /* else must create a new string */",
    },
    Edit {
        name: "globals: read",
        file: "lvm.c",
        anchor: "tm = fasttm(L, hvalue(t)->metatable, TM_INDEX);  /* table's metamethod */",
        text: "      if (hasbase(L, hvalue(t))) {\n        slot = wippyG_base(L, key);\n        if (!isempty(slot)) { setobj2s(L, val, slot); return; }\n      }\n      tm = fasttm(L, hvalue(t)->metatable, TM_INDEX);  /* table's metamethod */",
    },
    Edit {
        name: "globals: raw read",
        file: "lapi.c",
        anchor: "val = luaH_get(t, s2v(L->top.p - 1));",
        text: "  val = luaH_get(t, s2v(L->top.p - 1));\n  if (isempty(val) && hasbase(L, t)) val = wippyG_base(L, s2v(L->top.p - 1));",
    },
    Edit {
        name: "globals: traversal",
        file: "lapi.c",
        anchor: "more = luaH_next(L, t, L->top.p - 1);",
        text: "  if (hasbase(L, t)) wippyG_complete(L);\n  more = luaH_next(L, t, L->top.p - 1);",
    },
    Edit {
        name: "globals: store",
        file: "lvm.c",
        anchor: "Table *h = hvalue(t);  /* save 't' table */",
        text: "      Table *h = hvalue(t);  /* save 't' table */\n      if (hasbase(L, h) && !isempty(wippyG_base(L, key))) {\n        wippyG_complete(L);\n        slot = luaH_get(h, key);\n        luaV_finishfastset(L, t, slot, val);\n        return;\n      }",
    },
    Edit {
        name: "globals: raw store",
        file: "lapi.c",
        anchor: "luaH_set(L, t, key, s2v(L->top.p - 1));",
        text: "  if (hasbase(L, t) && !isfrozen(t) && !isempty(wippyG_base(L, key))) wippyG_complete(L);\n  luaH_set(L, t, key, s2v(L->top.p - 1));",
    },
];
