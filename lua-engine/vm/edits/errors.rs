//! Texts of run-time errors a program may match (chapter 60, section 13.5), and
//! argument checks of library functions.
//!
//! - A position is the whole chunk name (`ns:name:12: `): stock Lua cuts it to
//!   60 bytes. Only names starting with `=` are affected, as ours do.
//! - An error of the VM inside a C function (sort comparing a number with a
//!   string) carries the position of the Lua function that called it.
//! - A method's object counts as argument 1, names stand without quotes (R4, R88).
//! - A required string argument takes numbers and Error objects (R4a): userdata
//!   whose metatable has a true `__error`; `__tostring` gives the text. Optional
//!   ones take strings only (V41). Integer arguments are truncated and clamped.
//! - `__name` never shows (V62).
//! - A coroutine's stack ends at 200,000 slots, so that endless recursion is a
//!   catchable "stack overflow" long before it is "not enough memory" (V74). The
//!   constant that positions pseudo-indices stays the stock one.

use crate::edit::Edit;

pub const EDITS: &[Edit] = &[
    Edit {
        name: "text: index a non-table",
        file: "lvm.c",
        anchor: "luaG_typeerror(L, t, \"index\");  /* no metamethod */",
        text: "        wippyG_indexerror(L, t, key);",
    },
    Edit {
        name: "text: assign into a non-table",
        file: "lvm.c",
        anchor: "luaG_typeerror(L, t, \"index\");",
        text: "        wippyG_indexerror(L, t, key);",
    },
    Edit {
        name: "text: __index chain",
        file: "lvm.c",
        anchor: "luaG_runerror(L, \"'__index' chain too long; possible loop\");",
        text: "  luaG_runerror(L, \"too many recursions in gettable\");",
    },
    Edit {
        name: "text: __newindex chain",
        file: "lvm.c",
        anchor: "luaG_runerror(L, \"'__newindex' chain too long; possible loop\");",
        text: "  luaG_runerror(L, \"too many recursions in settable\");",
    },
    Edit {
        name: "text: call",
        file: "ldebug.c",
        anchor: "typeerror(L, o, \"call\", extra);",
        text: "  if (isLua(ci))\n    luaG_runerror(L, \"attempt to call a non-function object\");\n  cast_void(extra);\n  luaO_pushfstring(L, \"attempt to call a %s value\", luaT_objtypename(L, o));\n  luaG_errormsg(L);  /* pcall(nil): no position */",
    },
    Edit {
        name: "position of VM errors inside functions of the host",
        file: "ldebug.c",
        anchor: "if (isLua(ci)) {  /* if Lua function, add source:line information */",
        text: "  if (!isLua(ci) && ci->previous != NULL && isLua(ci->previous))\n    ci = ci->previous;  /* as luaL_error: the position of the caller */\n  if (isLua(ci)) {",
    },
    Edit {
        name: "text: for",
        file: "ldebug.c",
        anchor: "luaG_runerror(L, \"bad 'for' %s (number expected, got %s)\",",
        text: "  luaG_runerror(L, \"for statement %s must be a number\",",
    },
    Edit {
        name: "text: for, what",
        file: "ldebug.c",
        anchor: "what, luaT_objtypename(L, o));",
        text: "                   (*what == 'i') ? \"init\" : what);",
    },
    Edit {
        name: "text: concatenation",
        file: "ldebug.c",
        anchor: "if (ttisstring(p1) || cvt2str(p1)) p1 = p2;",
        text: "  luaG_runerror(L, \"cannot perform concat operation between %s and %s\",\n                   luaT_objtypename(L, p1), luaT_objtypename(L, p2));",
    },
    Edit {
        name: "text: length",
        file: "lvm.c",
        anchor: "luaG_typeerror(L, rb, \"get length of\");",
        text: "        luaG_runerror(L, \"__len undefined\");",
    },
    Edit {
        name: "text: C stack of calls",
        file: "lstate.c",
        anchor: "luaG_runerror(L, \"C stack overflow\");",
        text: "    luaG_runerror(L, \"stack overflow\");",
    },
    Edit {
        name: "text: C stack of coroutines",
        file: "ldo.c",
        anchor: "return resume_error(L, \"C stack overflow\", nargs);",
        text: "    return resume_error(L, \"stack overflow\", nargs);",
    },
    Edit {
        name: "stack of a coroutine",
        file: "ldo.c",
        anchor: "#define errorstatus(s)\t((s) > LUA_YIELD)",
        text: "#define errorstatus(s)\t((s) > LUA_YIELD)\n#undef LUAI_MAXSTACK\n#define LUAI_MAXSTACK\t200000",
    },
    Edit {
        name: "whole chunk name in errors of the VM",
        file: "ldebug.c",
        anchor: "luaO_chunkid(buff, getstr(src), tsslen(src));",
        text: "  {\n    if (*getstr(src) == '=')\n      return luaO_pushfstring(L, \"%s:%d: %s\", getstr(src) + 1, line, msg);\n    luaO_chunkid(buff, getstr(src), tsslen(src));\n  }",
    },
    Edit {
        name: "whole chunk name in errors of functions",
        file: "lauxlib.c",
        anchor: "lua_pushfstring(L, \"%s:%d: \", ar.short_src, ar.currentline);",
        text: "      lua_pushfstring(L, \"%s:%d: \", (*ar.source == '=') ? ar.source + 1 : ar.short_src,\n                      ar.currentline);",
    },
    Edit {
        name: "argument errors: the object of a method counts",
        file: "lauxlib.c",
        anchor: "if (strcmp(ar.namewhat, \"method\") == 0) {",
        text: "  if (0) {",
    },
    Edit {
        name: "argument errors: name",
        file: "lauxlib.c",
        anchor: "ar.name = (pushglobalfuncname(L, &ar)) ? lua_tostring(L, -1) : \"?\";",
        text: "    ar.name = wippy_functionname(L, &ar);",
    },
    Edit {
        name: "argument errors: text",
        file: "lauxlib.c",
        anchor: "return luaL_error(L, \"bad argument #%d to '%s' (%s)\",",
        text: "  return luaL_error(L, \"bad argument #%d to %s (%s)\",",
    },
    Edit {
        name: "argument errors: no __name",
        file: "lauxlib.c",
        anchor: "if (luaL_getmetafield(L, arg, \"__name\") == LUA_TSTRING)",
        text: "  if (lua_isnone(L, arg))\n    typearg = \"nil\";\n  else if (0)",
    },
    Edit {
        name: "argument errors: light userdata",
        file: "lauxlib.c",
        anchor: "typearg = \"light userdata\";  /* special name for messages */",
        text: "    typearg = \"userdata\";",
    },
    Edit {
        name: "required strings accept Error objects",
        file: "lauxlib.c",
        anchor: "if (l_unlikely(!s)) tag_error(L, arg, LUA_TSTRING);",
        text: "  if (l_unlikely(!s)) s = wippy_errortext(L, arg, len);\n  if (l_unlikely(!s)) tag_error(L, arg, LUA_TSTRING);",
    },
    Edit {
        name: "optional strings are strings",
        file: "lauxlib.c",
        anchor: "else return luaL_checklstring(L, arg, len);",
        text: "  luaL_checktype(L, arg, LUA_TSTRING);\n  return lua_tolstring(L, arg, len);",
    },
    Edit {
        name: "integer arguments are truncated",
        file: "lauxlib.c",
        anchor: "interror(L, arg);",
        text: "    if (!wippy_truncate(L, arg, &d)) interror(L, arg);",
    },
    Edit {
        name: "declarations for lauxlib.c",
        file: "lauxlib.c",
        anchor: "#include \"lauxlib.h\"",
        text: "#include \"lauxlib.h\"\n#include \"wippy.h\"",
    },
    Edit {
        name: "type names: no __name",
        file: "ltm.c",
        anchor: "if (ttisstring(name))  /* is '__name' a string? */",
        text: "    if (0)",
    },
    Edit {
        name: "tostring: no __name",
        file: "lauxlib.c",
        anchor: "int tt = luaL_getmetafield(L, idx, \"__name\");  /* try name */",
        text: "        int tt = LUA_TNIL;",
    },
    Edit {
        name: "buffers collect before they fail",
        file: "lauxlib.c",
        anchor: "if (l_unlikely(temp == NULL && newsize > 0)) {  /* allocation error? */",
        text: "  if (l_unlikely(temp == NULL && newsize > 0)) {\n    lua_gc(L, LUA_GCCOLLECT);\n    temp = allocf(ud, box->box, box->bsize, newsize);\n  }\n  if (l_unlikely(temp == NULL && newsize > 0)) {  /* allocation error? */\n    wippy_countmemoryerror(L);",
    },
];
