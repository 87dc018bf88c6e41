/*
** wippy.h: C API beyond lua.h. src/sys.rs declares the same functions for Rust
** and documents them; keep the two in step.
*/
#ifndef wippy_h
#define wippy_h
#include "lua.h"

LUA_API void wippy_setseed (unsigned int seed);

LUA_API void wippy_freeze (lua_State *L, int idx);
LUA_API void wippy_thaw (lua_State *L, int idx);
LUA_API int wippy_isfrozen (lua_State *L, int idx);
LUA_API int wippy_hashash (lua_State *L, int idx);
LUA_API void wippy_markhash (lua_State *L, int idx);

typedef int (*wippy_PreemptFn) (lua_State *L, int yieldable);
LUA_API void wippy_setfuel (lua_State *L, int fuel);
LUA_API int wippy_getfuel (lua_State *L);
LUA_API void wippy_setpreempt (lua_State *L, wippy_PreemptFn f);
LUA_API int wippy_ispreempted (lua_State *L);

LUA_API void wippy_mainyieldable (lua_State *L);

#endif
