/*
** stress.c: threads make, run, collect and close states over shared chunks
** while code is replaced and tables are published. Built and run under the
** sanitizers by tests/sanitize.rs, with Lua's internal assertions on.
** Prints the number of runs.
*/
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua.h"
#include "lauxlib.h"
#include "wippy.h"

#define THREADS		8
#define PROGRAMS	4
#define ROUNDS		24

/* {== what the Rust side gives */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void wippy_locked (void (*f) (void)) {
  pthread_mutex_lock(&lock);
  f();
  pthread_mutex_unlock(&lock);
}

int wippy_panic (lua_State *L) { (void)L; return 0; }
size_t wippy_fmtfloat (lua_Number n, char *buff) { return (size_t)sprintf(buff, "%.14g", n); }
size_t wippy_fmtshortest (lua_Number n, char *buff) { return (size_t)sprintf(buff, "%g", n); }
size_t wippy_casemap (const char *s, size_t l, int upper, char *out) { (void)upper; memcpy(out, s, l); return l; }
size_t wippy_quote (const char *s, size_t l, char *out) { memcpy(out, s, l); return l; }
const char *wippy_memfind (const char *s, size_t l, const char *p, size_t n) {
  for (; l >= n; s++, l--) if (memcmp(s, p, n) == 0) return s;
  return NULL;
}

/* ==} */

static void check (int ok, const char *what) {
  if (!ok) { fprintf(stderr, "failed: %s\n", what); abort(); }
}

static const char *const source =
  "local v_%d_%d, long = 'p%dv%d', 'a text of more than forty bytes in version %d of the code'\n"
  "local t = {}\n"
  "for i = 1, 200 do t['k' .. i] = {order = 'order.create', n = i, s = ('x'):rep(i %% 50)} end\n"
  "for i = 1, 200, 3 do t['k' .. i] = nil end\n"
  "local c = 0\n"
  "for k, v in pairs(t) do c = c + v.n assert(v.order == ('order.' .. 'create') and k == 'k' .. v.n) end\n"
  "local weak = setmetatable({}, table.freeze({__mode = 'k'})) weak[string] = 1 weak[{}] = 2 weak[long .. 'x'] = 3\n"
  "local fs = {} for i = 1, 30 do fs[i] = function() i = i + 1 return i .. long end end\n"
  "for i = 1, 30 do assert(fs[i]() == i + 1 .. long) end\n"
  "local co = coroutine.wrap(function(a) local b = coroutine.yield(a .. 'order') return b end)\n"
  "assert(co('re') == 'reorder' and co('b') == 'b')\n"
  "local m = setmetatable({}, math) m.x = 1 assert(m.y == nil and #m == 0 and m == m and m ~= setmetatable({}, math))\n"
  "own = c assert(own == c and _G.own == c and weak[string] == 1)\n"
  "if %d %% 3 == 0 then string = nil local n = 0 for _ in pairs(_G) do n = n + 1 end assert(n > 10) end\n"
  "if wait then assert(wait(c, fs) == fs) for i = 1, 30 do assert(fs[i]() == i + 2 .. long) end end\n"
  "return c";

typedef struct Image {  /* as share.rs has it */
  int refs;
  void *chunk, *set;
} Image;

static void *globals, *strings;
static Image *current[PROGRAMS];
static pthread_mutex_t currentlock = PTHREAD_MUTEX_INITIALIZER;
static int published = 0;

static void *alloc (void *ud, void *p, size_t osize, size_t nsize) {
  (void)ud; (void)osize;
  if (nsize == 0) { free(p); return NULL; }
  return realloc(p, nsize);
}

static void openlib (lua_State *L, const char *name) {
  size_t n, i;
  const wippy_Entry *e = wippy_library(name, strlen(name), &n);
  for (i = 0; i < n; i++) {
    if (e[i].f != NULL) lua_pushcfunction(L, e[i].f);
    else if (e[i].s != NULL) lua_pushstring(L, e[i].s);
    else lua_pushnumber(L, e[i].n);
    lua_setfield(L, -2, e[i].name);
  }
}

static void *sharetop (lua_State *L) {
  void *t;
  pthread_mutex_lock(&lock);
  t = wippy_sharetable(L, -1);
  pthread_mutex_unlock(&lock);
  check(t != NULL, "table is shareable");
  lua_pop(L, 1);
  return t;
}

int luaopen_coroutine (lua_State *L);

static void libraries (void) {
  static const char *const names[] = {"string", "table", "math"};
  lua_State *L = lua_newstate(alloc, NULL);
  void *t;
  int i;
  lua_createtable(L, 0, 64);
  openlib(L, "_G");
  for (i = 0; i < 3; i++) {
    lua_createtable(L, 0, 32);
    openlib(L, names[i]);
    t = sharetop(L);
    wippy_pushtable(L, t);
    lua_setfield(L, -2, names[i]);
    if (i == 0) {
      lua_createtable(L, 0, 1);
      wippy_pushtable(L, t);
      lua_setfield(L, -2, "__index");
      strings = sharetop(L);
    }
  }
  luaopen_coroutine(L);
  t = sharetop(L);
  wippy_pushtable(L, t);
  lua_setfield(L, -2, "coroutine");
  pthread_mutex_lock(&lock);
  globals = wippy_shareglobals(L, -1);
  pthread_mutex_unlock(&lock);
  check(globals != NULL, "globals are shareable");
  lua_close(L);
}

static Image *newimage (int program, int version) {
  char text[4096];
  void *holders[2];
  Image *im = (Image *)malloc(sizeof(Image));
  lua_State *L = lua_newstate(alloc, NULL);
  sprintf(text, source, program, version, program, version, version, version);
  check(luaL_loadbufferx(L, text, strlen(text), "=t", "t") == LUA_OK, "it compiles");
  pthread_mutex_lock(&lock);
  im->refs = 1;
  im->chunk = wippy_sharechunk(L, -1);
  holders[0] = im->chunk; holders[1] = globals;
  im->set = wippy_newset(holders, 2);
  pthread_mutex_unlock(&lock);
  lua_close(L);
  return im;
}

static void release (Image *im) {
  if (__atomic_sub_fetch(&im->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
  pthread_mutex_lock(&lock);
  wippy_freeset(im->set);
  wippy_unshare(im->chunk);
  pthread_mutex_unlock(&lock);
  free(im);
}

static Image *get (int program) {
  Image *im;
  pthread_mutex_lock(&currentlock);
  im = current[program];
  __atomic_add_fetch(&im->refs, 1, __ATOMIC_RELAXED);
  pthread_mutex_unlock(&currentlock);
  return im;
}

static void reload (int program, int version) {
  Image *im = newimage(program, version), *old;
  pthread_mutex_lock(&currentlock);
  old = current[program];
  current[program] = im;
  pthread_mutex_unlock(&currentlock);
  release(old);
}

static void publish (int n) {
  char name[32];
  lua_State *L = lua_newstate(alloc, NULL);
  lua_createtable(L, 0, 2);
  sprintf(name, "k%d", n % 50);
  lua_pushinteger(L, n);
  lua_setfield(L, -2, name);
  sprintf(name, "p%dv%d", n % PROGRAMS, n);
  lua_pushinteger(L, n);
  lua_setfield(L, -2, name);
  sharetop(L);
  lua_close(L);
}

static int preempt (lua_State *L, int yieldable) {
  (void)yieldable;
  lua_gc(L, LUA_GCSTEP, 1);
  wippy_setfuel(L, 20);
  return 0;
}

/* suspends the main thread, with a deep call below it */
static int wait (lua_State *L) {
  lua_settop(L, 2);
  return lua_yield(L, 1);
}

static void run (lua_State *L, int waits) {
  int n, status;
  if (waits) {
    lua_pushcfunction(L, wait);
    lua_setglobal(L, "wait");
    wippy_mainyieldable(L);
  }
  status = lua_resume(L, NULL, 0, &n);
  if (waits) {
    check(status == LUA_YIELD && n == 1, "it waits");
    lua_gc(L, LUA_GCCOLLECT);
    wippy_trimstack(L);
    check(wippy_restorestack(L), "it has its stack again");
    status = lua_resume(L, NULL, 1, &n);
  }
  if (status != LUA_OK) check(0, lua_tostring(L, -1));
  check(n == 1, "one result");
}

static void *work (void *ud) {
  int me = (int)(size_t)ud, round;
  for (round = 0; round < ROUNDS; round++) {
    int program = (me + round) % PROGRAMS;
    Image *im;
    lua_State *L;
    if (round % 4 == me % 4) {
      reload(program, me * 100 + round);
      publish(__atomic_fetch_add(&published, 1, __ATOMIC_RELAXED));
    }
    im = get(program);
    L = lua_newstate(alloc, NULL);
    wippy_see(L, im->set);
    wippy_setglobals(L, globals);
    wippy_setstringmetatable(L, strings);
    if (round % 2) lua_gc(L, LUA_GCINC, 10, 1000, 5);
    if (round % 3 == 0) { wippy_setpreempt(L, preempt); wippy_setfuel(L, 20); }
    wippy_pushchunk(L, im->chunk);
    run(L, round % 4 == 3);
    check(lua_tointeger(L, -1) == 13400, "its result");
    lua_gc(L, LUA_GCCOLLECT);
    lua_close(L);
    release(im);
  }
  return NULL;
}

int main (void) {
  pthread_t threads[THREADS];
  wippy_Shared before, after;
  int i;
  libraries();
  wippy_countshared(&before);
  for (i = 0; i < PROGRAMS; i++) current[i] = newimage(i, 0);
  for (i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, (void *)(size_t)i);
  for (i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  for (i = 0; i < PROGRAMS; i++) release(current[i]);
  wippy_countshared(&after);
  check(after.chunks == before.chunks && after.sets == before.sets, "all code is freed");
  printf("%d runs\n", THREADS * ROUNDS);
  return 0;
}
