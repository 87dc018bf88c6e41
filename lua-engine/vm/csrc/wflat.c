/*
** wflat.c: the inner loops of messages that carry tables: pairs and items
** between a table and the flat form of values (docs/FLAT.md). What has no parts
** is written from where it lies and read to where it belongs. Everything else
** ends the row: the caller does that one itself and comes back.
*/
#define wflat_c
#define LUA_CORE

#include "lprefix.h"

#include <string.h>

#include "lua.h"

#include "lgc.h"
#include "lobject.h"
#include "lstate.h"
#include "lstring.h"
#include "ltable.h"
#include "wippy.h"

/* Tags of docs/FLAT.md. */
enum { F_NIL, F_FALSE, F_TRUE, F_INT8, F_INT64, F_FLOAT, F_STR8, F_STR32, F_BYTES };

typedef unsigned char byte;

static byte *putint (byte *out, lua_Unsigned n, int size) {
  for (; size > 0; size--, n >>= 8)
    *out++ = (byte)n;
  return out;
}

static lua_Unsigned getint (const byte *s, int size) {
  lua_Unsigned n = 0;
  while (size-- > 0)
    n = (n << 8) | s[size];
  return n;
}


/* Writes a value; NULL: it has parts, or does not fit. */
static byte *putvalue (const TValue *o, byte *out, const byte *end) {
  size_t room = (size_t)(end - out);
  if (room < 9) return NULL;  /* the longest but for texts */
  switch (ttypetag(o)) {
    case LUA_VSHRSTR: {
      const TString *ts = tsvalue(o);
      size_t len = ts->shrlen;
      if (room < len + 2) return NULL;
      *out++ = F_STR8;
      *out++ = (byte)len;
      memcpy(out, getshrstr(ts), len);
      return out + len;
    }
    case LUA_VLNGSTR: {
      const TString *ts = tsvalue(o);
      size_t len = ts->u.lnglen;
      if (len > room - 5) return NULL;
      if (len <= 0xff) {
        *out++ = F_STR8;
        *out++ = (byte)len;
      }
      else {
        *out++ = F_STR32;
        out = putint(out, len, 4);
      }
      memcpy(out, getlngstr(ts), len);
      return out + len;
    }
    case LUA_VNUMINT: {
      lua_Integer i = ivalue(o);
      if (-128 <= i && i <= 127) {
        *out++ = F_INT8;
        *out++ = (byte)i;
        return out;
      }
      *out++ = F_INT64;
      return putint(out, l_castS2U(i), 8);
    }
    case LUA_VNUMFLT: {
      lua_Number n = fltvalue(o);
      lua_Unsigned bits;
      memcpy(&bits, &n, sizeof(bits));
      *out++ = F_FLOAT;
      return putint(out, bits, 8);
    }
    case LUA_VFALSE: *out++ = F_FALSE; return out;
    case LUA_VTRUE: *out++ = F_TRUE; return out;
    default: return NULL;
  }
}

static const Table *tableat (lua_State *L, int idx) {
  return hvalue(s2v(L->ci->func.p + idx));
}

LUA_API size_t wippy_packitems (lua_State *L, int idx, size_t *place, char *out, size_t room) {
  const Table *t = tableat(L, idx);
  size_t i = *place, n = luaH_realasize(t);
  byte *at = (byte *)out;
  const byte *end = at + room;
  for (; i < n && !isempty(&t->array[i]); i++) {
    byte *next = putvalue(&t->array[i], at, end);
    if (next == NULL) break;
    at = next;
  }
  *place = i;
  return (size_t)(at - (byte *)out);
}

LUA_API size_t wippy_packpairs (lua_State *L, int idx, size_t *place, unsigned int *count,
                                char *out, size_t room) {
  const Table *t = tableat(L, idx);
  size_t asize = luaH_realasize(t), i = *place, n = asize + sizenode(t);
  byte *at = (byte *)out;
  const byte *end = at + room;
  if (i < asize) {  /* no items left, or none that are a pair */
    while (i < asize && isempty(&t->array[i])) i++;
    if (i < asize) return 0;
  }
  for (; i < n; i++) {
    const Node *node = gnode(t, i - asize);
    if (!isempty(gval(node))) {
      byte *next;
      TValue key;
      getnodekey(L, &key, node);
      next = putvalue(&key, at, end);
      if (next == NULL || (next = putvalue(gval(node), next, end)) == NULL) break;
      at = next;
      ++*count;
    }
  }
  *place = i;
  return (size_t)(at - (byte *)out);
}


/* Reads a value to 'o'; NULL: it has parts, is nil or is damaged. */
static const byte *getvalue (lua_State *L, TValue *o, const byte *s, const byte *end) {
  size_t left = (size_t)(end - s), len;
  if (left < 2) {
    if (left == 0 || (*s != F_FALSE && *s != F_TRUE)) return NULL;
  }
  switch (*s++) {
    case F_FALSE: setbfvalue(o); return s;
    case F_TRUE: setbtvalue(o); return s;
    case F_INT8: setivalue(o, (signed char)*s); return s + 1;
    case F_INT64:
      if (left < 9) return NULL;
      setivalue(o, l_castU2S(getint(s, 8)));
      return s + 8;
    case F_FLOAT: {
      lua_Unsigned bits;
      lua_Number n;
      if (left < 9) return NULL;
      bits = getint(s, 8);
      memcpy(&n, &bits, sizeof(n));
      setfltvalue(o, n);
      return s + 8;
    }
    case F_STR8:
      len = *s++;
      left -= 2;
      break;
    case F_STR32: case F_BYTES:
      if (left < 5) return NULL;
      len = (size_t)getint(s, 4);
      s += 4;
      left -= 5;
      break;
    default: return NULL;
  }
  if (len > left) return NULL;
  setsvalue(L, o, luaS_newlstr(L, (const char *)s, len));
  return s + len;
}

LUA_API size_t wippy_unpackitems (lua_State *L, const char *s, size_t len, unsigned int from,
                                  unsigned int *count) {
  Table *t = hvalue(s2v(L->top.p - 1));
  const byte *at = (const byte *)s, *end = at + len;
  unsigned int i = from, last = from + *count, size = luaH_realasize(t);
  for (; i < last && i < size; i++) {
    TValue *o = &t->array[i];
    const byte *next = getvalue(L, s2v(L->top.p), at, end);
    if (next == NULL) break;
    setobj(L, o, s2v(L->top.p));
    luaC_barrierback(L, obj2gco(t), o);
    luaC_checkGC(L);
    at = next;
  }
  *count = i - from;
  return (size_t)(at - (const byte *)s);
}

LUA_API size_t wippy_unpackpairs (lua_State *L, const char *s, size_t len, unsigned int *count) {
  Table *t = hvalue(s2v(L->top.p - 1));
  const byte *at = (const byte *)s, *end = at + len;
  unsigned int n;
  for (n = 0; n < *count; n++) {
    TString *key;
    TValue *value;
    Node *node;
    const byte *next = at + 2;
    if (end - at < 2 || at[0] != F_STR8 || at[1] > end - next) break;
    next = getvalue(L, s2v(L->top.p), next + at[1], end);
    if (next == NULL) break;
    L->top.p++;  /* anchored while the key is made */
    key = luaS_newlstr(L, (const char *)at + 2, at[1]);
    setsvalue2s(L, L->top.p, key);
    L->top.p++;  /* anchored, since the table may grow */
    value = s2v(L->top.p - 2);
    node = gnode(t, lmod(key->hash, sizenode(t)));
    if (key->tt == LUA_VSHRSTR && keyisnil(node) && !isdummy(t)) {
      /* the place of such keys is free, so there is none of them yet */
      setnodekey(L, node, s2v(L->top.p - 1));
      setobj2t(L, gval(node), value);
    }
    else
      luaH_finishset(L, t, s2v(L->top.p - 1), luaH_getstr(t, key), value);
    luaC_barrierback(L, obj2gco(t), s2v(L->top.p - 1));
    luaC_barrierback(L, obj2gco(t), value);
    L->top.p -= 2;
    luaC_checkGC(L);
    at = next;
  }
  invalidateTMcache(t);
  *count = n;
  return (size_t)(at - (const byte *)s);
}
