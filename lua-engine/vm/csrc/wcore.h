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
/* the fuel ran out before instruction '*pc' of the running Lua function */
LUAI_FUNC void wippyG_outoffuel (lua_State *L, const Instruction *pc);
/* hash seed of the process */
LUAI_FUNC unsigned int wippyS_seed (void);

#endif
