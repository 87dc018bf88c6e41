//! What code would ask of the compiler and of every run, read from its sections
//! before anything is compiled. The compiler's time grows faster than the size
//! of a function, and a few bytes of a component can ask for a million
//! instances: what asks for too much is refused here.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, CompositeInnerType,
    FunctionBody, Instance, Operator, Parser, Payload,
};
use wippy_runtime::{Error, Result};

/// Bytes of one function.
const MAX_FUNCTION: usize = 1 << 20;
/// Values that branches of one function may carry: the compiler keeps some 50 bytes for each. A branch can carry all
/// locals, and what its block takes.
const MAX_CARRIED: u64 = 64 << 20;
/// Loops in loops: the compiler's time grows with the third power.
const MAX_LOOPS: usize = 250;
/// Instances of modules and components that a run begins with.
const MAX_INSTANCES: u64 = 1_000;
/// Bytes that each takes: the head of an instance, an import or global, a function that can be referred to.
const HEAD: u64 = 512;
const ITEM: u64 = 32;

/// What a run takes before it computes anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Bytes of the instances without memories and tables, at most.
    pub bytes: usize,
}

/// Reads code that may be damaged: what the compiler would refuse is left to it. Errors: LimitExceeded.
pub fn inspect(code: &[u8]) -> Result<Needs> {
    let mut inspection = Inspection { open: vec![Scope::default()], largest: Totals::default() };
    for payload in Parser::new(0).parse_all(code) {
        let Ok(payload) = payload else { break };
        if let Payload::End(_) = payload {
            let Some(closed) = inspection.open.pop() else { break };
            if inspection.open.is_empty() {
                return Ok(Needs { bytes: usize::try_from(closed.totals.bytes).unwrap_or(usize::MAX) });
            }
            inspection.define(closed);
            continue;
        }
        inspection.read(payload)?;
    }
    Ok(Needs::default())
}

#[derive(Clone, Copy, Default)]
struct Totals {
    instances: u64,
    bytes: u64,
}

impl Totals {
    fn add(&mut self, other: Totals) {
        self.instances = self.instances.saturating_add(other.instances);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
    fn add_items(&mut self, count: u32) {
        self.bytes = self.bytes.saturating_add(u64::from(count) * ITEM);
    }
}

/// A module or a component that is being read.
#[derive(Default)]
struct Scope {
    is_module: bool,
    /// What one instance of it takes, all inside included.
    totals: Totals,
    /// What one instance takes of each module and component that it can name, by index.
    modules: Vec<Totals>,
    components: Vec<Totals>,
}

struct Inspection {
    /// The innermost last.
    open: Vec<Scope>,
    /// What the largest takes of those that were read.
    largest: Totals,
}

impl Inspection {
    /// A module or component has ended.
    fn define(&mut self, mut closed: Scope) {
        closed.totals.add(Totals { instances: 1, bytes: HEAD });
        if closed.totals.bytes > self.largest.bytes {
            self.largest = closed.totals;
        }
        if let Some(around) = self.open.last_mut() {
            let list = if closed.is_module { &mut around.modules } else { &mut around.components };
            list.push(closed.totals);
        }
    }
    fn read(&mut self, payload: Payload<'_>) -> Result<()> {
        match payload {
            Payload::ModuleSection { .. } => self.open.push(Scope { is_module: true, ..Scope::default() }),
            Payload::ComponentSection { .. } => self.open.push(Scope::default()),
            Payload::ImportSection(items) => self.totals().add_items(items.count()),
            Payload::FunctionSection(items) => self.totals().add_items(items.count()),
            Payload::GlobalSection(items) => self.totals().add_items(items.count()),
            Payload::InstanceSection(instances) => {
                for instance in instances.into_iter().flatten() {
                    if let Instance::Instantiate { module_index, .. } = instance {
                        self.instance(|scope| &scope.modules, module_index)?;
                    }
                }
            }
            Payload::ComponentInstanceSection(instances) => {
                for instance in instances.into_iter().flatten() {
                    if let ComponentInstance::Instantiate { component_index, .. } = instance {
                        self.instance(|scope| &scope.components, component_index)?;
                    }
                }
            }
            Payload::ComponentAliasSection(aliases) => aliases.into_iter().flatten().for_each(|a| self.alias(&a)),
            _ => {}
        }
        Ok(())
    }
    fn totals(&mut self) -> &mut Totals {
        if self.open.is_empty() {
            self.open.push(Scope::default());
        }
        let last = self.open.len() - 1;
        &mut self.open[last].totals
    }
    fn instance(&mut self, list: impl Fn(&Scope) -> &Vec<Totals>, index: u32) -> Result<()> {
        let known = self.open.last().and_then(|scope| list(scope).get(index as usize).copied());
        let one = known.unwrap_or(self.largest);
        let totals = self.totals();
        totals.add(one);
        match totals.instances > MAX_INSTANCES {
            true => Err(Error::limit_exceeded(format!("the code asks for more than {MAX_INSTANCES} instances"))),
            false => Ok(()),
        }
    }
    /// A module or component from elsewhere gets an index here.
    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        let outer = |count: u32, list: fn(&Scope) -> &Vec<Totals>, index: u32| {
            let at = self.open.len().checked_sub(1 + count as usize)?;
            list(&self.open[at]).get(index as usize).copied()
        };
        let (is_module, known) = match *alias {
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Module, .. } => (true, None),
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => (false, None),
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, count, index } => {
                (true, outer(count, |scope| &scope.modules, index))
            }
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                (false, outer(count, |scope| &scope.components, index))
            }
            _ => return,
        };
        // What an instance exports was read before.
        let one = known.unwrap_or(self.largest);
        if let Some(scope) = self.open.last_mut() {
            let list = if is_module { &mut scope.modules } else { &mut scope.components };
            list.push(one);
        }
    }
}

/// Whether the compiler is done with each function in time. Reads all instructions, and so is for code that is to be
/// compiled now; what is damaged is left to the compiler. Errors: LimitExceeded.
pub fn check_functions(code: &[u8]) -> Result<()> {
    // Parameters and results of the widest type in each module that is open.
    let mut widest = vec![0];
    for payload in Parser::new(0).parse_all(code) {
        match payload {
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => widest.push(0),
            Ok(Payload::End(_)) => {
                widest.pop();
            }
            Ok(Payload::TypeSection(groups)) => {
                let types = groups.into_iter().flatten().flat_map(|group| group.into_types());
                let widths = types.filter_map(|t| match &t.composite_type.inner {
                    CompositeInnerType::Func(f) => Some(f.params().len() + f.results().len()),
                    _ => None,
                });
                if let Some(last) = widest.last_mut() {
                    *last = widths.max().unwrap_or_default() as u64;
                }
            }
            Ok(Payload::CodeSectionEntry(body)) => check_function(&body, widest.last().copied().unwrap_or_default())?,
            Ok(_) => {}
            Err(_) => break,
        }
    }
    Ok(())
}

fn check_function(body: &FunctionBody<'_>, widest_type: u64) -> Result<()> {
    let size = body.range().len();
    if size > MAX_FUNCTION {
        let text = format!("a function of {size} bytes is larger than the limit of {MAX_FUNCTION} bytes");
        return Err(Error::limit_exceeded(text));
    }
    let locals = body.get_locals_reader().into_iter().flatten().flatten();
    let locals = locals.fold(0_u64, |sum, (count, _)| sum.saturating_add(count.into()));
    let (mut branches, mut loops, mut open) = (0_u64, 0, Vec::new());
    for operator in body.get_operators_reader().into_iter().flatten().flatten() {
        match operator {
            Operator::BrTable { targets } => branches += u64::from(targets.len()) + 1,
            Operator::Br { .. } | Operator::BrIf { .. } => branches += 1,
            Operator::Block { .. } => open.push(0),
            Operator::If { .. } => {
                branches += 1;
                open.push(0);
            }
            Operator::Loop { .. } => {
                branches += 1;
                loops += 1;
                open.push(1);
            }
            Operator::End => loops -= open.pop().unwrap_or(0),
            _ => {}
        }
        if loops > MAX_LOOPS {
            return Err(Error::limit_exceeded(format!("loops of a function are in each other over {MAX_LOOPS} deep")));
        }
    }
    match locals.saturating_add(widest_type).saturating_mul(branches) > MAX_CARRIED {
        true => Err(Error::limit_exceeded(format!(
            "the branches of a function carry more values than the limit of {MAX_CARRIED}: {branches} branches, \
             {locals} locals"
        ))),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(text: &str) -> Result<()> {
        check_functions(&wat::parse_str(text).unwrap())
    }
    fn needs(text: &str) -> Result<Needs> {
        inspect(&wat::parse_str(text).unwrap())
    }

    #[test]
    fn instances_are_counted_through_all_levels() {
        let doubling = |levels: usize| {
            let mut text =
                "(component $c0 (core module $m (global i32 (i32.const 0))) (core instance (instantiate $m)))"
                    .to_owned();
            for level in 1..=levels {
                let inner = level - 1;
                text = format!(
                    "(component $c{level} {text} (instance (instantiate $c{inner})) (instance (instantiate $c{inner})))"
                );
            }
            text
        };
        assert_eq!(needs(&doubling(0)).unwrap().bytes as u64, HEAD + ITEM);
        assert_eq!(needs(&doubling(3)).unwrap().bytes as u64, 8 * (HEAD + ITEM) + 14 * HEAD);
        let refused = needs(&doubling(30)).unwrap_err();
        assert_eq!(refused.message(), "the code asks for more than 1000 instances");
        let outer = "(component (core module $m (func) (func)) (component $c (core instance (instantiate $m)) \
                     (core instance (instantiate $m))) (instance (instantiate $c)))";
        assert_eq!(needs(outer).unwrap().bytes as u64, HEAD + 2 * (HEAD + 2 * ITEM));
    }

    #[test]
    fn a_function_has_a_largest_size() {
        let module = |n: usize| format!("(module (func {}))", "nop ".repeat(n));
        functions(&module(1000)).unwrap();
        let refused = functions(&module(MAX_FUNCTION)).unwrap_err();
        assert!(refused.message().ends_with("larger than the limit of 1048576 bytes"), "{refused}");
    }

    #[test]
    fn branches_carry_so_much() {
        let module = |locals: usize, branches: usize, results: usize| {
            let results = "i32 ".repeat(results);
            let locals = "(local i32)".repeat(locals);
            let branches = "(br_if $l (i32.const 0))".repeat(branches);
            format!("(module (type (func (result {results}))) (func {locals} (loop $l {branches})))")
        };
        for (locals, branches, results) in [(40_000, 1_000, 0), (10, 200_000, 1), (0, 60_000, 1_000)] {
            functions(&module(locals, branches, results)).unwrap();
        }
        for (locals, branches, results) in [(40_000, 2_000, 0), (0, 70_000, 1_000)] {
            let refused = functions(&module(locals, branches, results)).unwrap_err();
            let end = format!("the limit of 67108864: {} branches, {locals} locals", branches + 1);
            assert!(refused.message().ends_with(&end), "{refused}");
        }
    }

    #[test]
    fn loops_have_a_largest_depth() {
        let module = |deep: usize| format!("(module (func {} {} loop end))", "loop ".repeat(deep), "end ".repeat(deep));
        functions(&module(MAX_LOOPS)).unwrap();
        let refused = functions(&module(MAX_LOOPS + 1)).unwrap_err();
        assert_eq!(refused.message(), "loops of a function are in each other over 250 deep");
    }

    #[test]
    fn damaged_code_is_left_to_the_compiler() {
        let code = wat::parse_str("(component (core module $m (func)) (core instance (instantiate $m)))").unwrap();
        for end in 0..code.len() {
            inspect(&code[..end]).unwrap();
            check_functions(&code[..end]).unwrap();
        }
    }
}
