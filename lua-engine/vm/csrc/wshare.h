/*
** wshare.h: what the core asks of the shared objects (see wshare.c). Included
** at the end of wcore.h.
*/
#ifndef wshare_h
#define wshare_h

/* age of shared objects; the ages of the collector go to G_TOUCHED2 (6) */
#define G_SHARED	7
#define isshared(o)	(((o)->marked & AGEBITS) == G_SHARED)

/* sets the fields of a new state that concern shared objects */
LUAI_FUNC void wippyS_open (global_State *g);

/* the shared short string with this text that the state sees, or NULL */
LUAI_FUNC TString *wippyS_find (const global_State *g, const char *s,
                                size_t len, unsigned int hash);

/* is 't' the table of globals, with a base behind it? */
#define hasbase(L,t)	((t) == G(L)->based)
/* what the table of globals has under 'key', which is not in its own part */
LUAI_FUNC const TValue *wippyG_base (lua_State *L, const TValue *key);
/* the table of globals gets its own copy of the base */
LUAI_FUNC void wippyG_complete (lua_State *L);

/* edits of ltm.c and llex.c make these visible */
LUAI_FUNC const char *wippyT_name (int event);
LUAI_DDEC(const char *const luaX_tokens[];)

#endif
