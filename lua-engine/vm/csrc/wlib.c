/*
** wlib.c: what the standard libraries and lauxlib.c share: the table of
** libraries, argument conversions, names of functions.
*/
#define wlib_c
#define LUA_LIB

#include "lprefix.h"

#include <math.h>
#include <string.h>

#include "lua.h"
#include "lauxlib.h"
#include "wippy.h"

static const struct { const char *name; const wippy_Entry *entries; } libraries[] = {
  {"_G", wippy_baselib},
  {"string", wippy_strlib},
  {"table", wippy_tablib},
  {"math", wippy_mathlib},
};

#define NLIBRARIES	(sizeof(libraries) / sizeof(libraries[0]))

LUA_API const wippy_Entry *wippy_library (const char *lib, size_t len, size_t *count) {
  size_t i, n;
  for (i = 0; i < NLIBRARIES; i++) {
    const wippy_Entry *e = libraries[i].entries;
    if (strlen(libraries[i].name) != len || memcmp(libraries[i].name, lib, len) != 0)
      continue;
    for (n = 0; e[n].name != NULL; n++) {}
    *count = n;
    return e;
  }
  *count = 0;
  return NULL;
}


/*
** Name for an error message of a function whose call does not tell it (called
** by pcall, by a tail call). Only the standard libraries are known here.
*/
const char *wippy_functionname (lua_State *L, lua_Debug *ar) {
  lua_CFunction f;
  size_t i;
  const wippy_Entry *e;
  if (!lua_getinfo(L, "f", ar)) return "?";
  f = lua_tocfunction(L, -1);
  lua_pop(L, 1);
  if (f != NULL) {
    for (i = 0; i < NLIBRARIES; i++)
      for (e = libraries[i].entries; e->name != NULL; e++)
        if (e->f == f) return e->name;
  }
  return "?";
}


/*
** Text of an Error object used as a string argument, or NULL. It replaces the
** argument, as the text of a number does.
*/
const char *wippy_errortext (lua_State *L, int arg, size_t *len) {
  int iserror;
  if (lua_type(L, arg) != LUA_TUSERDATA || !lua_checkstack(L, 4) ||
      !lua_getmetatable(L, arg))
    return NULL;
  lua_pushliteral(L, "__error");
  lua_rawget(L, -2);
  iserror = lua_toboolean(L, -1);
  lua_pop(L, 2);
  if (!iserror) return NULL;
  arg = lua_absindex(L, arg);
  luaL_tolstring(L, arg, NULL);
  lua_replace(L, arg);
  return lua_tolstring(L, arg, len);
}


/* A number argument as an integer: fractions truncated, huge values clamped. */
int wippy_truncate (lua_State *L, int arg, lua_Integer *n) {
  int isnum;
  lua_Number x = lua_tonumberx(L, arg, &isnum);
  if (!isnum || x != x) return 0;
  x = trunc(x);
  if (!lua_numbertointeger(x, n))
    *n = (x < 0) ? LUA_MININTEGER : LUA_MAXINTEGER;
  return 1;
}


/*
** Integral results of math and tonumber have the float subtype in the dialect;
** those a float cannot hold stay integers.
*/
void wippy_pushcompact (lua_State *L, lua_Integer n) {
  if (n >= -((lua_Integer)1 << 53) && n <= ((lua_Integer)1 << 53))
    lua_pushnumber(L, (lua_Number)n);
  else
    lua_pushinteger(L, n);
}


/*
** {======================================================
** Stack traces (chapter 60, R87)
** =======================================================
*/

#define TRACEHEAD	7
#define TRACETAIL	7
#define TRACEALL	20  /* traces up to this size are shown whole */

static void addframe (lua_State *L, luaL_Buffer *b, lua_Debug *ar) {
  const char *src = (*ar->source == '=') ? ar->source + 1 : ar->short_src;
  if (*ar->what == 'C')
    lua_pushfstring(L, "\n\t[G]: in function '%s'", ar->name ? ar->name : "?");
  else if (*ar->what == 'm')
    lua_pushfstring(L, "\n\t%s:%d: in main chunk", src, ar->currentline);
  else if (ar->name != NULL)
    lua_pushfstring(L, "\n\t%s:%d: in function '%s'", src, ar->currentline, ar->name);
  else
    lua_pushfstring(L, "\n\t%s:%d: in function <%s:%d>", src, ar->currentline, src,
                    ar->linedefined);
  luaL_addvalue(b);
  if (ar->istailcall) luaL_addstring(b, "\n\t(tailcall): ?");
}

LUA_API void wippy_traceback (lua_State *L, lua_State *L1, int level) {
  luaL_Buffer b;
  lua_Debug ar;
  int count = 0, i;
  while (lua_getstack(L1, level + count, &ar)) count++;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, "stack traceback:");
  for (i = 0; i < count; i++) {
    if (count > TRACEALL && i == TRACEHEAD) {
      luaL_addstring(&b, "\n\t...");
      i = count - TRACETAIL;
    }
    if (lua_getstack(L1, level + i, &ar) && lua_getinfo(L1, "Slnt", &ar))
      addframe(L, &b, &ar);
  }
  luaL_addstring(&b, "\n\t[G]: ?");
  luaL_pushresult(&b);
}

/* }====================================================== */
