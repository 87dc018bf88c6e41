//! Numbers of the dialect: their text and their arithmetic.
//!
//! - Text (V1-V5): integral floats in the 64-bit range print without fraction,
//!   others in the shortest form that reads back, `+Inf -Inf NaN`, no `-0`.
//!   All number-to-string conversion of Lua goes through `tostringbuff`.
//! - `%` by zero is NaN, never an error (V10); integers keep their subtype
//!   otherwise, which prints the same and stays exact above 2^53.
//! - `//` truncates its operands to integers first (V11).
//! - `>>` keeps the sign (V20). `OP_SHRI` and constant folding use the same
//!   `luaV_shiftl`, so folded and executed code agree.
//! - Arithmetic on numeric strings and bitwise operations on fractions are done
//!   where metamethods have failed (`wippyT_binary`), so number arithmetic pays
//!   nothing and a VM needs no string metamethods (V19, V21).

use crate::edit::Edit;

pub const EDITS: &[Edit] = &[
    Edit {
        name: "number text: integers",
        file: "lobject.c",
        anchor: "len = lua_integer2str(buff, MAXNUMBER2STR, ivalue(obj));",
        text: "    len = wippyO_fmtint(ivalue(obj), buff);",
    },
    Edit {
        name: "number text: floats",
        file: "lobject.c",
        anchor: "len = lua_number2str(buff, MAXNUMBER2STR, fltvalue(obj));",
        text: "    len = (int)wippy_fmtfloat(fltvalue(obj), buff);",
    },
    Edit {
        name: "number text: no .0",
        file: "lobject.c",
        anchor: "if (buff[strspn(buff, \"-0123456789\")] == '\\0') {  /* looks like an int? */",
        text: "    if (0) {",
    },
    Edit {
        name: "% and //: what they do",
        file: "lvm.c",
        anchor: "void luaV_execute (lua_State *L, CallInfo *ci) {",
        text: r"#define op_mod_aux(L,v1,v2) {  \
  if (ttisinteger(v1) && ttisinteger(v2) && l_likely(ivalue(v2) != 0)) {  \
    StkId ra = RA(i);  \
    lua_Integer i1 = ivalue(v1); lua_Integer i2 = ivalue(v2);  \
    pc++; setivalue(s2v(ra), luaV_mod(L, i1, i2));  \
  }  \
  else { StkId ra = RA(i); op_arithf_aux(L, v1, v2, luaV_modf); } }

#define op_idiv_aux(L,v1,v2) {  \
  if (ttisinteger(v1) && ttisinteger(v2)) {  \
    StkId ra = RA(i);  \
    lua_Integer i1 = ivalue(v1); lua_Integer i2 = ivalue(v2);  \
    pc++; setivalue(s2v(ra), luaV_idiv(L, i1, i2));  \
  }  \
  else if (ttisnumber(v1) && ttisnumber(v2)) {  \
    StkId ra = RA(i);  \
    pc++; wippyV_idiv(L, v1, v2, s2v(ra));  \
  } }

void luaV_execute (lua_State *L, CallInfo *ci) {",
    },
    Edit {
        name: "% with a constant",
        file: "lvm.c",
        anchor: "op_arithK(L, luaV_mod, luaV_modf);",
        text: "        op_mod_aux(L, vRB(i), KC(i));",
    },
    Edit {
        name: "% of registers",
        file: "lvm.c",
        anchor: "op_arith(L, luaV_mod, luaV_modf);",
        text: "        op_mod_aux(L, vRB(i), vRC(i));",
    },
    Edit {
        name: "// with a constant",
        file: "lvm.c",
        anchor: "op_arithK(L, luaV_idiv, luai_numidiv);",
        text: "        op_idiv_aux(L, vRB(i), KC(i));",
    },
    Edit {
        name: "// of registers",
        file: "lvm.c",
        anchor: "op_arith(L, luaV_idiv, luai_numidiv);",
        text: "        op_idiv_aux(L, vRB(i), vRC(i));",
    },
    Edit {
        name: "% and // of the C API and of constants",
        file: "lobject.c",
        anchor: "default: {  /* other operations */",
        text: r"    case LUA_OPIDIV: {
      if (!ttisnumber(p1) || !ttisnumber(p2)) return 0;
      wippyV_idiv(L, p1, p2, res);
      return 1;
    }
    case LUA_OPMOD: {
      lua_Number n1; lua_Number n2;
      if (ttisinteger(p1) && ttisinteger(p2) && ivalue(p2) != 0) {
        setivalue(res, luaV_mod(L, ivalue(p1), ivalue(p2)));
        return 1;
      }
      if (!tonumberns(p1, n1) || !tonumberns(p2, n2)) return 0;
      setfltvalue(res, luaV_modf(L, n1, n2));
      return 1;
    }
    default: {  /* other operations */",
    },
    Edit {
        name: "// of fractions is not folded (it may raise)",
        file: "lcode.c",
        anchor: "return (nvalue(v2) != 0);",
        text: "      return (nvalue(v2) != 0 &&\n              (op != LUA_OPIDIV || (ttisinteger(v1) && ttisinteger(v2))));",
    },
    Edit {
        name: ">> keeps the sign",
        file: "lvm.c",
        anchor: "else return intop(>>, x, -y);",
        text: "    else return x >> -y;",
    },
    Edit {
        name: "strings in arithmetic, fractions in bitwise operations",
        file: "ltm.c",
        anchor: "if (l_unlikely(!callbinTM(L, p1, p2, res, event))) {",
        text: "  if (l_unlikely(!callbinTM(L, p1, p2, res, event) &&\n                 !wippyT_binary(L, p1, p2, res, event))) {",
    },
];
