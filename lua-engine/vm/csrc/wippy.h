/*
** wippy.h: C API beyond lua.h. src/sys.rs declares the same functions for Rust
** and documents them; keep the two in step. Below the line: helpers of our C
** files, not declared in Rust.
*/
#ifndef wippy_h
#define wippy_h
#include <stddef.h>
#include "lua.h"

LUA_API void wippy_setseed (lua_Unsigned seed);

LUA_API void wippy_freeze (lua_State *L, int idx);
LUA_API void wippy_thaw (lua_State *L, int idx);
LUA_API int wippy_isfrozen (lua_State *L, int idx);
LUA_API int wippy_hashash (lua_State *L, int idx);
LUA_API void wippy_markhash (lua_State *L, int idx);
LUA_API void wippy_setmetatable (lua_State *L, int idx);

/* a key or value seen where it lies, not copied to the stack */
#define WIPPY_TINTEGER	16
typedef struct wippy_Part {
  int type;  /* LUA_T...; a number that is an integer: WIPPY_TINTEGER */
  size_t size;  /* of a string; of a boolean: 0 or 1 */
  union {
    const char *text;
    lua_Integer i;
    lua_Number n;
  } as;
} wippy_Part;
LUA_API void wippy_show (lua_State *L, int idx, wippy_Part *part);
LUA_API const char *wippy_text (lua_State *L, int idx, size_t *len);
LUA_API void *wippy_object (lua_State *L, int idx);
LUA_API unsigned int wippy_hash (lua_State *L, const char *s, size_t len);
LUA_API void wippy_look (lua_State *L, int idx, const char *s, size_t len, unsigned int hash,
                         wippy_Part *part);
LUA_API void wippy_lookat (lua_State *L, int idx, lua_Integer i, wippy_Part *part);
LUA_API int wippy_visit (lua_State *L, int idx, size_t *place, wippy_Part *pair);
LUA_API void wippy_pushvisited (lua_State *L, int idx, size_t place);
LUA_API void wippy_settext (lua_State *L, int idx, const char *s, size_t len);
LUA_API void wippy_newrecord (lua_State *L, const void *shape, int n);
LUA_API size_t wippy_packitems (lua_State *L, int idx, size_t *place, char *out, size_t room);
LUA_API size_t wippy_packpairs (lua_State *L, int idx, size_t *place, unsigned int *count,
                                char *out, size_t room);
LUA_API size_t wippy_unpackitems (lua_State *L, const char *s, size_t len, unsigned int from,
                                  unsigned int *count);
LUA_API size_t wippy_unpackpairs (lua_State *L, const char *s, size_t len, unsigned int *count);

LUA_API int wippy_issteady (lua_State *L, int idx);

typedef int (*wippy_PreemptFn) (lua_State *L, int yieldable);
LUA_API void wippy_setfuel (lua_State *L, int fuel);
LUA_API int wippy_getfuel (lua_State *L);
LUA_API void wippy_setpreempt (lua_State *L, wippy_PreemptFn f);
LUA_API void wippy_charge (lua_State *L, size_t work);
LUA_API void wippy_chargecall (lua_State *L);
LUA_API int wippy_ispreempted (lua_State *L);

LUA_API size_t wippy_memoryerrors (lua_State *L);
LUA_API void wippy_countmemoryerror (lua_State *L);

LUA_API void wippy_trimstack (lua_State *L);
LUA_API int wippy_restorestack (lua_State *L);

LUA_API void wippy_mainyieldable (lua_State *L);
LUA_API lua_Unsigned wippy_random (lua_State *L);
LUA_API void wippy_setrandom (lua_State *L, lua_Unsigned state);

/* shared objects (wshare.c); those marked (locked) ask for 'wippy_locked' */
typedef struct wippy_Shared {
  size_t bytes;  /* of all of it */
  size_t strings;  /* short strings, common or held */
  size_t chunks;
  size_t globals;
  size_t sets;
  size_t tables;
  size_t objects;
  size_t epoch;
} wippy_Shared;

LUA_API void *wippy_sharechunk (lua_State *L, int idx);  /* (locked) */
LUA_API void *wippy_shareglobals (lua_State *L, int idx);  /* (locked) */
LUA_API void wippy_unshare (void *holder);  /* (locked) */
LUA_API void *wippy_newset (void *const *holders, size_t n);  /* (locked) */
LUA_API void wippy_freeset (void *set);  /* (locked) */
LUA_API void *wippy_sharetable (lua_State *L, int idx);  /* (locked) */
LUA_API void *wippy_shareobject (size_t size, void *metatable);  /* (locked) */
LUA_API void *wippy_objectblock (void *object);
LUA_API void wippy_countshared (wippy_Shared *to);  /* (locked) */

LUA_API size_t wippy_epoch (lua_State *L);
LUA_API void wippy_see (lua_State *L, const void *set);
LUA_API void wippy_pushchunk (lua_State *L, void *chunk);
LUA_API void wippy_pushtable (lua_State *L, void *table);
LUA_API void wippy_pushobject (lua_State *L, void *object);
LUA_API void wippy_setstringmetatable (lua_State *L, void *table);
LUA_API void wippy_setglobals (lua_State *L, void *globals);

LUA_API void wippy_traceback (lua_State *L, lua_State *L1, int level);

/* one name of a standard library */
typedef struct wippy_Entry {
  const char *name;
  lua_CFunction f;  /* function, or NULL */
  const char *s;  /* string constant, or NULL */
  lua_Number n;  /* number constant */
  lua_Integer i;
  int isinteger;  /* number constant is 'i' */
} wippy_Entry;

LUA_API const wippy_Entry *wippy_library (const char *lib, size_t len,
                                          size_t *count);

/* ------------------------------------------------------------------------ */

struct lua_Debug;
LUAI_FUNC const char *wippy_functionname (lua_State *L, struct lua_Debug *ar);
LUAI_FUNC const char *wippy_errortext (lua_State *L, int arg, size_t *len);
LUAI_FUNC int wippy_truncate (lua_State *L, int arg, lua_Integer *n);
LUAI_FUNC void wippy_pushcompact (lua_State *L, lua_Integer n);

extern const wippy_Entry wippy_baselib[], wippy_strlib[], wippy_tablib[],
                         wippy_mathlib[];

/* src/share.rs: runs 'f', which does not raise, under the lock of shared objects */
extern void wippy_locked (void (*f) (void));
/* src/vm.rs: told of an error outside of any protected call, before the abort */
extern int wippy_panic (lua_State *L);
/* src/text.rs */
extern size_t wippy_casemap (const char *s, size_t len, int upper, char *out);
extern size_t wippy_quote (const char *s, size_t len, char *out);
/* src/number.rs */
extern size_t wippy_fmtshortest (lua_Number n, char *buff);

#endif
