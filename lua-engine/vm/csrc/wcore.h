/*
** wcore.h: what wippy's edits add to the core (see edits/). Included at the
** end of lstate.h, so it sees every internal type.
*/
#ifndef wcore_h
#define wcore_h

#include <stdint.h>
#include <string.h>

/* 'marked' bit 7: the table must not change (bits 0-6 belong to the collector) */
#define FROZENBIT	7
#define isfrozen(o)	((o)->marked & (1 << FROZENBIT))

/* table 'flags' bit 6: the table has, or once had, a hash part */
#define BITHASH		(1 << 6)

/*
** Fields of 'global_State' that are the same in all states, so that a state
** has one pointer to them (edits/size.rs). Never written after the first state
** is made. The collector's lists are those of its generational mode, which is
** never entered: NULL.
*/
typedef struct wippy_Same {
  lua_CFunction panic_;
  lua_WarnFunction warnf_;
  void *ud_warn_;
  TString *memerrmsg_;
  GCObject *survival_, *old1_, *reallyold_, *firstold1_;
  GCObject *finobjsur_, *finobjold1_, *finobjrold_;
} wippy_Same;

#define panic	same->panic_
#define warnf	same->warnf_
#define ud_warn	same->ud_warn_
#define memerrmsg	same->memerrmsg_
#define survival	same->survival_
#define old1	same->old1_
#define reallyold	same->reallyold_
#define firstold1	same->firstold1_
#define finobjsur	same->finobjsur_
#define finobjold1	same->finobjold1_
#define finobjrold	same->finobjrold_

/* sets the metatable of a basic type for this state alone; may raise a memory error */
LUAI_FUNC void wippyG_settypemt (lua_State *L, int type, struct Table *mt);
/* chains for a string table of 'nsize' with what those of 'osize' begin with;
   NULL if there is no memory. The old ones are gone then. */
LUAI_FUNC TString **wippyS_chains (lua_State *L, int osize, int nsize);

/* raises the error of a write to a frozen table */
LUAI_FUNC l_noret wippyG_frozen (lua_State *L);
/* raises the error of indexing 't', which is no table, with 'key' */
LUAI_FUNC l_noret wippyG_indexerror (lua_State *L, const TValue *t,
                                     const TValue *key);
/* the fuel ran out before instruction '*pc' of the running Lua function */
LUAI_FUNC void wippyG_outoffuel (lua_State *L, const Instruction *pc);

/* bytes that a state may allocate between two cycles of the collector */
#define WIPPY_GCROOM	((l_mem)24 << 10)

/*
** Takes work that C code does between two safepoints off the fuel, down to 0 at
** least: then the next call or back edge asks the host. One unit is a call or
** a back edge, some nanoseconds.
*/
static inline void wippyG_charge (global_State *g, size_t work) {
  if (g->fuel > 0)
    g->fuel = (work < (size_t)g->fuel) ? g->fuel - (int)work : 0;
}

/* looking at all bytes of a long string: as a key of a table, or to compare it */
#define wippyG_chargelong(L,o) \
  ((void)(ttislngstring(o) && (wippyG_charge(G(L), tsvalue(o)->u.lnglen >> 7), 0)))

/* '//' of two numbers that are not both integers */
LUAI_FUNC void wippyV_idiv (lua_State *L, const TValue *a, const TValue *b,
                            TValue *res);
/* binary and unary operations no metamethod handles: 1 or raises.
   'event' is a TMS, unknown here */
LUAI_FUNC int wippyT_binary (lua_State *L, const TValue *p1, const TValue *p2,
                             StkId res, int event);

/* decimal text of 'n' in 'buff' (not terminated); returns its length */
LUAI_FUNC int wippyO_fmtint (lua_Integer n, char *buff);
/* src/number.rs: text of a float, at most 32 bytes, not terminated */
extern size_t wippy_fmtfloat (lua_Number n, char *buff);

/* hash seed of the process; a fresh state of math.random */
LUAI_FUNC unsigned int wippyS_seed (void);
LUAI_FUNC lua_Unsigned wippyS_random (void);

/* product of 64 bits each, its halves folded together */
static inline uint64_t wippyS_mix (uint64_t a, uint64_t b) {
  __uint128_t p = (__uint128_t)a * b;
  return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static inline uint64_t wippyS_word (const char *s) {
  uint64_t w;
  memcpy(&w, s, sizeof(w));
  return w;
}

/*
** Hash of strings: 16 bytes a multiplication, in the manner of wyhash (Wang Yi,
** public domain), where upstream takes one dependent step for each byte. Both
** factors hold the seed, so that nobody who does not know it can make one of
** them zero, which would make the other irrelevant.
*/
static inline unsigned int wippyS_hash (const char *s, size_t l,
                                        unsigned int seed) {
  const uint64_t secret = ((uint64_t)seed * 2 + 1) * 0x9e3779b97f4a7c15u;
  uint64_t a = 0, b = 0, h = secret ^ l;
  size_t left = l;
  for (; left > 16; s += 16, left -= 16)
    h = wippyS_mix(wippyS_word(s) ^ secret, wippyS_word(s + 8) ^ h);
  if (left >= 8) {
    a = wippyS_word(s);
    b = wippyS_word(s + left - 8);
  }
  else if (left > 0) {
    size_t i;
    for (i = 0; i < left; i++)
      a = (a << 8) | (unsigned char)s[i];
  }
  h = wippyS_mix(a ^ secret, b ^ h);
  h = wippyS_mix(h ^ secret, 0xbf58476d1ce4e5b9u);
  return (unsigned int)(h ^ (h >> 32));
}

/* wbase.c: what 'ipairs' and 'pairs' give, and one step of them without a call */
extern int wippyB_ipairsaux (lua_State *L);
extern int wippyB_next (lua_State *L);
LUAI_FUNC int wippyV_iterate (lua_State *L, StkId ra, int nresults);

#include "wshare.h"

#endif
