//! Bytes: a VM is a process, so each field of a state is paid a million times.
//!
//! - What is the same in all states, or never used here (the generational
//!   collector's lists, warnings), lies in one constant structure that `same`
//!   points to. Macros in wcore.h keep its fields' names, so the code that
//!   reads them is upstream's; nothing writes them, since the collector is
//!   always incremental: asked for generations, it stays as it is.
//! - Metatables of basic types are a shared array until the host's C code sets
//!   one, which gives the state an array of its own.
//! - The first chain of the string table lies in the state itself. A table of
//!   one chain is that one; every other size is a block.
//! - No cache of C strings: strings of libraries are shared already.

use crate::edit::Edit;

pub const EDITS: &[Edit] = &[
    Edit {
        name: "size: what is the same in all states, instead of lists of the generational collector",
        file: "lstate.h",
        anchor: "GCObject *survival;  /* start of objects that survived one GC cycle */",
        text: "  struct wippy_Same *same;  /* fields that are the same in all states */",
    },
    Edit { name: "size: no old1", file: "lstate.h", anchor: "GCObject *old1;  /* start of old1 objects */", text: "" },
    Edit {
        name: "size: no reallyold",
        file: "lstate.h",
        anchor: "GCObject *reallyold;  /* objects more than one cycle old (\"really old\") */",
        text: "",
    },
    Edit {
        name: "size: no firstold1",
        file: "lstate.h",
        anchor: "GCObject *firstold1;  /* first OLD1 object in the list (if any) */",
        text: "",
    },
    Edit {
        name: "size: no finobjsur",
        file: "lstate.h",
        anchor: "GCObject *finobjsur;  /* list of survival objects with finalizers */",
        text: "",
    },
    Edit {
        name: "size: no finobjold1",
        file: "lstate.h",
        anchor: "GCObject *finobjold1;  /* list of old1 objects with finalizers */",
        text: "",
    },
    Edit {
        name: "size: no finobjrold",
        file: "lstate.h",
        anchor: "GCObject *finobjrold;  /* list of really old objects with finalizers */",
        text: "",
    },
    Edit {
        name: "size: one panic function",
        file: "lstate.h",
        anchor: "lua_CFunction panic;  /* to be called in unprotected errors */",
        text: "",
    },
    Edit {
        name: "size: one message for memory errors",
        file: "lstate.h",
        anchor: "TString *memerrmsg;  /* message for memory-allocation errors */",
        text: "",
    },
    Edit {
        name: "size: no warning function",
        file: "lstate.h",
        anchor: "lua_WarnFunction warnf;  /* warning function */",
        text: "",
    },
    Edit {
        name: "size: no data of warnings",
        file: "lstate.h",
        anchor: "void *ud_warn;         /* auxiliary data to 'warnf' */",
        text: "",
    },
    Edit {
        name: "size: metatables of basic types",
        file: "lstate.h",
        anchor: "struct Table *mt[LUA_NUMTYPES];  /* metatables for basic types */",
        text: "  struct Table **mt;  /* metatables for basic types; shared unless 'ownmt' */",
    },
    Edit {
        name: "size: whose the metatables of basic types are",
        file: "lstate.h",
        anchor: "lu_byte gcstepsize;  /* (log2 of) GC granularity */",
        text: "  lu_byte gcstepsize;  /* (log2 of) GC granularity */\n  lu_byte ownmt;",
    },
    Edit {
        name: "size: no cache of C strings, but the first chain of strings",
        file: "lstate.h",
        anchor: "TString *strcache[STRCACHE_N][STRCACHE_M];  /* cache for strings in API */",
        text: "  TString *chain;  /* the string table while it has one chain */",
    },
    Edit { name: "size: no panic function to begin with", file: "lstate.c", anchor: "g->panic = NULL;", text: "" },
    Edit { name: "size: no warning function to begin with", file: "lstate.c", anchor: "g->warnf = NULL;", text: "" },
    Edit { name: "size: no data of warnings to begin with", file: "lstate.c", anchor: "g->ud_warn = NULL;", text: "" },
    Edit {
        name: "size: no generations to begin with",
        file: "lstate.c",
        anchor: "g->firstold1 = g->survival = g->old1 = g->reallyold = NULL;",
        text: "",
    },
    Edit {
        name: "size: no generations of finalizers to begin with",
        file: "lstate.c",
        anchor: "g->finobjsur = g->finobjold1 = g->finobjrold = NULL;",
        text: "",
    },
    Edit {
        name: "size: metatables of basic types to begin with",
        file: "lstate.c",
        anchor: "for (i=0; i < LUA_NUMTAGS; i++) g->mt[i] = NULL;",
        text: "  UNUSED(i);",
    },
    Edit {
        name: "size: end of the string table and of own metatables",
        file: "lstate.c",
        anchor: "luaM_freearray(L, G(L)->strt.hash, G(L)->strt.size);",
        text: "  if (G(L)->strt.size > 1) luaM_freearray(L, G(L)->strt.hash, G(L)->strt.size);\n  if (G(L)->ownmt) luaM_freearray(L, G(L)->mt, LUA_NUMTYPES);",
    },
    Edit {
        name: "size: the panic function stays",
        file: "lapi.c",
        anchor: "G(L)->panic = panicf;",
        text: "  UNUSED(panicf);",
    },
    Edit { name: "size: warnings go nowhere", file: "lapi.c", anchor: "G(L)->warnf = f;", text: "  UNUSED(f);" },
    Edit { name: "size: nor their data", file: "lapi.c", anchor: "G(L)->ud_warn = ud;", text: "  UNUSED(ud);" },
    Edit {
        name: "size: a metatable of a basic type",
        file: "lapi.c",
        anchor: "G(L)->mt[ttype(obj)] = mt;",
        text: "      wippyG_settypemt(L, ttype(obj), mt);",
    },
    Edit {
        name: "size: the collector stays incremental",
        file: "lapi.c",
        anchor: "luaC_changemode(L, KGC_GEN);",
        text: "",
    },
    Edit {
        name: "size: first chain of the string table",
        file: "lstring.c",
        anchor: "tb->hash = luaM_newvector(L, MINSTRTABSIZE, TString*);",
        text: "  tb->hash = &g->chain;",
    },
    Edit {
        name: "size: string table of another size",
        file: "lstring.c",
        anchor: "newvect = luaM_reallocvector(L, tb->hash, osize, nsize, TString*);",
        text: "  newvect = wippyS_chains(L, osize, nsize);",
    },
    Edit {
        name: "size: no cache to clear",
        file: "lstring.c",
        anchor: "if (iswhite(g->strcache[i][j]))  /* will entry be collected? */",
        text: "",
    },
    Edit {
        name: "size: no entry to clear",
        file: "lstring.c",
        anchor: "g->strcache[i][j] = g->memerrmsg;  /* replace it with something fixed */",
        text: "      UNUSED(g);",
    },
    Edit {
        name: "size: no cache to fill",
        file: "lstring.c",
        anchor: "g->strcache[i][j] = g->memerrmsg;",
        text: "      {}",
    },
    Edit {
        name: "size: C strings",
        file: "lstring.c",
        anchor: "TString **p = G(L)->strcache[i];",
        text: "  TString *p[STRCACHE_M];\n  return luaS_newlstr(L, str, strlen(str));",
    },
    Edit {
        name: "size: a place for what the host keeps, without a hash part",
        file: "lstate.c",
        anchor: "luaH_resize(L, registry, LUA_RIDX_LAST, 0);",
        text: "  luaH_resize(L, registry, LUA_RIDX_LAST + 1, 0);",
    },
];
