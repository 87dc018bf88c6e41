/*
** wcore.c: frozen tables, fuel, seed and other additions to the core.
*/
#define wcore_c
#define LUA_CORE

#include "lprefix.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "lua.h"

#include "lapi.h"
#include "ldebug.h"
#include "ldo.h"
#include "lgc.h"
#include "lobject.h"
#include "lopcodes.h"
#include "lstate.h"
#include "lstring.h"
#include "ltable.h"
#include "ltm.h"
#include "lvm.h"
#include "wippy.h"

/*
** The seed of the process, set once by the host before any state exists. The
** hash seed is a part of it, fixed when the first shared string is made; each
** state draws its own state for math.random.
*/
static lua_Unsigned seed = 0x9e3779b97f4a7c15u;
static lua_Unsigned states = 0;

LUA_API void wippy_setseed (lua_Unsigned s) {
  seed = s;
  states = 0;
}

/* splitmix64 (Steele, Lea, Flood 2014): 8 bytes of state a VM */
static lua_Unsigned mix (lua_Unsigned z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

unsigned int wippyS_seed (void) { return (unsigned int)(mix(seed) >> 32); }

lua_Unsigned wippyS_random (void) {
  lua_Unsigned n = __atomic_add_fetch(&states, 1, __ATOMIC_RELAXED);
  return mix(seed ^ mix(n));
}

LUA_API lua_Unsigned wippy_random (lua_State *L) {
  return mix(G(L)->random += 0x9e3779b97f4a7c15u);
}

LUA_API void wippy_setrandom (lua_State *L, lua_Unsigned state) {
  G(L)->random = state;
}


/* As index2value of lapi.c, for tables at stack positions. NULL: no table. */
static Table *tableat (lua_State *L, int idx) {
  CallInfo *ci = L->ci;
  StkId o = (idx > 0) ? ci->func.p + idx : L->top.p + idx;
  api_check(L, idx != 0 && idx > LUA_REGISTRYINDEX, "stack index expected");
  if (idx > 0 && o >= L->top.p) return NULL;
  return ttistable(s2v(o)) ? hvalue(s2v(o)) : NULL;
}


l_noret wippyG_frozen (lua_State *L) {
  luaG_runerror(L, "attempt to modify Immutable table");
}

LUA_API void wippy_freeze (lua_State *L, int idx) {
  Table *t = tableat(L, idx);
  if (t != NULL && !isfrozen(t)) t->marked |= (1 << FROZENBIT);
}

LUA_API void wippy_thaw (lua_State *L, int idx) {
  Table *t = tableat(L, idx);
  if (t != NULL && !isshared(t)) t->marked &= ~(1 << FROZENBIT);
}

LUA_API int wippy_isfrozen (lua_State *L, int idx) {
  Table *t = tableat(L, idx);
  return t != NULL && isfrozen(t);
}

LUA_API int wippy_hashash (lua_State *L, int idx) {
  Table *t = tableat(L, idx);
  return t != NULL && (t->flags & BITHASH) != 0;
}

LUA_API void wippy_markhash (lua_State *L, int idx) {
  Table *t = tableat(L, idx);
  if (t != NULL && !isshared(t)) t->flags |= BITHASH;
}


/*
** lua_setmetatable for programs: no finalizer is registered (a '__gc' of a
** table is an ordinary field), so that nothing runs outside the fuel.
*/
LUA_API void wippy_setmetatable (lua_State *L, int idx) {
  Table *t = tableat(L, idx);
  const TValue *v = s2v(L->top.p - 1);
  api_check(L, t != NULL, "table expected");
  if (isfrozen(t)) wippyG_frozen(L);
  t->metatable = ttistable(v) ? hvalue(v) : NULL;
  if (t->metatable) luaC_objbarrier(L, obj2gco(t), t->metatable);
  L->top.p--;
}


static void see (const TValue *o, wippy_Part *part) {
  switch (ttypetag(o)) {
    case LUA_VSHRSTR: case LUA_VLNGSTR:
      part->type = LUA_TSTRING;
      part->size = tsslen(tsvalue(o));
      part->as.text = getstr(tsvalue(o));
      break;
    case LUA_VNUMINT:
      part->type = WIPPY_TINTEGER;
      part->as.i = ivalue(o);
      break;
    case LUA_VNUMFLT:
      part->type = LUA_TNUMBER;
      part->as.n = fltvalue(o);
      break;
    default:
      part->type = ttype(o);
      part->size = !l_isfalse(o);
      break;
  }
}

/* What lies at a stack index, or the index of an upvalue of the C function
** that runs; NULL: nothing. */
static const TValue *valueat (lua_State *L, int idx) {
  StkId func = L->ci->func.p;
  if (idx > 0)
    return func + idx < L->top.p ? s2v(func + idx) : NULL;
  if (idx > LUA_REGISTRYINDEX)
    return s2v(L->top.p + idx);
  idx = LUA_REGISTRYINDEX - idx;
  if (idx > 0 && ttisCclosure(s2v(func)) && idx <= clCvalue(s2v(func))->nupvalues)
    return &clCvalue(s2v(func))->upvalue[idx - 1];
  return NULL;
}

LUA_API void wippy_show (lua_State *L, int idx, wippy_Part *part) {
  const TValue *o = valueat(L, idx);
  if (o == NULL) part->type = LUA_TNONE;
  else see(o, part);
}

LUA_API const char *wippy_text (lua_State *L, int idx, size_t *len) {
  const TValue *o = valueat(L, idx);
  if (o == NULL || !ttisstring(o)) return NULL;
  *len = tsslen(tsvalue(o));
  return getstr(tsvalue(o));
}

LUA_API void *wippy_object (lua_State *L, int idx) {
  const TValue *o = valueat(L, idx);
  return o != NULL && ttisfulluserdata(o) ? getudatamem(uvalue(o)) : NULL;
}


/*
** As luaH_next, in the same order, by place instead of by key: nothing has to
** be found again, and nothing is copied.
*/
LUA_API int wippy_visit (lua_State *L, int idx, size_t *place, wippy_Part *pair) {
  Table *t = tableat(L, idx);
  size_t i = *place, asize, n;
  if (t == NULL) return 0;
  asize = luaH_realasize(t);
  for (; i < asize; i++) {
    if (!isempty(&t->array[i])) {
      pair[0].type = WIPPY_TINTEGER;
      pair[0].as.i = (lua_Integer)i + 1;
      see(&t->array[i], &pair[1]);
      *place = i + 1;
      return 1;
    }
  }
  n = asize + sizenode(t);
  for (; i < n; i++) {
    Node *node = gnode(t, i - asize);
    if (!isempty(gval(node))) {
      TValue key;
      getnodekey(L, &key, node);
      see(&key, &pair[0]);
      see(gval(node), &pair[1]);
      *place = i + 1;
      return 1;
    }
  }
  return 0;
}

LUA_API void wippy_pushvisited (lua_State *L, int idx, size_t place) {
  Table *t = tableat(L, idx);
  size_t i = place - 1, asize = luaH_realasize(t);
  if (i < asize) {
    setivalue(s2v(L->top.p), (lua_Integer)i + 1);
    setobj2s(L, L->top.p + 1, &t->array[i]);
  }
  else {
    Node *node = gnode(t, i - asize);
    getnodekey(L, s2v(L->top.p), node);
    setobj2s(L, L->top.p + 1, gval(node));
  }
  L->top.p += 2;
}

LUA_API unsigned int wippy_hash (lua_State *L, const char *s, size_t len) {
  return luaS_hash(s, len, G(L)->seed);
}

/*
** What a table has under a text. A short key is found by its bytes where it
** lies, so that no string is made; a long one has no place of its own.
*/
static const TValue *textof (lua_State *L, Table *t, const char *s, size_t len, unsigned int hash) {
  if (len <= LUAI_MAXSHORTLEN) {
    Node *n = gnode(t, lmod(hash, sizenode(t)));
    for (;;) {
      if (keyisshrstr(n)) {
        TString *key = keystrval(n);
        if (key->hash == hash && key->shrlen == len && memcmp(getshrstr(key), s, len) == 0)
          return gval(n);
      }
      if (gnext(n) == 0) return NULL;
      n += gnext(n);
    }
  }
  else {
    const TValue *found;
    TString *key = luaS_newlstr(L, s, len);
    setsvalue2s(L, L->top.p, key);
    L->top.p++;
    found = luaH_get(t, s2v(L->top.p - 1));
    L->top.p--;
    return found;
  }
}

static void look (lua_State *L, const TValue *o, wippy_Part *part) {
  if (o == NULL || isempty(o)) {
    part->type = LUA_TNIL;
    return;
  }
  see(o, part);
  if (iscollectable(o) && !ttisstring(o)) {
    setobj2s(L, L->top.p, o);
    L->top.p++;
  }
}

LUA_API void wippy_look (lua_State *L, int idx, const char *s, size_t len, unsigned int hash,
                         wippy_Part *part) {
  Table *t = tableat(L, idx);
  look(L, t == NULL ? NULL : textof(L, t, s, len, hash), part);
}

LUA_API void wippy_lookat (lua_State *L, int idx, lua_Integer i, wippy_Part *part) {
  Table *t = tableat(L, idx);
  look(L, t == NULL ? NULL : luaH_getint(t, i), part);
}

/* lua_setfield without metamethods, for a table that the host is making. */
LUA_API void wippy_settext (lua_State *L, int idx, const char *s, size_t len) {
  Table *t = tableat(L, idx);
  TValue *key = s2v(L->top.p);
  api_check(L, t != NULL && !isfrozen(t), "writable table expected");
  setsvalue(L, key, luaS_newlstr(L, s, len));
  L->top.p++;  /* anchored, since the table may grow */
  luaH_finishset(L, t, key, luaH_getstr(t, tsvalue(key)), key - 1);
  invalidateTMcache(t);
  luaC_barrierback(L, obj2gco(t), key - 1);
  L->top.p -= 2;
  luaC_checkGC(L);
}


/*
** A table like 'shape', which is a common one (wshare.c) without an array part:
** where that holds an integer, the new one holds what is so many places up from
** the lowest of the 'n' values on top. Those are popped. Keys have the places
** they have in the shape, so none is looked up and nothing grows.
*/
LUA_API void wippy_newrecord (lua_State *L, const void *shape, int n) {
  const Table *from = (const Table *)shape;
  unsigned int i, size = sizenode(from);
  Table *t = luaH_new(L);
  StkId values = L->top.p - n;
  Node *nodes;
  api_check(L, luaH_realasize(from) == 0, "a shape with a hash part only");
  sethvalue2s(L, L->top.p, t);  /* anchored while the nodes are made */
  L->top.p++;
  nodes = luaM_newvector(L, size, Node);
  memcpy(nodes, from->node, size * sizeof(Node));
  for (i = 0; i < size; i++) {
    TValue *v = gval(&nodes[i]);
    if (ttisinteger(v)) {
      setobj(L, v, s2v(values + ivalue(v) - 1));
      luaC_barrierback(L, obj2gco(t), v);
    }
  }
  t->node = nodes;
  t->lsizenode = from->lsizenode;
  t->lastfree = nodes + size;  /* as of a new vector: looks for free places from its end */
  t->flags |= BITHASH;
  setobjs2s(L, values, L->top.p - 1);
  L->top.p = values + 1;
  luaC_checkGC(L);
}


l_noret wippyG_indexerror (lua_State *L, const TValue *t, const TValue *key) {
  const char *type = luaT_objtypename(L, t);
  const char *text;
  if (ttisstring(key))
    text = getstr(tsvalue(key));
  else if (ttisnumber(key)) {
    TValue copy;
    setobj(L, &copy, key);
    setobj2s(L, L->top.p, &copy);  /* anchor the text (EXTRA_STACK) */
    L->top.p++;
    luaO_tostring(L, s2v(L->top.p - 1));
    text = getstr(tsvalue(s2v(L->top.p - 1)));
  }
  else if (ttisboolean(key))
    text = l_isfalse(key) ? "false" : "true";
  else
    text = luaT_objtypename(L, key);
  luaG_runerror(L, "attempt to index a non-table object(%s) with key '%s'", type, text);
}


/*
** 'a // b': both truncated toward zero, then the floor. Operands outside the
** integers (huge, infinite, NaN) get the floor of the float quotient.
*/
void wippyV_idiv (lua_State *L, const TValue *a, const TValue *b, TValue *res) {
  lua_Integer i, j;
  lua_Number x = nvalue(a), y = nvalue(b);
  if (fabs(y) < 1)  /* truncates to zero */
    luaG_runerror(L, "attempt to divide by zero");
  if (ttisinteger(a)) i = ivalue(a);
  else if (!lua_numbertointeger(trunc(x), &i)) goto floats;
  if (ttisinteger(b)) j = ivalue(b);
  else if (!lua_numbertointeger(trunc(y), &j)) goto floats;
  setivalue(res, luaV_idiv(L, i, j));
  return;
 floats:
  setfltvalue(res, floor(trunc(x) / trunc(y)));
}


/*
** A step of the generic 'for' at 'ra', if its iterator is that of 'ipairs' or
** 'pairs' and the step cannot fail; otherwise 0, and the iterator is called.
*/
int wippyV_iterate (lua_State *L, StkId ra, int nresults) {
  StkId res = ra + 4;
  lua_CFunction f = fvalue(s2v(ra));
  const TValue *at = s2v(ra + 2);
  Table *t;
  int more;
  if (!ttistable(s2v(ra + 1))) return 0;
  t = hvalue(s2v(ra + 1));
  if (f == wippyB_ipairsaux && ttisinteger(at)) {
    lua_Integer i = intop(+, ivalue(at), 1);
    const TValue *v = luaH_getint(t, i);
    more = !isempty(v);
    if (more) {
      setivalue(s2v(res), i);
      setobj2s(L, res + 1, v);
    }
  }
  else if (f == wippyB_next && !hasbase(L, t) && !ttisfloat(at) &&  /* 'next' does not convert 2.0 as 'get' does */
           (ttisnil(at) || !isabstkey(luaH_get(t, at)))) {
    setobj2s(L, res, at);
    more = luaH_next(L, t, res);
  }
  else return 0;
  if (!more) setnilvalue(s2v(res));
  for (; nresults > 2; nresults--)
    setnilvalue(s2v(res + nresults - 1));
  return 1;
}


/* number 'o' as an integer, fractions truncated; 0 if out of range */
static int truncated (const TValue *o, TValue *res) {
  lua_Integer n;
  if (ttisinteger(o)) n = ivalue(o);
  else if (!lua_numbertointeger(trunc(fltvalue(o)), &n)) return 0;
  setivalue(res, n);
  return 1;
}

int wippyT_binary (lua_State *L, const TValue *p1, const TValue *p2,
                   StkId res, int event) {
  static const char *const names[] = {"add", "sub", "mul", "mod", "pow", "div"};
  int op = event - TM_ADD + LUA_OPADD;
  TValue v1, v2;
  switch (event) {
    case TM_BAND: case TM_BOR: case TM_BXOR:
    case TM_SHL: case TM_SHR: case TM_BNOT: {
      if (!ttisnumber(p1) || !ttisnumber(p2))
        luaG_runerror(L, "attempt to perform bitwise operation on a %s value",
                         luaT_objtypename(L, ttisnumber(p1) ? p2 : p1));
      if (!truncated(p1, &v1) || !truncated(p2, &v2))
        luaG_runerror(L, "number has no integer representation");
      luaO_rawarith(L, op, &v1, &v2, s2v(res));
      return 1;
    }
    case TM_IDIV:
      luaG_runerror(L, "attempt to perform arithmetic on a %s value",
                       luaT_objtypename(L, ttisnumber(p1) ? p2 : p1));
    default: {
      lua_Number n1, n2;
      if (ttislngstring(p1)) wippyG_charge(G(L), tsvalue(p1)->u.lnglen >> 2);
      if (ttislngstring(p2)) wippyG_charge(G(L), tsvalue(p2)->u.lnglen >> 2);
      if (tonumber(p1, &n1) && tonumber(p2, &n2)) {
        setfltvalue(&v1, n1);
        setfltvalue(&v2, n2);
        luaO_rawarith(L, op, &v1, &v2, s2v(res));
        return 1;
      }
      if (event == TM_UNM)
        luaG_runerror(L, "__unm undefined");
      luaG_runerror(L, "cannot perform %s operation between %s and %s",
                       names[event - TM_ADD], luaT_objtypename(L, p1),
                       luaT_objtypename(L, p2));
    }
  }
  return 0;
}


int wippyO_fmtint (lua_Integer n, char *buff) {
  char digits[24];
  int len = 0, at = 0;
  lua_Unsigned u = (n < 0) ? 0u - l_castS2U(n) : l_castS2U(n);
  do { digits[len++] = (char)('0' + (int)(u % 10)); u /= 10; } while (u > 0);
  if (n < 0) buff[at++] = '-';
  while (len > 0) buff[at++] = digits[--len];
  return at;
}


/*
** Called by luaG_traceexec before the instruction '*pc'. The host refills the
** fuel and says whether to yield; if it does not refill, the state gets a full
** tank, so that a host without a scheduler runs unlimited.
*/
void wippyG_outoffuel (lua_State *L, const Instruction *pc) {
  global_State *g = G(L);
  CallInfo *ci = L->ci;
  ptrdiff_t top, citop;
  int yield;
  if (g->preempt == NULL) {
    g->fuel = INT_MAX;
    return;
  }
  ci->u.l.savedpc = pc + 1;  /* reference is always next instruction */
  ci->callstatus &= ~CIST_HOOKYIELD;
  if (!isIT(*pc))  /* top not in use by this instruction? */
    L->top.p = ci->top.p;  /* protect the whole activation record */
  top = savestack(L, L->top.p);
  citop = savestack(L, ci->top.p);
  luaD_checkstack(L, LUA_MINSTACK);  /* may raise; the next safepoint asks then */
  g->fuel = INT_MAX;
  if (ci->top.p < L->top.p + LUA_MINSTACK)
    ci->top.p = L->top.p + LUA_MINSTACK;
  yield = (*g->preempt)(L, yieldable(L));  /* may raise */
  ci->top.p = restorestack(L, citop);
  L->top.p = restorestack(L, top);
  if (yield && yieldable(L)) {
    L->status = LUA_YIELD;
    ci->u2.nyield = 0;
    ci->callstatus |= CIST_HOOKYIELD;  /* 'resume' undoes the increment of pc */
    luaD_throw(L, LUA_YIELD);
  }
}

/* At least 1: with 0 a resumed coroutine would be stopped before it moves. */
LUA_API void wippy_setfuel (lua_State *L, int fuel) {
  G(L)->fuel = (fuel < 1) ? 1 : fuel;
}

LUA_API int wippy_getfuel (lua_State *L) { return G(L)->fuel; }

LUA_API void wippy_charge (lua_State *L, size_t work) {
  wippyG_charge(G(L), work);
}

LUA_API void wippy_chargecall (lua_State *L) {
  size_t work = 8;
  StkId o;
  for (o = L->ci->func.p + 1; o < L->top.p; o++)
    if (ttislngstring(s2v(o))) work += tsvalue(s2v(o))->u.lnglen >> 4;
  wippyG_charge(G(L), work);
}

LUA_API void wippy_setpreempt (lua_State *L, wippy_PreemptFn f) {
  G(L)->preempt = f;
}

/* Only preemption suspends a coroutine with a Lua function on top. */
LUA_API int wippy_ispreempted (lua_State *L) {
  return L->status == LUA_YIELD && isLua(L->ci);
}


/* {== the string table */

/*
** Called by luaS_resize. A table of one chain is the field 'chain' of the
** state, any other a block. Of a larger table that shrinks to one chain, that
** one has everything already.
*/
TString **wippyS_chains (lua_State *L, int osize, int nsize) {
  global_State *g = G(L);
  TString **chains;
  if (nsize == 1) {
    g->chain = g->strt.hash[0];
    luaM_freearray(L, g->strt.hash, osize);
    return &g->chain;
  }
  if (osize > 1)
    return luaM_reallocvector(L, g->strt.hash, osize, nsize, TString *);
  chains = luaM_reallocvector(L, NULL, 0, nsize, TString *);
  if (chains != NULL) chains[0] = g->chain;
  return chains;
}

/* ==} */


/*
** {======================================================
** Stacks of coroutines that wait
** A coroutine suspended in a C function needs what lies below its top and
** nothing else: everything above is room that running code is promised (20
** slots to a C function, its registers to a Lua function). So the room can go
** while it waits, if it is back before anything runs there. Until then the
** tops of calls may lie beyond the end of the stack: nobody may look at them
** but 'wippy_restorestack', and no collection may traverse the thread.
** =======================================================
*/

LUA_API void wippy_trimstack (lua_State *L) {
  int used = cast_int(L->top.p - L->stack.p);
  if (L->status == LUA_YIELD && !isLua(L->ci) && used < stacksize(L))
    luaD_reallocstack(L, used, 0);  /* stays as it is if that fails */
}


LUA_API int wippy_restorestack (lua_State *L) {
  const CallInfo *ci;
  int size = BASIC_STACK_SIZE;
  for (ci = L->ci; ci != NULL; ci = ci->previous) {
    int top = cast_int(ci->top.p - L->stack.p);
    if (size < top) size = top;
  }
  return size <= stacksize(L) || luaD_reallocstack(L, size, 0);
}

/* }====================================================== */


LUA_API size_t wippy_memoryerrors (lua_State *L) { return G(L)->memoryerrors; }

LUA_API void wippy_countmemoryerror (lua_State *L) { G(L)->memoryerrors++; }


LUA_API void wippy_mainyieldable (lua_State *L) {
  L = G(L)->mainthread;
  if (!yieldable(L)) decnny(L);
}
