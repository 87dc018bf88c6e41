/*
** wcore.h: what wippy's edits add to the core (see edits/). Included at the
** end of lstate.h, so it sees every internal type.
*/
#ifndef wcore_h
#define wcore_h

/* 'marked' bit 7: the table must not change (bits 0-6 belong to the collector) */
#define FROZENBIT	7
#define isfrozen(o)	((o)->marked & (1 << FROZENBIT))

/* table 'flags' bit 6: the table has, or once had, a hash part */
#define BITHASH		(1 << 6)

/* raises the error of a write to a frozen table */
LUAI_FUNC l_noret wippyG_frozen (lua_State *L);
/* raises the error of indexing 't', which is no table, with 'key' */
LUAI_FUNC l_noret wippyG_indexerror (lua_State *L, const TValue *t,
                                     const TValue *key);
/* the fuel ran out before instruction '*pc' of the running Lua function */
LUAI_FUNC void wippyG_outoffuel (lua_State *L, const Instruction *pc);

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

#include "wshare.h"

#endif
