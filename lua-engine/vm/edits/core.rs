//! Ground for the other groups: our header, our fields of the global state,
//! the hash of strings and its seed, and the "had a hash part" bit of tables.
//!
//! - `wcore.h` is included at the end of lstate.h, so every core file sees it.
//! - One hash seed for the whole process, set by the host before the first VM
//!   (`wippy_setseed`): runs under a seed iterate tables in the same order, and
//!   shared strings have one hash for every VM.
//! - Memory errors are counted, so that a host can end a program that catches
//!   them again and again.
//! - `flags` bit 6 of a table is set when it ever gets a node vector and never
//!   cleared. Bits 0-5 are the absent-metamethod cache, bit 7 is BITRAS.

use crate::edit::Edit;

pub const EDITS: &[Edit] = &[
    Edit {
        name: "include our header",
        file: "lstate.h",
        anchor: "#define completestate(g)\tttisnil(&g->nilvalue)",
        text: "#define completestate(g)\tttisnil(&g->nilvalue)\n#include \"wcore.h\"",
    },
    Edit {
        name: "fields of the global state",
        file: "lstate.h",
        anchor: "lua_WarnFunction warnf;  /* warning function */",
        text: "  int fuel;  /* back edges and calls left; below 0: ask the host */\n  wippy_Preempt preempt;  /* asked when the fuel runs out */\n  size_t memoryerrors;  /* raised so far */\n  lua_Unsigned random;  /* state of math.random */\n  lua_WarnFunction warnf;  /* warning function */",
    },
    Edit {
        name: "type of the preemption function",
        file: "lstate.h",
        anchor: "** 'global state', shared by all threads of this state",
        text: "** 'global state', shared by all threads of this state\n*/\ntypedef int (*wippy_Preempt) (lua_State *L, int yieldable);\n/*",
    },
    Edit {
        name: "initial fuel, shared objects, hash seed of the process",
        file: "lstate.c",
        anchor: "g->seed = luai_makeseed(L);",
        text: "  wippyS_open(g);\n  g->fuel = INT_MAX;\n  g->preempt = NULL;\n  g->memoryerrors = 0;\n  g->random = wippyS_random();",
    },
    Edit {
        name: "memory errors are counted",
        file: "lmem.h",
        anchor: "#define luaM_error(L)\tluaD_throw(L, LUA_ERRMEM)",
        text: "#define luaM_error(L)\t(G(L)->memoryerrors++, luaD_throw(L, LUA_ERRMEM))",
    },
    Edit {
        name: "memory errors are counted when they arise, not when they are passed on",
        file: "lapi.c",
        anchor: "luaM_error(L);  /* raise a memory error */",
        text: "    luaD_throw(L, LUA_ERRMEM);",
    },
    Edit {
        name: "hash of strings",
        file: "lstring.c",
        anchor: "unsigned int h = seed ^ cast_uint(l);",
        text: "  unsigned int h = wippyS_hash(str, l, seed);",
    },
    Edit { name: "hash of strings: no loop", file: "lstring.c", anchor: "for (; l > 0; l--)", text: "" },
    Edit {
        name: "hash of strings: no step",
        file: "lstring.c",
        anchor: "h ^= ((h<<5) + (h>>2) + cast_byte(str[l - 1]));",
        text: "",
    },
    Edit {
        name: "had a hash part",
        file: "ltable.c",
        anchor: "setnodevector(L, &newt, nhsize);",
        text: "  setnodevector(L, &newt, nhsize);\n  if (nhsize > 0) t->flags |= BITHASH;",
    },
];
