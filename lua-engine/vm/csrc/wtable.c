/*
** wtable.c: the table library of the dialect. All but sort works raw, without
** metamethods. The sort algorithm comes from ltablib.c (see edits/dialect.rs).
*/
#include "ltablib.c"
#include <string.h>
#include "wippy.h"

/* preallocation a program may ask for: 16 MB of array, 40 MB of nodes */
#define MAXCREATE	(1 << 20)

static void checkwritable (lua_State *L, const char *message) {
  luaL_checktype(L, 1, LUA_TTABLE);
  if (wippy_isfrozen(L, 1)) luaL_error(L, "%s", message);
}


static int t_insert (lua_State *L) {
  lua_Integer n, pos;
  checkwritable(L, "attempt to insert into Immutable table");
  n = (lua_Integer)lua_rawlen(L, 1);
  switch (lua_gettop(L)) {
    case 2: {
      lua_rawseti(L, 1, n + 1);
      return 0;
    }
    case 3: {
      lua_Integer i;
      pos = luaL_checkinteger(L, 2);
      if (pos >= 1 && pos <= n) {  /* other positions are plain stores */
        wippy_charge(L, (size_t)(n - pos));
        for (i = n + 1; i > pos; i--) {
          lua_rawgeti(L, 1, i - 1);
          lua_rawseti(L, 1, i);
        }
      }
      lua_rawseti(L, 1, pos);
      return 0;
    }
    default:
      return luaL_error(L, "wrong number of arguments");
  }
}


/* a position below 1 means the last element, one beyond the end nothing */
static int t_remove (lua_State *L) {
  lua_Integer n, pos;
  checkwritable(L, "attempt to remove from Immutable table");
  n = (lua_Integer)lua_rawlen(L, 1);
  pos = lua_isnoneornil(L, 2) ? n : luaL_checkinteger(L, 2);
  if (n == 0 || pos > n) {
    lua_pushnil(L);
    return 1;
  }
  if (pos < 1) pos = n;
  lua_rawgeti(L, 1, pos);
  wippy_charge(L, (size_t)(n - pos));
  for (; pos < n; pos++) {
    lua_rawgeti(L, 1, pos + 1);
    lua_rawseti(L, 1, pos);
  }
  lua_pushnil(L);
  lua_rawseti(L, 1, n);
  return 1;
}


static int t_concat (lua_State *L) {
  luaL_Buffer b;
  size_t lsep;
  const char *sep = luaL_optlstring(L, 2, "", &lsep);
  lua_Integer i = luaL_optinteger(L, 3, 1), last;
  luaL_checktype(L, 1, LUA_TTABLE);
  last = lua_isnoneornil(L, 4) ? (lua_Integer)lua_rawlen(L, 1) : luaL_checkinteger(L, 4);
  luaL_buffinit(L, &b);
  for (; i <= last; i++) {
    size_t len;
    const char *s;
    wippy_charge(L, 1);
    if (lua_rawgeti(L, 1, i) == LUA_TSTRING || lua_isnumber(L, -1)) {
      luaL_addvalue(&b);
    }
    else if ((s = wippy_errortext(L, -1, &len)) != NULL) {
      luaL_addvalue(&b);
    }
    else {
      return luaL_error(L, "invalid value (%s) at index %I in table for concat",
                           luaL_typename(L, -1), (LUAI_UACINT)i);
    }
    if (i == last) break;  /* 'last' may be the largest integer */
    luaL_addlstring(&b, sep, lsep);
  }
  luaL_pushresult(&b);
  return 1;
}


/* the element at 'root' of the heap of 'n' elements from 'lo' finds its place */
static void siftdown (lua_State *L, IdxT lo, IdxT root, IdxT n) {
  IdxT child;
  while ((child = 2 * root + 1) < n) {
    lua_geti(L, 1, lo + child);
    if (child + 1 < n) {  /* the larger of two children */
      lua_geti(L, 1, lo + child + 1);
      if (sort_comp(L, -2, -1)) {
        child++;
        lua_remove(L, -2);
      }
      else lua_pop(L, 1);
    }
    lua_geti(L, 1, lo + root);
    if (!sort_comp(L, -1, -2)) {
      lua_pop(L, 2);
      return;
    }
    set2(L, lo + child, lo + root);
    root = child;
  }
}

/* sorts a[lo .. up] in n log n steps whatever its order and the order function */
static void wippy_heapsort (lua_State *L, IdxT lo, IdxT up) {
  IdxT n = up - lo + 1, i;
  for (i = n / 2; i-- > 0; )
    siftdown(L, lo, i, n);
  for (i = n - 1; i > 0; i--) {
    lua_geti(L, 1, lo);
    lua_geti(L, 1, lo + i);
    set2(L, lo, lo + i);
    siftdown(L, lo, 0, i);
  }
}


static int t_sort (lua_State *L) {
  lua_Integer n;
  checkwritable(L, "attempt to sort Immutable table");
  n = (lua_Integer)lua_rawlen(L, 1);
  luaL_argcheck(L, n < INT_MAX, 1, "array too big");
  if (!lua_isnoneornil(L, 2))
    luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  if (n > 1) auxsort(L, 1, (IdxT)n, 0);
  return 0;
}


static int t_getn (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_pushinteger(L, (lua_Integer)lua_rawlen(L, 1));
  return 1;
}


static int t_maxn (lua_State *L) {
  lua_Number max = 0;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    wippy_charge(L, 1);
    lua_pop(L, 1);
    if (lua_type(L, -1) == LUA_TNUMBER && lua_tonumber(L, -1) > max)
      max = lua_tonumber(L, -1);
  }
  lua_pushnumber(L, max);
  return 1;
}


static int t_create (lua_State *L) {
  lua_Integer narr = luaL_optinteger(L, 1, 0);
  lua_Integer nrec = luaL_optinteger(L, 2, 0);
  luaL_argcheck(L, narr >= 0 && narr <= INT_MAX, 1, "out of range");
  luaL_argcheck(L, nrec >= 0 && nrec <= INT_MAX, 2, "out of range");
  lua_createtable(L, (int)(narr < MAXCREATE ? narr : MAXCREATE),
                     (int)(nrec < MAXCREATE ? nrec : MAXCREATE));
  return 1;
}


static int t_freeze (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  wippy_freeze(L, 1);
  lua_settop(L, 1);
  return 1;
}


static int t_isfrozen (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_pushboolean(L, wippy_isfrozen(L, 1));
  return 1;
}


/* as in wbase.c */
static int t_unpack (lua_State *L) {
  extern lua_CFunction wippy_unpack;
  return wippy_unpack(L);
}


const wippy_Entry wippy_tablib[] = {
  {"concat", t_concat},
  {"create", t_create},
  {"freeze", t_freeze},
  {"getn", t_getn},
  {"insert", t_insert},
  {"isfrozen", t_isfrozen},
  {"maxn", t_maxn},
  {"remove", t_remove},
  {"sort", t_sort},
  {"unpack", t_unpack},
  {NULL}
};
