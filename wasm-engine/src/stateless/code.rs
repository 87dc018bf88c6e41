//! Which functions of a core module can change anything.

use std::collections::HashMap;

use wasmparser::{BinaryReaderError, BlockType, ExternalKind, FunctionBody, Operator, Parser, Payload, TypeRef};

/// Functions that are followed, and bytes of code they may have together: what is larger runs too long for it to matter
/// how a call begins.
const MAX_FUNCTIONS: usize = 64;
const MAX_CODE: usize = 64 << 10;

/// Whether none of the exported functions `names`, nor what they call, changes the instance or leaves it. False if one
/// does not exist.
pub fn is_pure(module: &[u8], names: &[&str]) -> Result<bool, BinaryReaderError> {
    let module = Module::read(module)?;
    let mut open: Vec<u32> = Vec::new();
    for name in names {
        match module.exports.get(name) {
            Some(function) => open.push(*function),
            None => return Ok(false),
        }
    }
    let mut seen = Vec::new();
    let mut found = Found::default();
    let mut size = 0;
    while let Some(function) = open.pop() {
        if seen.contains(&function) {
            continue;
        }
        let Some(body) = module.body(function) else { return Ok(false) };
        seen.push(function);
        size += body.as_bytes().len();
        if seen.len() > MAX_FUNCTIONS || size > MAX_CODE || !follow(&module, body, &mut open, &mut found)? {
            return Ok(false);
        }
    }
    Ok(!(found.latch && found.reads))
}

/// What the functions do beside computing.
#[derive(Default)]
struct Found {
    /// Memory is read.
    reads: bool,
    /// There is a [`latch`].
    latch: bool,
}

/// Notes what `body` calls and does. False if it does something that may last.
fn follow(
    module: &Module<'_>,
    body: &FunctionBody<'_>,
    calls: &mut Vec<u32>,
    found: &mut Found,
) -> Result<bool, BinaryReaderError> {
    let operators: Vec<Operator<'_>> = body.get_operators_reader()?.into_iter().collect::<Result<_, _>>()?;
    let mut rest = &operators[..];
    while let [operator, after @ ..] = rest {
        if let Some(behind) = latch(module, rest)? {
            found.latch = true;
            rest = behind;
            continue;
        }
        match operator {
            Operator::Call { function_index } => calls.push(*function_index),
            other if is_harmless(other) => found.reads |= is_load(other),
            _ => return Ok(false),
        }
        rest = after;
    }
    Ok(true)
}

/// What tool chains put in front of exports to run constructors once: a byte at a fixed place says whether that was done.
/// Where there are no constructors it leaves a trace that nothing else sees, as long as nothing else reads memory. Gives
/// what comes behind it.
fn latch<'a, 'o>(
    module: &Module<'_>,
    operators: &'o [Operator<'a>],
) -> Result<Option<&'o [Operator<'a>]>, BinaryReaderError> {
    use Operator::*;
    let [
        Block { blockty: BlockType::Empty },
        I32Const { value },
        I32Load8U { memarg },
        BrIf { relative_depth: 0 },
        rest @ ..,
    ] = operators
    else {
        return Ok(None);
    };
    let mut rest = rest;
    loop {
        rest = match rest {
            [I32Const { value: to }, I32Const { .. }, I32Store8 { memarg: at }, rest @ ..]
                if to == value && at == memarg =>
            {
                rest
            }
            [Call { function_index }, rest @ ..] if module.is_empty(*function_index)? => rest,
            [End, rest @ ..] => return Ok(Some(rest)),
            _ => return Ok(None),
        };
    }
}

fn is_load(operator: &Operator<'_>) -> bool {
    use Operator::*;
    matches!(
        operator,
        I32Load { .. }
            | I64Load { .. }
            | F32Load { .. }
            | F64Load { .. }
            | I32Load8S { .. }
            | I32Load8U { .. }
            | I32Load16S { .. }
            | I32Load16U { .. }
            | I64Load8S { .. }
            | I64Load8U { .. }
            | I64Load16S { .. }
            | I64Load16U { .. }
            | I64Load32S { .. }
            | I64Load32U { .. }
    )
}

/// Whether an instruction only computes, branches or reads. Those of the first version of WebAssembly that do more are
/// named; of what came later only conversions are known.
fn is_harmless(operator: &Operator<'_>) -> bool {
    use Operator::*;
    let lasts = matches!(
        operator,
        GlobalSet { .. }
            | MemoryGrow { .. }
            | CallIndirect { .. }
            | Call { .. }
            | I32Store { .. }
            | I64Store { .. }
            | F32Store { .. }
            | F64Store { .. }
            | I32Store8 { .. }
            | I32Store16 { .. }
            | I64Store8 { .. }
            | I64Store16 { .. }
            | I64Store32 { .. }
    );
    !lasts && matches!(proposal(operator), "mvp" | "sign_extension" | "saturating_float_to_int")
}

/// Which version of WebAssembly an instruction came with.
fn proposal(operator: &Operator<'_>) -> &'static str {
    macro_rules! names {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($more:tt)*))*) => {
            match operator {
                $(Operator::$op { .. } => stringify!($proposal),)*
                _ => "",
            }
        };
    }
    wasmparser::for_each_operator!(names)
}

struct Module<'a> {
    imported: u32,
    exports: HashMap<&'a str, u32>,
    bodies: Vec<FunctionBody<'a>>,
}

impl<'a> Module<'a> {
    fn read(bytes: &'a [u8]) -> Result<Module<'a>, BinaryReaderError> {
        let mut module = Module { imported: 0, exports: HashMap::new(), bodies: Vec::new() };
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        module.imported += u32::from(matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)));
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        if matches!(export.kind, ExternalKind::Func | ExternalKind::FuncExact) {
                            module.exports.insert(export.name, export.index);
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => module.bodies.push(body),
                _ => {}
            }
        }
        Ok(module)
    }
    /// `None` for imported functions, which come first.
    fn body(&self, function: u32) -> Option<&FunctionBody<'a>> {
        let at = function.checked_sub(self.imported)?;
        self.bodies.get(at as usize)
    }
    /// Whether a function does nothing.
    fn is_empty(&self, function: u32) -> Result<bool, BinaryReaderError> {
        let Some(body) = self.body(function) else { return Ok(false) };
        Ok(matches!(body.get_operators_reader()?.read()?, Operator::End))
    }
}
