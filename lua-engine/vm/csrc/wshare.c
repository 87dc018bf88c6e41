/*
** wshare.c: objects that all states of the OS process share: short strings,
** prototypes of functions, tables of libraries, metatables, constant objects.
**
** A process is a state, so what a state holds is paid a million times. Code,
** libraries and metatables are the same in all of them and never change. They
** live outside of every state, and states point at them.
**
** WHAT A SHARED OBJECT IS
** Its mark has no colour and the age G_SHARED. So no collector marks it (that
** asks for a white object), none frees it (it is in no list of objects), no
** barrier fires for it (as a value it would have to be white, as a container
** black), and weak tables keep it (what is cleared is white).
** I1. A shared object points at shared objects only. Nothing a state owns can be
**     kept alive, or be missed by a collector, through one.
** I2. It is not written after it was published, so threads read it without
**     locks or atomics. What the core would write lazily is there beforehand:
**     - 'flags' of a table: all bits of absent metamethods are set as they are,
**       so 'luaT_gettm' is asked only about those that exist; the has-a-hash bit;
**     - 'alimit': shared tables have no array part, and nothing moves it then;
**     - the hash of a long string is computed ('extra' is 1).
**     Tables are frozen: every way to store tests that before it writes.
**     Userdata have no user values, and only the host sets metatables of userdata.
**     'wippy_thaw' and 'wippy_markhash' leave shared tables alone.
**
** STRINGS
** A short string is its address: tables compare addresses. So one state must
** never meet two short strings with one text. What it sees is, in this order,
** its own strings, those of its *set*, and the *common* ones. The latter two
** are fixed before it makes its first string, and disjoint in their texts:
** - All shared short strings are interned in 'names', one for each text, under
**   the lock. A string there is held by chunks and tables of globals (counted),
**   or common: for ever.
** - The common strings are those of the libraries, metamethods and words of the
**   language: texts of this program's binary, so they are bounded. States find
**   them without a lock in 'common', which only grows. Each carries the epoch of
**   its publication (in 'next', which no list uses); a state sees those that are
**   not younger than itself. A younger one may have the text of a string of its
**   own, therefore:
** I3. A state gets no common table whose strings it does not see (the host asks
**     'wippy_epoch' and compares with that of the table).
** - The strings of code come and go with it. A state sees those of the chunks
**   its host gave it (a set: a hash table of addresses, never changed), and:
** I4. A state gets no chunk that is not in its set, and the host keeps a set and
**     its chunks until after 'lua_close'. So the strings and long strings of a
**     chunk live as long as any state that can have met them.
** - A string of code that becomes common keeps its address. States that know it
**   through their set go on as before: the fields that change then ('next',
**   'hnext') are read only when the string is found among the common ones.
**
** GLOBALS
** The table of globals of a state is its own, but begins empty with a *base*
** behind it: the shared table of all names of its program. Reading a name that
** is not in the own part continues in the base. Own part and base never share
** a key: a store to a key of the base, and a traversal, first copy the base into
** the own part ('wippyG_complete') and forget it. So programs meet an ordinary
** table. '_G' itself is answered without being in the base.
**
** WHO WRITES WHAT WHEN
** 'names', counts and everything not yet published: the holder of the lock
** ('wippy_locked', src/share.rs), which all functions below marked (locked) ask
** for. Heads of 'common' and 'epoch': the same, with release stores; states read
** them with acquire. A chunk, set or table reaches other threads through the
** host's own synchronisation (reference counts).
**
** Memory of shared objects comes from malloc, is counted, and its exhaustion
** aborts, as in the host's own code: none of it belongs to a state.
**
** One file, although a long one: names, counts, common strings and the epoch are
** private to it, and every function below is written against the rules above.
*/
#define wshare_c
#define LUA_CORE

#include "lprefix.h"

#include <stdlib.h>
#include <string.h>

#include "lua.h"

#include "lapi.h"
#include "lfunc.h"
#include "lgc.h"
#include "llex.h"
#include "lmem.h"
#include "lobject.h"
#include "lstate.h"
#include "lstring.h"
#include "ltable.h"
#include "ltm.h"
#include "wippy.h"


/* An interned short string. */
typedef struct Name {
  struct Name *next;  /* in its chain of 'names' */
  size_t holders;  /* chunks and tables that need it, or COMMON */
  TString ts;  /* last: its text follows */
} Name;

#define COMMON	(~(size_t)0)

static struct {
  Name **chains;
  size_t size;  /* chains, a power of 2 */
  size_t count;
} names;

/* Common strings by the low bits of their hash; about 2000 are expected. */
#define NCOMMON	4096
static TString *common[NCOMMON];

static size_t epoch = 0;  /* of the youngest common strings */
static unsigned int hashseed;
static int ready = 0;

static TString *eventnames[TM_N];
static wippy_Same same;  /* of all states */
static TString *globalname;  /* "_G" */

static wippy_Shared counts;

/* what is common stays reachable, for tools that look for leaks */
static struct Holder *commontables = NULL;
static GCObject *commonobjects = NULL;

#define load(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store(p,v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)

#define aligned(n)	(((n) + 7) & ~(size_t)7)


static void *take (size_t n) {
  void *p = malloc(n);
  if (p == NULL) abort();
  counts.bytes += n;
  return p;
}

static void give (void *p, size_t n) {
  counts.bytes -= n;
  free(p);
}


/*
** {======================================================
** Short strings (locked)
** =======================================================
*/

static void grownames (void) {
  size_t size = names.size * 2, i;
  Name **chains;
  if (size == 0) size = 256;
  chains = (Name **)take(size * sizeof(Name *));
  memset(chains, 0, size * sizeof(Name *));
  for (i = 0; i < names.size; i++) {
    Name *n = names.chains[i];
    while (n != NULL) {
      Name *next = n->next;
      Name **chain = &chains[n->ts.hash & (size - 1)];
      n->next = *chain;
      *chain = n;
      n = next;
    }
  }
  if (names.chains != NULL) give(names.chains, names.size * sizeof(Name *));
  names.chains = chains;
  names.size = size;
}


#define sametext(ts,s,l,h) \
  ((ts)->hash == (h) && (ts)->shrlen == (l) && memcmp(getshrstr(ts), s, l) == 0)

#define sizename(l)	(offsetof(Name, ts) + sizelstring(l))

static Name *intern (const char *s, size_t l) {
  unsigned int h = luaS_hash(s, l, hashseed);
  Name *n;
  if (names.count >= names.size) grownames();
  for (n = names.chains[h & (names.size - 1)]; n != NULL; n = n->next)
    if (sametext(&n->ts, s, l, h)) return n;
  n = (Name *)take(sizename(l));
  n->holders = 0;
  n->ts.next = NULL;
  n->ts.tt = LUA_VSHRSTR;
  n->ts.marked = G_SHARED;
  n->ts.extra = 0;
  n->ts.shrlen = cast_byte(l);
  n->ts.hash = h;
  n->ts.u.hnext = NULL;
  memcpy(getshrstr(&n->ts), s, l);
  getshrstr(&n->ts)[l] = '\0';
  n->next = names.chains[h & (names.size - 1)];
  names.chains[h & (names.size - 1)] = n;
  names.count++;
  counts.strings++;
  return n;
}


static void letgo (Name *n) {
  Name **p;
  if (n->holders == COMMON || --n->holders > 0) return;
  for (p = &names.chains[n->ts.hash & (names.size - 1)]; *p != n; p = &(*p)->next) {}
  *p = n->next;
  names.count--;
  counts.strings--;
  give(n, sizename(n->ts.shrlen));
}


/* 'extra' is not 0 for reserved words, which are published once and first */
static TString *makecommon (const char *s, size_t l, size_t stamp, int extra) {
  Name *n = intern(s, l);
  if (n->holders != COMMON) {
    TString **chain = &common[n->ts.hash & (NCOMMON - 1)];
    n->holders = COMMON;
    n->ts.extra = cast_byte(extra);
    n->ts.next = (GCObject *)stamp;
    n->ts.u.hnext = *chain;
    store(chain, &n->ts);
  }
  return &n->ts;
}


static void init (void) {
  int i;
  const char *s;
  if (load(&ready)) return;
  hashseed = wippyS_seed();
  for (i = 0; i < NUM_RESERVED; i++)
    makecommon(luaX_tokens[i], strlen(luaX_tokens[i]), 1, i + 1);
  for (i = 0; i < TM_N; i++) {
    s = wippyT_name(i);
    eventnames[i] = makecommon(s, strlen(s), 1, 0);
  }
  same.panic_ = wippy_panic;
  same.memerrmsg_ = makecommon(MEMERRMSG, sizeof(MEMERRMSG) - 1, 1, 0);
  globalname = makecommon("_G", 2, 1, 0);
  makecommon(LUA_ENV, sizeof(LUA_ENV) - 1, 1, 0);
  store(&epoch, 1);
  store(&ready, 1);
}

/* }====================================================== */


/*
** {======================================================
** What a state sees
** =======================================================
*/

/* Addresses of short strings by hash, open addressing; never full. */
typedef struct Set {
  size_t size;  /* of this block */
  unsigned int mask;
  TString *slots[1];
} Set;


/* metatables of basic types of a state that has none */
static Table *notypes[LUA_NUMTYPES];

void wippyS_open (global_State *g) {
  if (!load(&ready)) wippy_locked(init);
  g->seed = hashseed;
  g->tmname = eventnames;
  g->same = &same;
  g->mt = notypes;
  g->ownmt = 0;
  g->epoch = load(&epoch);
  g->set = NULL;
  g->base = NULL;
  g->based = NULL;
}


TString *wippyS_find (const global_State *g, const char *s, size_t l, unsigned int h) {
  TString *ts;
  const Set *set = (const Set *)g->set;
  if (set != NULL) {
    unsigned int i;
    for (i = h & set->mask; (ts = set->slots[i]) != NULL; i = (i + 1) & set->mask)
      if (sametext(ts, s, l, h)) return ts;
  }
  for (ts = load(&common[h & (NCOMMON - 1)]); ts != NULL; ts = ts->u.hnext)
    if (sametext(ts, s, l, h)) return ((size_t)ts->next <= g->epoch) ? ts : NULL;
  return NULL;
}


LUA_API size_t wippy_epoch (lua_State *L) {
  return G(L)->epoch;
}


LUA_API void wippy_see (lua_State *L, const void *set) {
  api_check(L, G(L)->strt.nuse == 0, "a state sees a set before it makes strings");
  G(L)->set = set;
}

/* }====================================================== */


/*
** {======================================================
** Chunks and tables of globals: what comes and goes (locked)
** =======================================================
*/

/*
** One block each, filled in two passes by the same functions: the first only
** counts ('at' is NULL), the second copies.
*/
typedef struct Holder {
  struct Holder *next;  /* in 'commontables' */
  size_t size;  /* of the block */
  size_t count;  /* strings held */
  Name **names;
  int ischunk;
  union { Proto *proto; Table *table; } u;
  Table *types[LUA_NUMTYPES];  /* metatables of basic types: the table for strings */
} Holder;

typedef struct Copy {
  char *at;  /* next free byte, NULL in the first pass */
  size_t size;  /* bytes needed so far */
  size_t count;  /* short strings met so far */
  Name **names;
} Copy;


/* Room for 'n' bytes with a copy of 'from'; NULL in the first pass. */
static void *carve (Copy *c, const void *from, size_t n) {
  void *p = c->at;
  c->size += aligned(n);
  if (p == NULL || n == 0) return NULL;
  c->at += aligned(n);
  if (from != NULL) memcpy(p, from, n);
  return p;
}


static TString *copystring (Copy *c, const TString *s) {
  if (s == NULL) return NULL;
  if (s->tt == LUA_VSHRSTR) {
    Name *n;
    c->count++;
    if (c->at == NULL) return NULL;
    n = intern(getshrstr(s), s->shrlen);
    if (n->holders != COMMON) n->holders++;
    c->names[c->count - 1] = n;
    return &n->ts;
  }
  else {
    size_t l = s->u.lnglen;
    TString *ts = (TString *)carve(c, NULL, sizelstring(l));
    if (ts == NULL) return NULL;
    memset(ts, 0, sizeof(TString));
    ts->tt = LUA_VLNGSTR;
    ts->marked = G_SHARED;
    ts->shrlen = 0xFF;
    ts->extra = 1;  /* has its hash */
    ts->hash = luaS_hash(getlngstr(s), l, hashseed);
    ts->u.lnglen = l;
    memcpy(getlngstr(ts), getlngstr(s), l);
    getlngstr(ts)[l] = '\0';
    return ts;
  }
}


static void copyvalue (Copy *c, TValue *to, const TValue *from) {
  if (ttisstring(from)) {
    TString *ts = copystring(c, tsvalue(from));
    if (ts != NULL) setsvalue(cast(lua_State *, NULL), to, ts);
  }
}


static Proto *copyproto (Copy *c, const Proto *f) {
  int i;
  TString *s;
  Proto *n = (Proto *)carve(c, f, sizeof(Proto));
  Instruction *code = (Instruction *)carve(c, f->code, sizeof(Instruction) * cast_sizet(f->sizecode));
  ls_byte *lineinfo = (ls_byte *)carve(c, f->lineinfo, cast_sizet(f->sizelineinfo));
  AbsLineInfo *abs = (AbsLineInfo *)carve(c, f->abslineinfo, sizeof(AbsLineInfo) * cast_sizet(f->sizeabslineinfo));
  TValue *k = (TValue *)carve(c, f->k, sizeof(TValue) * cast_sizet(f->sizek));
  Upvaldesc *upvalues = (Upvaldesc *)carve(c, f->upvalues, sizeof(Upvaldesc) * cast_sizet(f->sizeupvalues));
  LocVar *locvars = (LocVar *)carve(c, f->locvars, sizeof(LocVar) * cast_sizet(f->sizelocvars));
  Proto **p = (Proto **)carve(c, NULL, sizeof(Proto *) * cast_sizet(f->sizep));
  for (i = 0; i < f->sizek; i++) copyvalue(c, &k[i], &f->k[i]);
  for (i = 0; i < f->sizeupvalues; i++) {
    s = copystring(c, f->upvalues[i].name);
    if (n != NULL) upvalues[i].name = s;
  }
  for (i = 0; i < f->sizelocvars; i++) {
    s = copystring(c, f->locvars[i].varname);
    if (n != NULL) locvars[i].varname = s;
  }
  s = copystring(c, f->source);
  for (i = 0; i < f->sizep; i++) {
    Proto *inner = copyproto(c, f->p[i]);
    if (n != NULL) p[i] = inner;
  }
  if (n != NULL) {
    n->next = NULL;
    n->gclist = NULL;
    n->marked = G_SHARED;
    n->code = code;
    n->lineinfo = lineinfo;
    n->abslineinfo = abs;
    n->k = k;
    n->upvalues = upvalues;
    n->locvars = locvars;
    n->p = p;
    n->source = s;
  }
  return n;
}


/* Can the value be in a shared table? Strings are copied, objects shared already. */
static int shareable (const TValue *v) {
  return !iscollectable(v) || ttisstring(v) ||
         ((ttistable(v) || ttisfulluserdata(v)) && isshared(gcvalue(v)));
}

/* A frozen copy of a table whose keys and values are shareable (see below). */
static Table *copytable (Copy *c, Table *t) {
  int i, size = isdummy(t) ? 0 : sizenode(t);
  Table *n = (Table *)carve(c, t, sizeof(Table));
  Node *node = (Node *)carve(c, t->node, sizeof(Node) * cast_sizet(size));
  for (i = 0; i < size; i++) {
    const Node *from = gnode(t, i);
    Node *to = (node != NULL) ? &node[i] : NULL;
    if (isempty(gval(from))) {
      if (to != NULL) setnilkey(to);
    }
    else {
      /* equal text, equal hash: the copy of the key has the same place */
      TString *s = copystring(c, keystrval(from));
      copyvalue(c, (to != NULL) ? gval(to) : NULL, gval(from));
      if (to != NULL) keyval(to).gc = obj2gco(s);
    }
  }
  if (n != NULL) {
    n->next = NULL;
    n->gclist = NULL;
    n->marked = G_SHARED | (1 << FROZENBIT);
    if (size > 0) n->node = node;  /* else the dummy node, which all states share */
    n->lastfree = NULL;  /* no free place: see 'isdummy' */
    n->flags = BITHASH;
    for (i = 0; i <= TM_EQ; i++)
      if (isempty(luaH_getshortstr(n, eventnames[i])))
        n->flags |= cast_byte(1u << i);
  }
  return n;
}


/*
** Only names with constants, strings and shared objects as values; no array
** part, no metatable.
*/
static int tableshareable (const Table *t) {
  int i;
  if (t->metatable != NULL || luaH_realasize(t) != 0) return 0;
  if (isdummy(t)) return 1;
  for (i = 0; i < sizenode(t); i++) {
    const Node *n = gnode(t, i);
    if (!isempty(gval(n)) &&
        ((!keyisshrstr(n) && keytt(n) != ctb(LUA_VLNGSTR)) || !shareable(gval(n))))
      return 0;
  }
  return 1;
}


static int byaddress (const void *a, const void *b) {
  const Name *x = *(Name *const *)a, *y = *(Name *const *)b;
  return (x > y) - (x < y);
}

/* Keeps one hold of each string that is not common. */
static void dedupe (Holder *h) {
  size_t i, kept = 0;
  qsort(h->names, h->count, sizeof(Name *), byaddress);
  for (i = 0; i < h->count; i++) {
    Name *n = h->names[i];
    if (n->holders == COMMON) continue;
    if (kept > 0 && h->names[kept - 1] == n) letgo(n);
    else h->names[kept++] = n;
  }
  h->count = kept;
}


static void copyroot (Copy *c, Holder *h, const TValue *o) {
  if (ttisLclosure(o)) {
    Proto *p = copyproto(c, clLvalue(o)->p);
    if (h != NULL) h->u.proto = p;
  }
  else {
    Table *t = copytable(c, hvalue(o));
    if (h != NULL) h->u.table = t;
  }
}


/* The value at 'idx' copied into a block of its own. */
static Holder *hold (const TValue *o) {
  Holder *h;
  Copy c;
  memset(&c, 0, sizeof(c));
  carve(&c, NULL, sizeof(Holder));
  copyroot(&c, NULL, o);
  c.size += c.count * sizeof(Name *);
  h = (Holder *)take(c.size);
  h->next = NULL;
  memset(h->types, 0, sizeof(h->types));
  h->size = c.size;
  h->count = c.count;
  h->ischunk = ttisLclosure(o);
  h->names = (Name **)((char *)h + c.size - c.count * sizeof(Name *));
  memset(&c, 0, sizeof(c));
  c.at = (char *)h + aligned(sizeof(Holder));
  c.names = h->names;
  copyroot(&c, h, o);
  lua_assert(c.count == h->count);
  dedupe(h);
  return h;
}


static const TValue *valueat (lua_State *L, int idx) {
  StkId o = (idx > 0) ? L->ci->func.p + idx : L->top.p + idx;
  api_check(L, idx != 0 && idx > LUA_REGISTRYINDEX && o < L->top.p, "stack index expected");
  return s2v(o);
}


LUA_API void *wippy_sharechunk (lua_State *L, int idx) {
  const TValue *o = valueat(L, idx);
  if (!ttisLclosure(o)) return NULL;
  counts.chunks++;
  return hold(o);
}


LUA_API void *wippy_shareglobals (lua_State *L, int idx) {
  const TValue *o = valueat(L, idx);
  if (!ttistable(o) || !tableshareable(hvalue(o))) return NULL;
  counts.globals++;
  return hold(o);
}


LUA_API void wippy_unshare (void *holder) {
  Holder *h = (Holder *)holder;
  size_t i;
  if (h->ischunk) counts.chunks--; else counts.globals--;
  for (i = 0; i < h->count; i++) letgo(h->names[i]);
  give(h, h->size);
}


LUA_API void *wippy_newset (void *const *holders, size_t n) {
  size_t i, j, total = 0, slots = 1, size;
  Set *set;
  for (i = 0; i < n; i++) total += ((Holder *)holders[i])->count;
  while (slots < total * 2) slots *= 2;
  size = offsetof(Set, slots) + slots * sizeof(TString *);
  set = (Set *)take(size);
  memset(set, 0, size);
  set->size = size;
  set->mask = (unsigned int)(slots - 1);
  for (i = 0; i < n; i++) {
    const Holder *h = (Holder *)holders[i];
    for (j = 0; j < h->count; j++) {
      TString *ts = &h->names[j]->ts;
      unsigned int at = ts->hash & set->mask;
      while (set->slots[at] != NULL && set->slots[at] != ts) at = (at + 1) & set->mask;
      set->slots[at] = ts;
    }
  }
  counts.sets++;
  return set;
}


LUA_API void wippy_freeset (void *set) {
  counts.sets--;
  give(set, ((Set *)set)->size);
}

/* }====================================================== */


/*
** {======================================================
** Common tables and objects: for ever (locked)
** =======================================================
*/

LUA_API void *wippy_sharetable (lua_State *L, int idx) {
  const TValue *o = valueat(L, idx);
  Holder *h;
  size_t i, stamp = epoch + 1;
  if (!ttistable(o) || !tableshareable(hvalue(o))) return NULL;
  h = hold(o);
  for (i = 0; i < h->count; i++)
    makecommon(getshrstr(&h->names[i]->ts), h->names[i]->ts.shrlen, stamp, 0);
  h->count = 0;
  h->types[LUA_TSTRING] = h->u.table;
  h->next = commontables;
  commontables = h;
  store(&epoch, stamp);
  counts.tables++;
  return h->u.table;
}


LUA_API void *wippy_shareobject (size_t size, void *metatable) {
  Udata *u = (Udata *)take(sizeudata(0, size));
  u->next = commonobjects;
  commonobjects = obj2gco(u);
  u->tt = LUA_VUSERDATA;
  u->marked = G_SHARED;
  u->nuvalue = 0;
  u->len = size;
  u->metatable = (Table *)metatable;
  counts.objects++;
  return u;
}


LUA_API void *wippy_objectblock (void *object) {
  return getudatamem((Udata *)object);
}


LUA_API void wippy_countshared (wippy_Shared *to) {
  *to = counts;
  to->epoch = epoch;
}

/* }====================================================== */


/*
** {======================================================
** Shared objects in a state
** =======================================================
*/

LUA_API void wippy_pushchunk (lua_State *L, void *chunk) {
  Proto *p = ((Holder *)chunk)->u.proto;
  LClosure *cl;
  luaC_checkGC(L);
  cl = luaF_newLclosure(L, p->sizeupvalues);
  cl->p = p;
  setclLvalue2s(L, L->top.p, cl);
  api_incr_top(L);
  luaF_initupvals(L, cl);
  if (cl->nupvalues >= 1) {  /* its first upvalue is the table of globals, as in lua_load */
    const TValue *gt = &hvalue(&G(L)->l_registry)->array[LUA_RIDX_GLOBALS - 1];
    setobj(L, cl->upvals[0]->v.p, gt);
    luaC_barrier(L, cl->upvals[0], gt);
  }
}


LUA_API void wippy_pushtable (lua_State *L, void *table) {
  sethvalue2s(L, L->top.p, (Table *)table);
  api_incr_top(L);
}


LUA_API void wippy_pushobject (lua_State *L, void *object) {
  setuvalue(L, s2v(L->top.p), (Udata *)object);
  api_incr_top(L);
}


/* A common table is the first thing in its holder. */
#define holderof(t)	((Holder *)((char *)(t) - aligned(sizeof(Holder))))

LUA_API void wippy_setstringmetatable (lua_State *L, void *table) {
  global_State *g = G(L);
  api_check(L, !g->ownmt && holderof(table)->u.table == (Table *)table, "common table expected");
  g->mt = holderof(table)->types;
}


/* The array that states share becomes an own one. */
void wippyG_settypemt (lua_State *L, int type, Table *mt) {
  global_State *g = G(L);
  if (!g->ownmt) {
    Table **own = luaM_newvector(L, LUA_NUMTYPES, Table *);
    memcpy(own, g->mt, LUA_NUMTYPES * sizeof(Table *));
    g->mt = own;
    g->ownmt = 1;
  }
  g->mt[type] = mt;
}


LUA_API void wippy_setglobals (lua_State *L, void *globals) {
  global_State *g = G(L);
  g->based = hvalue(&hvalue(&g->l_registry)->array[LUA_RIDX_GLOBALS - 1]);
  g->base = ((Holder *)globals)->u.table;
  api_check(L, isdummy(g->based), "no globals yet");
}


const TValue *wippyG_base (lua_State *L, const TValue *key) {
  const global_State *g = G(L);
  const TValue *v = luaH_get(g->base, key);
  if (isempty(v) && ttisshrstring(key) && eqshrstr(tsvalue(key), globalname))
    return &hvalue(&g->l_registry)->array[LUA_RIDX_GLOBALS - 1];
  return v;
}


/* May raise a memory error; nothing has changed then. */
void wippyG_complete (lua_State *L) {
  global_State *g = G(L);
  Table *t = g->based, *base = g->base;
  TValue k, v;
  int i;
  unsigned int n = 1;
  for (i = 0; i < sizenode(base); i++) n += !isempty(gval(gnode(base, i)));
  if (!isdummy(t))
    for (i = 0; i < sizenode(t); i++) n += !isempty(gval(gnode(t, i)));
  luaH_resize(L, t, luaH_realasize(t), n);
  g->based = g->base = NULL;
  /* there is room for all, so nothing below allocates; shared objects and 't' itself need no barrier */
  for (i = 0; i < sizenode(base); i++) {
    Node *node = gnode(base, i);
    if (isempty(gval(node))) continue;
    getnodekey(L, &k, node);
    luaH_set(L, t, &k, gval(node));
  }
  setsvalue(L, &k, globalname);
  sethvalue(L, &v, t);
  if (isempty(luaH_get(t, &k))) luaH_set(L, t, &k, &v);
  invalidateTMcache(t);
}

/* }====================================================== */
