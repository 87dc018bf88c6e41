//! When the collector begins.
//!
//! A small heap doubles within a few messages, and a cycle costs as much for
//! the roots and the caches it empties as for the garbage it finds. So before the
//! first cycle, once loading is over (the collector stands still meanwhile), and between
//! two cycles a state may always allocate some kilobytes, and what it uses again
//! (the strings of the next message) is still there. What garbage that leaves in
//! a process that waits, the engine collects at idle. A program that asks for a
//! shorter pause than the heap's own size gets it.

use crate::edit::Edit;

pub const EDITS: &[Edit] = &[
    Edit {
        name: "collector: room before the first cycle",
        file: "lapi.c",
        anchor: "g->gcstp = 0;  /* (GCSTPGC must be already zero here) */",
        text: "      luaE_setdebt(g, -WIPPY_GCROOM);\n      g->gcstp = 0;  /* (GCSTPGC must be already zero here) */",
    },
    Edit {
        name: "collector: room between two cycles",
        file: "lgc.c",
        anchor: "debt = gettotalbytes(g) - threshold;",
        text: "  if (pause >= 100 && threshold - (l_mem)g->GCestimate < WIPPY_GCROOM)\n    threshold = (l_mem)g->GCestimate + WIPPY_GCROOM;\n  debt = gettotalbytes(g) - threshold;",
    },
];
