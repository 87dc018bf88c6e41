/*
** wstring.c: the string library of the dialect. Patterns and packing come from
** lstrlib.c, which this file includes to reach its static functions; case
** mapping, dump and format are ours.
*/
#include "lstrlib.c"
#include "wippy.h"


static int s_casemap (lua_State *L, int upper) {
  size_t len, i;
  const char *s = luaL_checklstring(L, 1, &len);
  luaL_Buffer b;
  char *out;
  for (i = 0; i < len && (unsigned char)s[i] < 0x80; i++) {}
  if (i == len) {  /* ASCII only */
    out = luaL_buffinitsize(L, &b, len);
    if (upper)
      for (i = 0; i < len; i++) out[i] = (char)(s[i] - ((s[i] >= 'a' && s[i] <= 'z') ? 32 : 0));
    else
      for (i = 0; i < len; i++) out[i] = (char)(s[i] + ((s[i] >= 'A' && s[i] <= 'Z') ? 32 : 0));
    luaL_pushresultsize(&b, len);
    return 1;
  }
  if (len > MAXSIZE / 2) return luaL_error(L, "resulting string too large");
  wippy_charge(L, len >> 2);
  /* a letter of 2 bytes may become one of 3 */
  out = luaL_buffinitsize(L, &b, len * 2);
  luaL_pushresultsize(&b, wippy_casemap(s, len, upper, out));
  return 1;
}

static int s_lower (lua_State *L) { return s_casemap(L, 0); }
static int s_upper (lua_State *L) { return s_casemap(L, 1); }


/* stock, which would count to 'n' for an empty string */
static int s_rep (lua_State *L) {
  size_t len, lsep;
  luaL_checklstring(L, 1, &len);
  luaL_checkinteger(L, 2);
  luaL_optlstring(L, 3, "", &lsep);
  if (len + lsep == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  return str_rep(L);
}


static int s_dump (lua_State *L) {
  return luaL_error(L, "GopherLua does not support the string.dump");
}


/*
** {======================================================
** string.format: verbs %d %i %s %q %f %g %e %x %X %o %c %%, flags "-+ #0",
** width and precision. It never raises for its arguments: a missing one is
** "%!d(MISSING)", one of a wrong type "%!d(string=x)", an unknown verb
** "%!y(number=3)". Widths count characters of UTF-8.
** =======================================================
*/

#define MAXWIDTH	1000

typedef struct Spec {
  int minus, plus, space, sharp, zero;
  int width;  /* 0: none */
  int precision;  /* -1: none */
  char verb;
} Spec;

static const char *getspec (const char *p, const char *end, Spec *sp) {
  memset(sp, 0, sizeof(*sp));
  sp->precision = -1;
  for (; p < end; p++) {
    if (*p == '-') sp->minus = 1;
    else if (*p == '+') sp->plus = 1;
    else if (*p == ' ') sp->space = 1;
    else if (*p == '#') sp->sharp = 1;
    else if (*p == '0') sp->zero = 1;
    else break;
  }
  for (; p < end && isdigit(uchar(*p)); p++)
    if (sp->width <= MAXWIDTH) sp->width = sp->width * 10 + (*p - '0');
  if (p < end && *p == '.') {
    sp->precision = 0;
    for (p++; p < end && isdigit(uchar(*p)); p++)
      if (sp->precision <= MAXWIDTH) sp->precision = sp->precision * 10 + (*p - '0');
  }
  if (sp->width > MAXWIDTH) sp->width = MAXWIDTH;
  sp->verb = (p < end) ? *p++ : '\0';
  return p;
}

/* characters of 's' if it were UTF-8: every byte but continuation bytes */
static size_t countchars (const char *s, size_t len) {
  size_t n = 0, i;
  for (i = 0; i < len; i++)
    if ((uchar(s[i]) & 0xC0) != 0x80) n++;
  return n;
}

/* bytes of the first 'max' characters */
static size_t firstchars (const char *s, size_t len, size_t max) {
  size_t i;
  for (i = 0; i < len; i++)
    if ((uchar(s[i]) & 0xC0) != 0x80 && max-- == 0) break;
  return i;
}

static void addfill (luaL_Buffer *b, size_t n, char c) {
  while (n-- > 0) luaL_addchar(b, c);
}

/* 's' padded to the width; 'sign' bytes of it come before filling zeros */
static void addpadded (luaL_Buffer *b, const Spec *sp, const char *s, size_t len,
                       size_t sign, int zeros) {
  size_t chars = countchars(s, len);
  size_t fill = ((size_t)sp->width > chars) ? (size_t)sp->width - chars : 0;
  if (sp->minus) {
    luaL_addlstring(b, s, len);
    addfill(b, fill, ' ');
  }
  else if (zeros) {
    luaL_addlstring(b, s, sign);
    addfill(b, fill, '0');
    luaL_addlstring(b, s + sign, len - sign);
  }
  else {
    addfill(b, fill, ' ');
    luaL_addlstring(b, s, len);
  }
}

static void addinteger (luaL_Buffer *b, const Spec *sp, lua_Integer n) {
  static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
  char digits[24 + MAXWIDTH], out[32 + MAXWIDTH];
  const char *set = (sp->verb == 'X') ? upper : lower;
  lua_Unsigned base = (sp->verb == 'x' || sp->verb == 'X') ? 16 : (sp->verb == 'o') ? 8 : 10;
  lua_Unsigned u = (n < 0) ? 0u - (lua_Unsigned)n : (lua_Unsigned)n;
  int len = 0;
  size_t at = 0, sign;
  int precision = (sp->precision > MAXWIDTH) ? MAXWIDTH : sp->precision;
  do { digits[len++] = set[u % base]; u /= base; } while (u > 0);
  while (len < precision) digits[len++] = '0';
  if (n < 0) out[at++] = '-';
  else if (sp->plus) out[at++] = '+';
  else if (sp->space) out[at++] = ' ';
  if (sp->sharp && base == 16) { out[at++] = '0'; out[at++] = sp->verb; }
  if (sp->sharp && base == 8) out[at++] = '0';
  sign = at;
  while (len > 0) out[at++] = digits[--len];
  addpadded(b, sp, out, at, sign, sp->zero && precision < 0);
}

static void addfloat (luaL_Buffer *b, const Spec *sp, lua_Number x) {
  char form[16], out[MAX_ITEMF + MAXWIDTH + 32];
  size_t len, at = 0;
  int finite = (x - x == 0);
  int precision = (sp->precision > MAXWIDTH) ? MAXWIDTH : sp->precision;
  if (!(x < 0) && !(x == 0 && 1 / x < 0) && x == x) {  /* no minus of its own? */
    if (sp->plus || (!finite && !sp->space)) out[at++] = '+';
    else if (sp->space) out[at++] = ' ';
  }
  if (!finite) {
    if (x != x) { memcpy(out, "NaN", 3); at = 3; }
    else {
      if (x < 0) out[at++] = '-';
      memcpy(out + at, "Inf", 3);
      at += 3;
    }
    addpadded(b, sp, out, at, 0, 0);
    return;
  }
  if (sp->verb == 'g' && precision < 0)
    len = at + wippy_fmtshortest(x, out + at);
  else {
    char *f = form;
    *f++ = '%';
    if (sp->sharp) *f++ = '#';
    *f++ = '.'; *f++ = '*'; *f++ = sp->verb; *f = '\0';
    len = at + (size_t)snprintf(out + at, sizeof(out) - at, form,
                                 (precision < 0) ? 6 : precision, x);
  }
  addpadded(b, sp, out, len, (out[0] == '-' || at > 0) ? 1 : 0, sp->zero);
}

static void addstring (luaL_Buffer *b, const Spec *sp, const char *s, size_t len) {
  if (sp->precision >= 0) len = firstchars(s, len, (size_t)sp->precision);
  if (sp->width == 0) luaL_addlstring(b, s, len);
  else addpadded(b, sp, s, len, 0, sp->zero);
}

/* "%!d(string=x)": the value is on the top of the stack, its text replaces it */
static void addbad (lua_State *L, luaL_Buffer *b, const Spec *sp, int arg) {
  size_t len;
  const char *s;
  luaL_addlstring(b, "%!", 2);
  luaL_addchar(b, sp->verb);
  luaL_addchar(b, '(');
  luaL_addstring(b, luaL_typename(L, arg));
  luaL_addchar(b, '=');
  s = luaL_tolstring(L, arg, &len);
  (void)s;
  luaL_addvalue(b);
  luaL_addchar(b, ')');
}

/* %c: a character by its number, as UTF-8 */
static void addchar (luaL_Buffer *b, const Spec *sp, lua_Integer n) {
  char out[8];
  size_t len;
  unsigned int c = (n < 0 || n > 0x10FFFF || (n >= 0xD800 && n <= 0xDFFF)) ? 0xFFFD : (unsigned int)n;
  if (c < 0x80) { out[0] = (char)c; len = 1; }
  else if (c < 0x800) { out[0] = (char)(0xC0 | (c >> 6)); out[1] = (char)(0x80 | (c & 63)); len = 2; }
  else if (c < 0x10000) {
    out[0] = (char)(0xE0 | (c >> 12)); out[1] = (char)(0x80 | ((c >> 6) & 63));
    out[2] = (char)(0x80 | (c & 63)); len = 3;
  }
  else {
    out[0] = (char)(0xF0 | (c >> 18)); out[1] = (char)(0x80 | ((c >> 12) & 63));
    out[2] = (char)(0x80 | ((c >> 6) & 63)); out[3] = (char)(0x80 | (c & 63)); len = 4;
  }
  addpadded(b, sp, out, len, 0, sp->zero);
}

static void addgoquoted (lua_State *L, luaL_Buffer *b, const Spec *sp, int arg) {
  size_t len, qlen;
  const char *s = luaL_tolstring(L, arg, &len);
  char *out;
  if (len > (MAXSIZE - 2) / 10) luaL_error(L, "resulting string too large");
  wippy_charge(L, len >> 1);
  /* the text stays on the stack below, the quoted form goes to its own box */
  out = (char *)lua_newuserdatauv(L, len * 10 + 2, 0);
  qlen = wippy_quote(s, len, out);
  lua_pushlstring(L, out, qlen);
  lua_replace(L, -3);
  lua_pop(L, 1);
  if (sp->width == 0 || countchars(lua_tostring(L, -1), qlen) >= (size_t)sp->width)
    luaL_addvalue(b);
  else {  /* padding cannot be added while a value lies above the buffer */
    luaL_Buffer padded;
    s = lua_tolstring(L, -1, &qlen);
    luaL_buffinit(L, &padded);
    addpadded(&padded, sp, s, qlen, 0, 0);
    luaL_pushresult(&padded);
    lua_remove(L, -2);
    luaL_addvalue(b);
  }
}

/* %x of a string: its bytes */
static void addhexbytes (luaL_Buffer *b, const Spec *sp, const char *s, size_t len) {
  const char *set = (sp->verb == 'X') ? "0123456789ABCDEF" : "0123456789abcdef";
  size_t i;
  for (i = 0; i < len; i++) {
    luaL_addchar(b, set[uchar(s[i]) >> 4]);
    luaL_addchar(b, set[uchar(s[i]) & 15]);
  }
}

/* the argument as a number: numbers, and numeric strings for %d */
static int formatnumber (lua_State *L, int arg, lua_Integer *n) {
  if (lua_type(L, arg) == LUA_TNUMBER || (lua_type(L, arg) == LUA_TSTRING && lua_isnumber(L, arg))) {
    int isint;
    *n = lua_tointegerx(L, arg, &isint);
    if (!isint && !wippy_truncate(L, arg, n)) *n = 0;
    return 1;
  }
  return 0;
}

static void additem (lua_State *L, luaL_Buffer *b, const Spec *sp, int arg) {
  size_t len;
  const char *s;
  lua_Integer n;
  int type = lua_type(L, arg);
  switch (sp->verb) {
    case 'd': case 'i':
      if (formatnumber(L, arg, &n)) addinteger(b, sp, n);
      else addbad(L, b, sp, arg);
      break;
    case 'x': case 'X': case 'o':
      if (type == LUA_TSTRING && sp->verb != 'o') {
        s = lua_tolstring(L, arg, &len);
        addhexbytes(b, sp, s, len);
      }
      else if (formatnumber(L, arg, &n)) addinteger(b, sp, n);
      else addbad(L, b, sp, arg);
      break;
    case 'c':
      if (type == LUA_TNUMBER && formatnumber(L, arg, &n)) addchar(b, sp, n);
      else addbad(L, b, sp, arg);
      break;
    case 'e': case 'E': case 'f': case 'F': case 'g': case 'G':
      if (lua_isnumber(L, arg)) addfloat(b, sp, lua_tonumber(L, arg));
      else addbad(L, b, sp, arg);
      break;
    case 's': case 'v':
      if (type == LUA_TSTRING) {  /* its text lies in the argument, not above the buffer */
        s = lua_tolstring(L, arg, &len);
        addstring(b, sp, s, len);
      }
      else {
        s = luaL_tolstring(L, arg, &len);
        if (sp->width == 0 && sp->precision < 0)
          luaL_addvalue(b);
        else {  /* keep the text where the argument was */
          lua_replace(L, arg);
          addstring(b, sp, s, len);
        }
      }
      break;
    case 'q':
      addgoquoted(L, b, sp, arg);
      break;
    default:
      addbad(L, b, sp, arg);
      break;
  }
}

static int s_format (lua_State *L) {
  size_t len;
  const char *p = luaL_checklstring(L, 1, &len);
  const char *end = p + len;
  int top = lua_gettop(L), arg = 1;
  luaL_Buffer b;
  luaL_checkstack(L, 10, NULL);
  luaL_buffinit(L, &b);
  while (p < end) {
    const char *percent = (const char *)memchr(p, '%', (size_t)(end - p));
    Spec sp;
    if (percent == NULL) percent = end;
    luaL_addlstring(&b, p, (size_t)(percent - p));
    if (percent == end) break;
    p = getspec(percent + 1, end, &sp);
    if (sp.verb == '%')
      luaL_addchar(&b, '%');
    else if (sp.verb == '\0')
      luaL_addstring(&b, "%!(NOVERB)");
    else if (++arg > top) {
      luaL_addlstring(&b, "%!", 2);
      luaL_addchar(&b, sp.verb);
      luaL_addstring(&b, "(MISSING)");
    }
    else
      additem(L, &b, &sp, arg);
  }
  luaL_pushresult(&b);
  return 1;
}

/* }====================================================== */


const wippy_Entry wippy_strlib[] = {
  {"byte", str_byte},
  {"char", str_char},
  {"dump", s_dump},
  {"find", str_find},
  {"format", s_format},
  {"gfind", gmatch},
  {"gmatch", gmatch},
  {"gsub", str_gsub},
  {"len", str_len},
  {"lower", s_lower},
  {"match", str_match},
  {"pack", str_pack},
  {"packsize", str_packsize},
  {"rep", s_rep},
  {"reverse", str_reverse},
  {"sub", str_sub},
  {"unpack", str_unpack},
  {"upper", s_upper},
  {NULL}
};
