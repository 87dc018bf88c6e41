/*
** wcore.c: frozen tables, fuel, seed and other additions to the core.
*/
#define wcore_c
#define LUA_CORE

#include "lprefix.h"

#include <limits.h>

#include "lua.h"
#include "lauxlib.h"

#include "lapi.h"
#include "ldebug.h"
#include "ldo.h"
#include "lgc.h"
#include "lobject.h"
#include "lopcodes.h"
#include "lstate.h"
#include "ltable.h"
#include "wippy.h"

/* Set once by the host before any state exists; see wippy_setseed. */
static unsigned int seed = 0x5bd1e995u;

unsigned int wippyS_seed (void) { return seed; }

LUA_API void wippy_setseed (unsigned int s) { seed = s; }


/* As index2value of lapi.c, for tables at stack positions. NULL: no table. */
static Table *tableat (lua_State *L, int idx) {
  CallInfo *ci = L->ci;
  StkId o = (idx > 0) ? ci->func.p + idx : L->top.p + idx;
  api_check(L, idx != 0 && idx > LUA_REGISTRYINDEX, "stack index expected");
  if (idx > 0 && o >= L->top.p) return NULL;
  return ttistable(s2v(o)) ? hvalue(s2v(o)) : NULL;
}


/*
** A C function raises with the position of its caller, as luaL_error does;
** the VM itself with the position of the running instruction.
*/
l_noret wippyG_frozen (lua_State *L) {
  if (isLua(L->ci))
    luaG_runerror(L, "attempt to modify Immutable table");
  luaL_error(L, "attempt to modify Immutable table");
  for (;;) {}  /* luaL_error does not return */
}

LUA_API void wippy_freeze (lua_State *L, int idx) {
  Table *t = tableat(L, idx);
  if (t != NULL) t->marked |= (1 << FROZENBIT);
}

LUA_API void wippy_thaw (lua_State *L, int idx) {
  Table *t = tableat(L, idx);
  if (t != NULL) t->marked &= ~(1 << FROZENBIT);
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
  if (t != NULL) t->flags |= BITHASH;
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
  g->fuel = INT_MAX;
  if (g->preempt == NULL) return;
  ci->u.l.savedpc = pc + 1;  /* reference is always next instruction */
  ci->callstatus &= ~CIST_HOOKYIELD;
  if (!isIT(*pc))  /* top not in use by this instruction? */
    L->top.p = ci->top.p;  /* protect the whole activation record */
  top = savestack(L, L->top.p);
  citop = savestack(L, ci->top.p);
  luaD_checkstack(L, LUA_MINSTACK);
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

LUA_API void wippy_setpreempt (lua_State *L, wippy_PreemptFn f) {
  G(L)->preempt = f;
}

/* Only preemption suspends a coroutine with a Lua function on top. */
LUA_API int wippy_ispreempted (lua_State *L) {
  return L->status == LUA_YIELD && isLua(L->ci);
}


LUA_API void wippy_mainyieldable (lua_State *L) {
  L = G(L)->mainthread;
  if (!yieldable(L)) decnny(L);
}
