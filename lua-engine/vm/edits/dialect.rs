//! Tables, strings and loops of the dialect.
//!
//! - `__mode` works only in a frozen metatable: programs have no weak tables
//!   (V63), the host may make some.
//! - The length of a small table with holes is its last non-nil element (V46);
//!   large ones fall back to the stock binary search, so `#t` stays cheap.
//! - A generic `for` closes nothing: a fourth value is ignored (V63).
//! - Steps of `ipairs` and `pairs` that cannot fail take no call (csrc/wcore.c).
//! - Strings compare by bytes (V43).
//! - The pattern matcher has a budget of steps: 10 million and 64 a byte of the
//!   subject. A hostile pattern otherwise runs for minutes inside one C call. A
//!   step is a look at one character; one with a long class counts for more.
//! - Plain search takes linear time: the stock one is quadratic for hostile
//!   needles (seconds in one C call).
//! - `table.sort` never raises "invalid order function" (V52): the partition
//!   ends where stock raises, all indices stay inside the range. A partition that
//!   goes badly hands over to heapsort, so that no input takes quadratic time.

use crate::edit::Edit;

pub const EDITS: &[Edit] = &[
    Edit {
        name: "__mode only in frozen metatables",
        file: "lgc.c",
        anchor: "const TValue *mode = gfasttm(g, h->metatable, TM_MODE);",
        text: "  const TValue *mode = (h->metatable != NULL && isfrozen(h->metatable))\n                       ? gfasttm(g, h->metatable, TM_MODE) : NULL;",
    },
    Edit {
        name: "length with holes",
        file: "ltable.c",
        anchor: "unsigned int boundary = binsearch(t->array, 0, limit);",
        text: "      unsigned int boundary = limit - 1;\n      while (boundary > 0 && limit - boundary < 64 && isempty(&t->array[boundary - 1]))\n        boundary--;\n      if (boundary > 0 && isempty(&t->array[boundary - 1]))\n        boundary = binsearch(t->array, 0, boundary);",
    },
    Edit {
        name: "generic for closes nothing",
        file: "lvm.c",
        anchor: "halfProtect(luaF_newtbcupval(L, ra + 3));",
        text: "        setnilvalue(s2v(ra + 3));",
    },
    Edit {
        name: "strings compare by bytes",
        file: "lvm.c",
        anchor: "int temp = strcoll(s1, s2);",
        text: "    int temp = strcmp(s1, s2);",
    },
    Edit {
        name: "matcher budget: fields",
        file: "lstrlib.c",
        anchor: "int matchdepth;  /* control for recursive depth (to avoid C stack overflow) */",
        text: "  int matchdepth;  /* control for recursive depth (to avoid C stack overflow) */\n  ptrdiff_t slab;  /* steps until the next look at the budget */\n  lua_Integer steps;  /* left before 'pattern too complex' */",
    },
    Edit {
        name: "matcher budget: steps",
        file: "lstrlib.c",
        anchor: "/* recursive function */",
        text: r#"#define MATCHSTEPS(len)	(10000000 + (lua_Integer)(len) * 64)
#define MATCHSLAB	64

static void wippy_matchmore (MatchState *ms) {
  lua_Integer used = MATCHSLAB - ms->slab;
  wippy_charge(ms->L, (size_t)used);
  ms->slab = MATCHSLAB;
  if ((ms->steps -= used) < 0)
    luaL_error(ms->L, "pattern too complex");
}

/* 'n' steps; true */
static inline int matchstep (MatchState *ms, ptrdiff_t n) {
  if (l_unlikely((ms->slab -= n) < 0)) wippy_matchmore(ms);
  return 1;
}

/* looking at one character with the class from 'p' to 'ep' */
#define CLASSSTEPS(p,ep)	(1 + (((ep) - (p)) >> 2))

/* recursive function */"#,
    },
    Edit {
        name: "matcher budget: full",
        file: "lstrlib.c",
        anchor: "ms->p_end = p + lp;",
        text: "  ms->p_end = p + lp;\n  ms->slab = MATCHSLAB;\n  ms->steps = MATCHSTEPS(ls);",
    },
    Edit {
        name: "matcher budget: full for each item of gmatch",
        file: "lstrlib.c",
        anchor: "gm->ms.L = L;",
        text: "  gm->ms.L = L;\n  gm->ms.steps = MATCHSTEPS(gm->ms.src_end - gm->src);",
    },
    Edit {
        name: "matcher budget: a step of match",
        file: "lstrlib.c",
        anchor: "init: /* using goto to optimize tail recursion */",
        text: "  init: /* using goto to optimize tail recursion */\n  matchstep(ms, 1);",
    },
    Edit {
        name: "matcher budget: a class is searched for its end",
        file: "lstrlib.c",
        anchor: "const char *ep = classend(ms, p);  /* points to optional suffix */",
        text: "        const char *ep = classend(ms, p);  /* points to optional suffix */\n        matchstep(ms, (ep - p) >> 2);",
    },
    Edit {
        name: "matcher budget: the class of %f",
        file: "lstrlib.c",
        anchor: "ep = classend(ms, p);  /* points to what is next */",
        text: "            ep = classend(ms, p);  /* points to what is next */\n            matchstep(ms, (ep - p) >> 2);",
    },
    Edit {
        name: "matcher budget: the scan of a repetition",
        file: "lstrlib.c",
        anchor: "while (singlematch(ms, s + i, p, ep))",
        text: "  while (singlematch(ms, s + i, p, ep) && matchstep(ms, CLASSSTEPS(p, ep)))",
    },
    Edit {
        name: "matcher budget: the scan of a short repetition",
        file: "lstrlib.c",
        anchor: "else if (singlematch(ms, s, p, ep))",
        text: "    else if (matchstep(ms, CLASSSTEPS(p, ep)) && singlematch(ms, s, p, ep))",
    },
    Edit {
        name: "matcher budget: the scan of %b",
        file: "lstrlib.c",
        anchor: "while (++s < ms->src_end) {",
        text: "    while (++s < ms->src_end && matchstep(ms, 1)) {",
    },
    Edit {
        name: "matcher budget: a capture compared",
        file: "lstrlib.c",
        anchor: "len = ms->capture[l].len;",
        text: "  len = ms->capture[l].len;\n  matchstep(ms, (ptrdiff_t)(len >> 4) & (PTRDIFF_MAX >> 4));",
    },
    Edit {
        name: "fuel: plain search",
        file: "lstrlib.c",
        anchor: "const char *s2 = lmemfind(s + init, ls - init, p, lp);",
        text: "    const char *s2 = lmemfind(s + init, ls - init, p, lp);\n    wippy_charge(L, (lp + (s2 ? (size_t)(s2 - s) - init : ls - init)) >> 6);",
    },
    Edit {
        name: "fuel: declarations for lstrlib.c",
        file: "lstrlib.c",
        anchor: "#include \"lualib.h\"",
        text: "#include \"lualib.h\"\n#include \"wippy.h\"",
    },
    Edit {
        name: "plain search in linear time",
        file: "lstrlib.c",
        anchor: "if (l2 == 0) return s1;  /* empty strings are everywhere */",
        text: "  return wippy_memfind(s1, l1, s2, l2);",
    },
    Edit {
        name: "plain search in linear time: dead code",
        file: "lstrlib.c",
        anchor: "else if (l2 > l1) return NULL;  /* avoids a negative 'l1' */",
        text: "  if (0) return NULL;",
    },
    Edit {
        name: "plain search in linear time: declaration",
        file: "lstrlib.c",
        anchor: "#define uchar(c)\t((unsigned char)(c))",
        text: "#define uchar(c)\t((unsigned char)(c))\nextern const char *wippy_memfind (const char *s1, size_t l1, const char *s2, size_t l2);",
    },
    Edit {
        name: "sort: any order function, from below",
        file: "ltablib.c",
        anchor: "if (l_unlikely(i == up - 1))  /* a[i] < P  but a[up - 1] == P  ?? */",
        text: "      if (l_unlikely(i == up - 1)) break;\n      if (0)",
    },
    Edit {
        name: "sort: any order function, from above",
        file: "ltablib.c",
        anchor: "if (l_unlikely(j < i))  /* j < i  but  a[j] > P ?? */",
        text: "      if (l_unlikely(j < i)) break;\n      if (0)",
    },
    Edit {
        name: "sort: no quadratic time",
        file: "ltablib.c",
        anchor: "if ((up - lo) / 128 > n) /* partition too imbalanced? */",
        text: "    if (lo < up && (up - lo) / 128 > n) {  /* partition too imbalanced? */\n      wippy_heapsort(L, lo, up);\n      return;\n    }\n    if (0)",
    },
    Edit {
        name: "sort: no quadratic time, declaration",
        file: "ltablib.c",
        anchor: "typedef unsigned int IdxT;",
        text: "typedef unsigned int IdxT;\nstatic void wippy_heapsort (lua_State *L, IdxT lo, IdxT up);",
    },
    Edit {
        name: "fuel: comparisons of sort",
        file: "ltablib.c",
        anchor: "static int sort_comp (lua_State *L, int a, int b) {",
        text: "static int sort_comp (lua_State *L, int a, int b) {\n  wippy_charge(L, 2);",
    },
    Edit {
        name: "fuel: declarations for ltablib.c",
        file: "ltablib.c",
        anchor: "#include \"lualib.h\"",
        text: "#include \"lualib.h\"\n#include \"wippy.h\"",
    },
    Edit {
        name: "sort: pivots do not depend on the clock",
        file: "ltablib.c",
        anchor: "#if !defined(l_randomizePivot)\t\t/* { */",
        text: "#define l_randomizePivot()\t(~0u / 3)\n#if !defined(l_randomizePivot)\t\t/* { */",
    },
    Edit {
        name: "ipairs and pairs without a call",
        file: "lvm.c",
        anchor: "memcpy(ra + 4, ra, 3 * sizeof(*ra));",
        text: "        if (ttislcf(s2v(ra)) && wippyV_iterate(L, ra, GETARG_C(i))) {\n          i = *(pc++);\n          goto l_tforloop;\n        }\n        memcpy(ra + 4, ra, 3 * sizeof(*ra));",
    },
];
