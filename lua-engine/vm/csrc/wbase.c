/*
** wbase.c: base functions of the dialect. The stock ones come from lbaselib.c,
** which this file includes to reach its static functions.
*/
#include "lbaselib.c"
#include "wippy.h"


static int b_assert (lua_State *L) {
  if (l_likely(lua_toboolean(L, 1)))
    return lua_gettop(L);  /* all arguments */
  luaL_checkany(L, 1);
  return luaL_error(L, "%s", luaL_optstring(L, 2, "assertion failed!"));
}


static int b_error (lua_State *L) {
  luaL_checkany(L, 1);
  return luaB_error(L);
}


static int b_xpcall (lua_State *L) {
  lua_settop(L, 2);  /* no arguments for the function */
  return luaB_xpcall(L);
}


/* raw: '__index' and '__ipairs' are not used */
int wippyB_ipairsaux (lua_State *L) {
  lua_Integer i = luaL_intop(+, luaL_checkinteger(L, 2), 1);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_pushinteger(L, i);
  return (lua_rawgeti(L, 1, i) == LUA_TNIL) ? 1 : 2;
}

static int b_ipairs (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_pushcfunction(L, wippyB_ipairsaux);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}

int wippyB_next (lua_State *L) { return luaB_next(L); }

static int b_pairs (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_pushcfunction(L, wippyB_next);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}


static int b_rawset (lua_State *L) {
  luaB_rawset(L);
  return 0;
}


static int b_setmetatable (lua_State *L) {
  int t = lua_type(L, 2);
  if (lua_isnoneornil(L, 1))
    return luaL_error(L, "cannot set metatable to a nil object.");
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argexpected(L, t == LUA_TNIL || t == LUA_TTABLE, 2, "table");
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
    return luaL_error(L, "cannot change a protected metatable");
  lua_settop(L, 2);
  wippy_setmetatable(L, 1);
  return 1;
}


/* integral results get the float subtype */
static int b_tonumber (lua_State *L) {
  if (lua_isnoneornil(L, 2)) {
    size_t len;
    const char *s;
    luaL_checkany(L, 1);
    if (lua_type(L, 1) == LUA_TNUMBER)
      lua_settop(L, 1);
    else if (lua_type(L, 1) != LUA_TSTRING ||
             (s = lua_tolstring(L, 1, &len), wippy_charge(L, len >> 2),
              lua_stringtonumber(L, s) != len + 1)) {
      lua_pushnil(L);
      return 1;
    }
  }
  else {
    lua_Integer base = luaL_checkinteger(L, 2);
    luaL_argcheck(L, 2 <= base && base <= 36, 2, "base out of range");
    if (lua_type(L, 1) == LUA_TNUMBER)
      lua_tostring(L, 1);
    else if (lua_type(L, 1) != LUA_TSTRING) {
      lua_pushnil(L);
      return 1;
    }
    wippy_charge(L, lua_rawlen(L, 1) >> 2);
    luaB_tonumber(L);
  }
  if (lua_isinteger(L, -1))
    wippy_pushcompact(L, lua_tointeger(L, -1));
  return 1;
}


/* an object may say what it is; '__metatable' keeps programs from saying so */
static int b_type (lua_State *L) {
  if (l_unlikely(lua_type(L, 1) == LUA_TUSERDATA) &&
      luaL_getmetafield(L, 1, "__type") == LUA_TSTRING)
    return 1;
  return luaB_type(L);
}


/* also table.unpack */
static int b_unpack (lua_State *L) {
  lua_Unsigned n;
  lua_Integer i = luaL_optinteger(L, 2, 1), e;
  luaL_checktype(L, 1, LUA_TTABLE);
  e = lua_isnoneornil(L, 3) ? (lua_Integer)lua_rawlen(L, 1) : luaL_checkinteger(L, 3);
  if (i > e) return 0;
  n = (lua_Unsigned)e - (lua_Unsigned)i;
  if (l_unlikely(n >= (unsigned int)INT_MAX || !lua_checkstack(L, (int)(++n))))
    return luaL_error(L, "too many results to unpack");
  for (; i < e; i++)
    lua_rawgeti(L, 1, i);
  lua_rawgeti(L, 1, e);
  return (int)n;
}

lua_CFunction wippy_unpack = b_unpack;


const wippy_Entry wippy_baselib[] = {
  {"assert", b_assert},
  {"error", b_error},
  {"getmetatable", luaB_getmetatable},
  {"ipairs", b_ipairs},
  {"next", wippyB_next},
  {"pairs", b_pairs},
  {"pcall", luaB_pcall},
  {"rawequal", luaB_rawequal},
  {"rawget", luaB_rawget},
  {"rawset", b_rawset},
  {"select", luaB_select},
  {"setmetatable", b_setmetatable},
  {"tonumber", b_tonumber},
  {"tostring", luaB_tostring},
  {"type", b_type},
  {"unpack", b_unpack},
  {"xpcall", b_xpcall},
  {"_VERSION", NULL, "Lua 5.3 - Wippy Modification"},
  {"_GOPHER_LUA_VERSION", NULL, "GopherLua 0.2 Wippy Edition"},
  {NULL}
};
