/*
** wmath.c: the math library of the dialect. Results have the float subtype;
** integers a float cannot hold stay integers.
*/
#define wmath_c
#define LUA_LIB

#include "lprefix.h"

#include <limits.h>
#include <float.h>
#include <math.h>
#include <stddef.h>

#include "lua.h"
#include "lauxlib.h"
#include "wippy.h"

#define PI	(3.141592653589793238462643383279502884)

#define FUNCTION1(name, expression) \
  static int m_##name (lua_State *L) { \
    lua_Number x = luaL_checknumber(L, 1); \
    lua_pushnumber(L, expression); \
    return 1; \
  }

FUNCTION1(acos, acos(x))
FUNCTION1(asin, asin(x))
FUNCTION1(cos, cos(x))
FUNCTION1(cosh, cosh(x))
FUNCTION1(deg, x * (180.0 / PI))
FUNCTION1(exp, exp(x))
FUNCTION1(log10, log10(x))
FUNCTION1(rad, x * (PI / 180.0))
FUNCTION1(sin, sin(x))
FUNCTION1(sinh, sinh(x))
FUNCTION1(sqrt, sqrt(x))
FUNCTION1(tan, tan(x))
FUNCTION1(tanh, tanh(x))

/* functions of a number that keep integers exact */
#define ROUNDING(name, ifinteger, expression) \
  static int m_##name (lua_State *L) { \
    lua_Number x; \
    if (lua_isinteger(L, 1)) { \
      lua_Integer n = lua_tointeger(L, 1); \
      wippy_pushcompact(L, ifinteger); \
      return 1; \
    } \
    x = luaL_checknumber(L, 1); \
    lua_pushnumber(L, expression); \
    return 1; \
  }

ROUNDING(abs, (n < 0) ? (lua_Integer)(0u - (lua_Unsigned)n) : n, fabs(x))
ROUNDING(ceil, n, ceil(x))
ROUNDING(floor, n, floor(x))


static int m_atan (lua_State *L) {  /* the second argument is a superset */
  lua_pushnumber(L, atan2(luaL_checknumber(L, 1), luaL_optnumber(L, 2, 1)));
  return 1;
}

static int m_atan2 (lua_State *L) {
  lua_pushnumber(L, atan2(luaL_checknumber(L, 1), luaL_checknumber(L, 2)));
  return 1;
}

static int m_fmod (lua_State *L) {
  lua_pushnumber(L, fmod(luaL_checknumber(L, 1), luaL_checknumber(L, 2)));
  return 1;
}

/* as '%': sign of the divisor, NaN for 0 */
static int m_mod (lua_State *L) {
  luaL_checknumber(L, 1);
  luaL_checknumber(L, 2);
  lua_settop(L, 2);
  lua_arith(L, LUA_OPMOD);
  return 1;
}

static int m_pow (lua_State *L) {
  lua_pushnumber(L, pow(luaL_checknumber(L, 1), luaL_checknumber(L, 2)));
  return 1;
}

static int m_frexp (lua_State *L) {
  int e;
  lua_pushnumber(L, frexp(luaL_checknumber(L, 1), &e));
  lua_pushnumber(L, e);
  return 2;
}

static int m_ldexp (lua_State *L) {
  lua_Integer e = luaL_checkinteger(L, 2);
  if (e > INT_MAX) e = INT_MAX;
  if (e < INT_MIN) e = INT_MIN;
  lua_pushnumber(L, ldexp(luaL_checknumber(L, 1), (int)e));
  return 1;
}

static int m_log (lua_State *L) {  /* the base is a superset */
  lua_Number x = luaL_checknumber(L, 1);
  lua_Number base;
  if (lua_isnoneornil(L, 2))
    x = log(x);
  else {
    base = luaL_checknumber(L, 2);
    x = (base == 2) ? log2(x) : (base == 10) ? log10(x) : log(x) / log(base);
  }
  lua_pushnumber(L, x);
  return 1;
}

static int m_modf (lua_State *L) {
  lua_Number x = luaL_checknumber(L, 1);
  lua_Number whole = trunc(x);
  lua_pushnumber(L, whole);
  lua_pushnumber(L, (x == whole) ? 0 : x - whole);
  return 2;
}

/* the largest (sign 1) or smallest (sign -1) argument */
static int extreme (lua_State *L, int largest) {
  int n = lua_gettop(L), best = 1, i;
  if (n < 1) return luaL_error(L, "wrong number of arguments");
  for (i = 1; i <= n; i++) {
    if (lua_type(L, i) != LUA_TNUMBER) {
      lua_pushnumber(L, luaL_checknumber(L, i));
      lua_replace(L, i);
    }
    if (lua_compare(L, largest ? best : i, largest ? i : best, LUA_OPLT))
      best = i;
  }
  lua_pushvalue(L, best);
  if (lua_isinteger(L, -1))
    wippy_pushcompact(L, lua_tointeger(L, -1));
  else
    lua_pushnumber(L, lua_tonumber(L, -1));
  return 1;
}

static int m_max (lua_State *L) { return extreme(L, 1); }
static int m_min (lua_State *L) { return extreme(L, 0); }


/* [0, n] without bias: Lemire's multiplication method needs 128 bits, a mask does not */
static lua_Unsigned project (lua_State *L, lua_Unsigned n) {
  lua_Unsigned mask = n, r;
  if ((n & (n + 1)) == 0)  /* one less than a power of two? */
    return wippy_random(L) & n;
  mask |= mask >> 1; mask |= mask >> 2; mask |= mask >> 4;
  mask |= mask >> 8; mask |= mask >> 16; mask |= mask >> 32;
  while ((r = wippy_random(L) & mask) > n) {}
  return r;
}

static int m_random (lua_State *L) {
  lua_Integer low = 1, up;
  int n = lua_gettop(L);
  switch (n) {
    case 0: {
      lua_pushnumber(L, (lua_Number)(wippy_random(L) >> 11) * (0.5 / ((lua_Unsigned)1 << 52)));
      return 1;
    }
    case 1: {
      up = luaL_checkinteger(L, 1);
      break;
    }
    default: {
      low = luaL_checkinteger(L, 1);
      up = luaL_checkinteger(L, 2);
      break;
    }
  }
  luaL_argcheck(L, low <= up, (n == 1) ? 1 : 2, "interval is empty");
  wippy_pushcompact(L, (lua_Integer)(project(L, (lua_Unsigned)up - (lua_Unsigned)low) +
                                     (lua_Unsigned)low));
  return 1;
}

static int m_randomseed (lua_State *L) {  /* accepted, does nothing */
  (void)L;
  return 0;
}

static int m_tointeger (lua_State *L) {
  int isint;
  lua_Integer n;
  luaL_checkany(L, 1);
  n = lua_tointegerx(L, 1, &isint);
  if (isint) lua_pushinteger(L, n);
  else lua_pushnil(L);
  return 1;
}

static int m_type (lua_State *L) {
  luaL_checkany(L, 1);
  if (lua_type(L, 1) == LUA_TNUMBER)
    lua_pushstring(L, lua_isinteger(L, 1) ? "integer" : "float");
  else
    lua_pushnil(L);
  return 1;
}

static int m_ult (lua_State *L) {
  lua_Integer a = luaL_checkinteger(L, 1);
  lua_Integer b = luaL_checkinteger(L, 2);
  lua_pushboolean(L, (lua_Unsigned)a < (lua_Unsigned)b);
  return 1;
}


const wippy_Entry wippy_mathlib[] = {
  {"abs", m_abs},
  {"acos", m_acos},
  {"asin", m_asin},
  {"atan", m_atan},
  {"atan2", m_atan2},
  {"ceil", m_ceil},
  {"cos", m_cos},
  {"cosh", m_cosh},
  {"deg", m_deg},
  {"exp", m_exp},
  {"floor", m_floor},
  {"fmod", m_fmod},
  {"frexp", m_frexp},
  {"ldexp", m_ldexp},
  {"log", m_log},
  {"log10", m_log10},
  {"max", m_max},
  {"min", m_min},
  {"mod", m_mod},
  {"modf", m_modf},
  {"pow", m_pow},
  {"rad", m_rad},
  {"random", m_random},
  {"randomseed", m_randomseed},
  {"sin", m_sin},
  {"sinh", m_sinh},
  {"sqrt", m_sqrt},
  {"tan", m_tan},
  {"tanh", m_tanh},
  {"tointeger", m_tointeger},
  {"type", m_type},
  {"ult", m_ult},
  {"pi", NULL, NULL, PI},
  {"huge", NULL, NULL, DBL_MAX},  /* the largest finite number, not infinity */
  {"maxinteger", NULL, NULL, 0, LUA_MAXINTEGER, 1},
  {"mininteger", NULL, NULL, 0, LUA_MININTEGER, 1},
  {NULL}
};
