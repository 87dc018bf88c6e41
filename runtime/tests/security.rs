//! Policies as entries of a real registry: what they answer, how they combine,
//! what is refused, and what changes of entries do.

use std::sync::Arc;

use wippy_runtime::clock::VirtualClock;
use wippy_runtime::events::Bus;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::process::{Actor, Inherited};
use wippy_runtime::registry::{ChangeSet, Entry, EntryId, MemoryHistory, Registry};
use wippy_runtime::security::{Ask, Check, Effect, Engine, Filter, Outcome, Policies, Policy, Scope};
use wippy_runtime::yaml::{self, Typing};

fn map(text: &str) -> Map {
    let root = yaml::parse(text).unwrap_or_else(|e| panic!("{text}: {}", e.message)).root;
    match root.map(|r| r.into_value(Typing::Json)) {
        Some(Ok(Value::Map(map))) => map,
        other => panic!("{text}: {other:?}"),
    }
}

/// A policy; one with an expression is of the kind for those.
fn entry(id: &str, fields: &str) -> Entry {
    let kind = if fields.contains("expression:") { "security.policy.expr" } else { "security.policy" };
    let (id, kind) = (EntryId::parse(id), kind.to_owned());
    Entry { id, kind, meta: Map::new(), data: Value::Map(map(fields)), origin: None }
}

struct World {
    registry: Registry,
    engine: Arc<Engine>,
    bus: Bus,
}

impl World {
    fn new(strict: bool) -> World {
        let bus = Bus::new();
        let registry = Registry::new(Default::default(), Arc::new(MemoryHistory::new()), bus.clone());
        let engine = Engine::new(strict, bus.clone(), Arc::new(VirtualClock::new()));
        registry.add_handler(engine.clone());
        World { registry, engine, bus }
    }
    fn create(&self, id: &str, fields: &str) -> Result<(), String> {
        self.registry.apply(ChangeSet::new().create(entry(id, fields))).map(drop).map_err(|e| e.to_string())
    }
    fn group(&self, id: &str) -> Vec<String> {
        let scope = self.engine.group(&EntryId::parse(id));
        scope.iter().flat_map(|s| s.policies()).map(|p| p.id.to_string()).collect()
    }
}

fn simple(id: &str, actions: &[&str], resource: &str, effect: Effect) -> Arc<Policy> {
    let (actions, resources) = (Filter::new(actions.iter().copied()), Filter::new([resource]));
    Arc::new(Policy::new(EntryId::new("p", id), actions, resources, effect))
}

fn evaluate(scope: &Scope, action: &str, resource: &str) -> Outcome {
    let actor = Actor { id: "u".into(), meta: Map::new() };
    let attributes = Map::new();
    scope.evaluate(&Check { actor: &actor, action, resource, attributes: &attributes })
}

#[test]
fn patterns_match_what_the_reference_says() {
    let cases = [
        ("*", "", true),
        ("*", "anything", true),
        ("sql.*", "sql", true),
        ("sql.*", "sqlx", true),
        ("sql.*", "sql.query", true),
        ("sql.*", "sq", false),
        ("store.*", "storex.get", true),
        ("db*", "db", true),
        ("db*", "db.get", true),
        ("db*", "d", false),
        (".*", ".hidden", true),
        (".*", "hidden", false),
        ("db.get", "db.get", true),
        ("db.get", "db.gets", false),
        ("db.get", "DB.get", false),
        ("*.read", "doc.read", false),
        ("*.read", "*.read", true),
        ("a*b", "a-b", false),
        ("?", "x", false),
        ("", "", true),
        ("", "x", false),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(Filter::new([pattern]).matches(text), expected, "{pattern} on {text}");
        // The same through the index by action, beside others that must not be in the way.
        let scope = Scope::new([
            simple("a", &["aa", "db.gett", "sql.queries"], "*", Effect::Deny),
            simple("b", &[pattern, "zzz"], "*", Effect::Allow),
        ]);
        let outcome = if expected { Outcome::Allow } else { Outcome::Undefined };
        assert_eq!(evaluate(&scope, text, "r"), outcome, "{pattern} on action {text}");
    }
}

#[test]
fn policies_combine_so_that_deny_wins() {
    let allow = simple("allow", &["*"], "*", Effect::Allow);
    let deny = simple("deny", &["db.get"], "app:main", Effect::Deny);
    let narrow = simple("narrow", &["db.get", "db.*"], "app:other", Effect::Allow);
    let scope = |policies: &[&Arc<Policy>]| Scope::new(policies.iter().map(|p| (*p).clone()));
    let cases = [
        (scope(&[]), "db.get", "app:main", Outcome::Undefined),
        (scope(&[&narrow]), "db.get", "app:main", Outcome::Undefined),
        (scope(&[&narrow]), "db.get", "app:other", Outcome::Allow),
        (scope(&[&allow, &deny]), "db.get", "app:main", Outcome::Deny),
        (scope(&[&deny, &allow]), "db.get", "app:main", Outcome::Deny),
        (scope(&[&deny, &allow, &narrow]), "db.get", "app:other", Outcome::Allow),
        (scope(&[&deny, &allow]), "db.set", "app:main", Outcome::Allow),
        (scope(&[&deny]), "db.set", "app:main", Outcome::Undefined),
    ];
    for (scope, action, resource, expected) in cases {
        assert_eq!(evaluate(&scope, action, resource), expected, "{scope:?}: {action} {resource}");
    }
    // One more, one less, and one of the same id in its place.
    let turned = simple("deny", &["db.get"], "app:main", Effect::Allow);
    let base = scope(&[&allow, &deny]);
    assert_eq!(evaluate(&base.with(turned), "db.get", "app:main"), Outcome::Allow);
    assert_eq!(evaluate(&base.without(&deny.id), "db.get", "app:main"), Outcome::Allow);
    assert_eq!(evaluate(&base, "db.get", "app:main"), Outcome::Deny);
    assert!(base.contains(&deny.id) && !base.without(&deny.id).contains(&deny.id));
}

/// The index finds exactly what asking every policy finds.
#[test]
fn the_index_agrees_with_asking_every_policy() {
    let texts = ["", "a", "ab", "ab.c", "ab.", "abc", "b", "b.c.d", "ba", "c"];
    let patterns: Vec<String> =
        texts.iter().flat_map(|t| [(*t).to_owned(), format!("{t}*"), format!("{t}.*")]).collect();
    for seed in 0..200u32 {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
        let mut pick = |n: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % n
        };
        let policies: Vec<Arc<Policy>> = (0..pick(12))
            .map(|i| {
                let actions = [patterns[pick(patterns.len())].as_str(), patterns[pick(patterns.len())].as_str()];
                let effect = if pick(4) == 0 { Effect::Deny } else { Effect::Allow };
                simple(&i.to_string(), &actions, &patterns[pick(patterns.len())], effect)
            })
            .collect();
        let scope = Scope::new(policies.iter().cloned());
        for action in texts {
            let known = scope.by_action(action);
            for resource in texts {
                let actor = Actor { id: "u".into(), meta: Map::new() };
                let check = Check { actor: &actor, action, resource, attributes: &Map::new() };
                let all: Vec<Outcome> = policies.iter().map(|p| p.evaluate(&check)).collect();
                let order = [Outcome::Deny, Outcome::Allow, Outcome::Undefined];
                let expected = order.into_iter().find(|o| all.contains(o)).unwrap_or(Outcome::Undefined);
                assert_eq!(scope.evaluate(&check), expected, "seed {seed}: {action} {resource}");
                assert_eq!(known.unwrap_or(expected), expected, "seed {seed}: {action} {resource}");
            }
        }
    }
}

/// The resource is looked at only where it can make a difference.
#[test]
fn some_actions_are_decided_without_a_resource() {
    let any = simple("any", &["*"], "*", Effect::Allow);
    let never = simple("never", &["db.*"], "*", Effect::Deny);
    let some = simple("some", &["fs.*", "db.*"], "app:*", Effect::Allow);
    let none = simple("none", &["process.send"], "app:*", Effect::Deny);
    let scope = |policies: &[&Arc<Policy>]| Scope::new(policies.iter().map(|p| (*p).clone()));
    let cases = [
        (scope(&[]), "process.send", Some(Outcome::Undefined)),
        (scope(&[&any]), "process.send", Some(Outcome::Allow)),
        (scope(&[&any, &some]), "fs.get", Some(Outcome::Allow)),
        (scope(&[&some]), "fs.get", None),
        (scope(&[&some]), "db.get", None),
        (scope(&[&some, &never]), "db.get", Some(Outcome::Deny)),
        (scope(&[&any, &none]), "process.send", None),
        (scope(&[&any, &none]), "process.sends", Some(Outcome::Allow)),
        (scope(&[&none]), "process.send", None),
    ];
    for (scope, action, expected) in cases {
        assert_eq!(scope.by_action(action), expected, "{scope:?}: {action}");
    }
}

#[test]
fn conditions_hold_as_the_reference_says() {
    let meta = "{age: 30, score: 2.5, level: '7', admin: true, team: {name: core}, tags: [a, 5], email: a@x.org}";
    let actor = Actor { id: "u1".into(), meta: map(meta) };
    let attributes =
        map("{owner: u1, other: u2, n: 30, 'x.y': dotted, deep: {k: v}, ids: [u0, u1], pattern: u., yes: true}");
    // The condition without its braces, and whether it holds. What has no answer does not hold, negated or not.
    let cases = [
        // Operands.
        ("field: actor.id, operator: eq, value: u1", true),
        ("field: actor.meta.team.name, operator: eq, value: core", true),
        ("field: actor.meta.team.name.x, operator: exists, value: false", true),
        ("field: meta.owner, operator: eq, value_from: actor.id", true),
        ("field: meta.deep.k, operator: eq, value: v", true),
        ("field: action.ignored, operator: eq, value: store.get", true),
        ("field: resource, operator: eq, value: 'app:main'", true),
        ("field: owner, operator: eq, value: u1", true),
        ("field: x.y, operator: eq, value: dotted", true),
        ("field: deep.k, operator: exists, value: false", true),
        ("field: actor.meta, operator: exists, value: true", true),
        ("field: actor, operator: nexists, value: true", false),
        ("field: meta, operator: exists, value: false", false),
        ("field: actor.name, operator: nexists, value: true", false),
        ("field: actor.id, operator: ne, value_from: actor", false),
        // Equality and its conversions.
        ("field: actor.meta.age, operator: eq, value: 30", true),
        ("field: actor.meta.age, operator: eq, value: '30.0'", true),
        ("field: actor.meta.level, operator: eq, value: 7", true),
        ("field: actor.meta.admin, operator: eq, value: 'true'", true),
        ("field: actor.meta.admin, operator: eq, value: 1", false),
        ("field: actor.meta.team, operator: eq, value: {name: core}", true),
        ("field: actor.meta.tags, operator: eq, value: [a, 5]", true),
        ("field: actor.meta.tags, operator: ne, value: a", true),
        ("field: actor.id, operator: ne, value: u2", true),
        ("field: actor.id, operator: ne, value_from: meta.missing", true),
        ("field: meta.missing, operator: ne, value: x", false),
        ("field: meta.missing, operator: eq, value: x", false),
        // Order.
        ("field: actor.meta.age, operator: lt, value: 31", true),
        ("field: actor.meta.age, operator: lt, value: 30", false),
        ("field: actor.meta.age, operator: lte, value: 30", true),
        ("field: actor.meta.age, operator: gt, value: '29.5'", true),
        ("field: actor.meta.age, operator: gte, value: 31", false),
        ("field: actor.meta.age, operator: gte, value_from: meta.n", true),
        ("field: actor.id, operator: lt, value: 5", false),
        ("field: actor.id, operator: gte, value: 5", false),
        ("field: actor.meta.age, operator: lte, value: NaN", false),
        ("field: meta.missing, operator: lte, value: 5", false),
        // Membership.
        ("field: actor.id, operator: in, value: [u0, u1]", true),
        ("field: actor.id, operator: nin, value: [u0, u1]", false),
        ("field: actor.id, operator: in, value_from: meta.ids", true),
        ("field: actor.meta.age, operator: in, value: ['30']", true),
        ("field: actor.id, operator: in, value: u1", true),
        ("field: actor.id, operator: nin, value: u", true),
        ("field: actor.id, operator: in, value: 5", false),
        ("field: actor.id, operator: nin, value: 5", false),
        ("field: meta.missing, operator: nin, value: [x]", false),
        // Presence.
        ("field: owner, operator: exists, value: true", true),
        ("field: owner, operator: exists, value: false", false),
        ("field: owner, operator: exists, value: anything", true),
        ("field: owner, operator: nexists, value: true", false),
        ("field: owner, operator: nexists, value: false", true),
        ("field: owner, operator: nexists, value: anything", false),
        ("field: missing, operator: exists, value: true", false),
        ("field: missing, operator: exists, value: false", true),
        ("field: missing, operator: nexists, value: true", true),
        ("field: missing, operator: nexists, value: false", false),
        ("field: missing, operator: nexists, value_from: meta.yes", true),
        ("field: missing, operator: exists, value: anything", false),
        ("field: missing, operator: nexists, value: anything", false),
        // Containing.
        ("field: resource, operator: contains, value: ':ma'", true),
        ("field: resource, operator: ncontains, value: ':ma'", false),
        ("field: actor.meta.age, operator: contains, value: 3", true),
        ("field: actor.meta.tags, operator: contains, value: '5'", true),
        ("field: actor.meta.tags, operator: ncontains, value: b", true),
        ("field: actor.meta.team, operator: contains, value: name", false),
        ("field: actor.meta.team, operator: ncontains, value: name", false),
        ("field: meta.missing, operator: ncontains, value: x", false),
        // Regular expressions.
        ("field: actor.meta.email, operator: matches, value: '@x[.]org$'", true),
        ("field: actor.meta.email, operator: nmatches, value: '^b'", true),
        ("field: actor.meta.age, operator: matches, value: '^3.$'", true),
        ("field: actor.meta.tags, operator: nmatches, value: a", false),
        ("field: meta.missing, operator: nmatches, value: a", false),
        ("field: actor.id, operator: matches, value_from: meta.pattern", false),
        ("field: actor.id, operator: nmatches, value_from: meta.pattern", false),
        // All of several; `value_from` wins.
        ("field: actor.id, operator: eq, value: u1}, {field: meta.n, operator: gt, value: 3", true),
        ("field: actor.id, operator: eq, value: u1}, {field: meta.n, operator: gt, value: 30", false),
        ("field: meta.other, operator: eq, value: u2, value_from: actor.id", false),
    ];
    let world = World::new(false);
    for (i, (condition, expected)) in cases.into_iter().enumerate() {
        let id = format!("app:p{i}");
        let fields = format!("policy: {{actions: '*', resources: '*', effect: deny, conditions: [{{{condition}}}]}}");
        world.create(&id, &fields).unwrap();
        let policy = world.engine.policy(&EntryId::parse(&id)).unwrap();
        let check = Check { actor: &actor, action: "store.get", resource: "app:main", attributes: &attributes };
        let outcome = if expected { Outcome::Deny } else { Outcome::Undefined };
        assert_eq!(policy.evaluate(&check), outcome, "{condition}");
        assert_eq!(Scope::new([policy]).evaluate(&check), outcome, "{condition}");
    }
    // An actor that is nobody has no parts at all.
    let nobody = Actor { id: String::new(), meta: Map::new() };
    world.create("app:nobody", "policy: {actions: '*', resources: '*', effect: deny, conditions: [{field: actor.meta.x, operator: nexists, value: true}]}").unwrap();
    let policy = world.engine.policy(&EntryId::parse("app:nobody")).unwrap();
    let outcome = |actor| policy.evaluate(&Check { actor, action: "a", resource: "r", attributes: &attributes });
    assert_eq!((outcome(&nobody), outcome(&actor)), (Outcome::Undefined, Outcome::Deny));
}

#[test]
fn expressions_hold_as_the_reference_says() {
    let actor = Actor { id: "u1".into(), meta: map("{age: 30, team: {name: core}, roles: [dev, ops]}") };
    let attributes = map("{owner: u1, n: 5, deep: {k: v}}");
    let cases = [
        ("actor.id == 'u1'", true),
        ("actor.id == meta.owner and actor.meta.age >= 18", true),
        ("actor.meta.team.name in ['core', 'infra']", true),
        ("'ops' in actor.meta.roles", true),
        ("actor['meta'].team['name'] == 'core'", true),
        ("any(actor.meta.roles, # startsWith 'd')", true),
        ("action == 'store.get' && resource matches '^app:'", true),
        ("action startsWith 'db.'", false),
        ("meta.deep.k == 'v'", true),
        ("meta.missing == nil", true),
        ("actor.meta.missing == nil", true),
        ("unknown == nil", true),
        ("$env.actor.id == 'u1' and $env['meta'].n == 5", true),
        ("'k' in meta.deep", true),
        ("meta.deep.k.x == nil", false),
        ("meta.missing.x == nil", false),
        ("(meta.missing?.x ?? 'none') == 'none'", true),
        ("not (meta.missing < 3)", false),
        ("unknown.field", false),
        ("meta.n", false),
        ("actor.meta.age > 18 ? meta.owner == actor.id : false", true),
        ("now().UTC().Year() == 2024 and now() < date('2030-01-01')", true),
        ("all(1..1000000, true)", false),
        ("all(1..5000, any(1..5000, # > 6000) or true)", false),
    ];
    let world = World::new(false);
    for (i, (expression, expected)) in cases.into_iter().enumerate() {
        let id = format!("app:e{i}");
        let fields =
            format!("policy: {{actions: 'store.*', resources: '*', effect: deny, expression: \"{expression}\"}}");
        world.create(&id, &fields).unwrap();
        let policy = world.engine.policy(&EntryId::parse(&id)).unwrap();
        let check = Check { actor: &actor, action: "store.get", resource: "app:main", attributes: &attributes };
        let outcome = if expected { Outcome::Deny } else { Outcome::Undefined };
        assert_eq!(policy.evaluate(&check), outcome, "{expression}");
        let scope = Scope::new([policy.clone()]);
        assert_eq!(scope.evaluate(&check), outcome, "{expression}");
        let own = expression.replace("actor.meta", "").replace("'meta'", "");
        assert_eq!(scope.reads_attributes(), own.contains("meta.") || own.contains("$env") || own.contains("in meta"));
        assert_eq!(policy.evaluate(&Check { action: "other", ..check }), Outcome::Undefined);
    }
}

#[test]
fn entries_that_are_wrong_are_refused_by_field() {
    const OK: &str = "actions: a, resources: r, effect: allow";
    let condition = |fields: &str| format!("{{policy: {{{OK}, conditions: [{{{fields}}}]}}}}");
    let decode = "failed to create policy entry: failed to decode policy config: entry app:p: ";
    let cases = [
        ("{}".to_owned(), decode, "field policy: actions must be a string or list"),
        ("{policy: {}}".into(), decode, "field policy.actions: actions must be a string or list"),
        ("{policy: {actions: ''}}".into(), decode, "field policy.actions: actions string cannot be empty"),
        ("{policy: {actions: []}}".into(), decode, "field policy.actions: actions list cannot be empty"),
        ("{policy: {actions: 5}}".into(), decode, "field policy.actions: actions must be a string or list"),
        ("{policy: {actions: a}}".into(), decode, "field policy.resources: resources must be a string or list"),
        (
            "{policy: {actions: a, resources: ''}}".into(),
            decode,
            "field policy.resources: resources string cannot be empty",
        ),
        (
            "{policy: {actions: a, resources: []}}".into(),
            decode,
            "field policy.resources: resources list cannot be empty",
        ),
        ("{policy: {actions: a, resources: r}}".into(), decode, "field policy.effect: invalid policy effect: "),
        (
            "{policy: {actions: a, resources: r, effect: maybe}}".into(),
            decode,
            "field policy.effect: invalid policy effect: maybe",
        ),
        (condition("operator: eq"), decode, "field policy.conditions.0.field: condition 0: field is required"),
        (condition("field: a"), decode, "field policy.conditions.0.operator: condition 0: operator is required"),
        (
            condition("field: a, operator: what"),
            decode,
            "field policy.conditions.0.value: condition 0: value or value_from is required",
        ),
        (
            condition("field: a, operator: what, value: 1"),
            decode,
            "field policy.conditions.0.operator: condition 0: invalid operator: what",
        ),
        (
            condition("field: a, operator: eq, value: 1}, {field: a"),
            decode,
            "field policy.conditions.1.operator: condition 1: operator is required",
        ),
        (format!("{{policy: {{{OK}}}, groups: [1]}}"), decode, "field groups.0: expected string, got number"),
        (
            condition("field: a, operator: matches, value: '('"),
            "failed to create policy entry: failed to create policy: entry app:p: ",
            "field policy.conditions.0.value: invalid regex pattern",
        ),
        (
            format!("{{policy: {{{OK}, expression: ''}}}}"),
            "failed to create policy entry: failed to decode expr policy config: entry app:p: ",
            "field policy.expression: expression cannot be empty",
        ),
        (
            "{policy: {actions: a, expression: 'true'}}".into(),
            "failed to create policy entry: failed to decode expr policy config: entry app:p: ",
            "field policy.resources: resources must be a string or list",
        ),
        (
            format!("{{policy: {{{OK}, expression: 'actor.name == 1'}}}}"),
            "failed to create policy entry: failed to create expr policy: entry app:p: ",
            "field policy.expression: expression compilation failed: type struct has no field name (1:7)\n | actor.name == 1\n | ......^",
        ),
        (
            format!("{{policy: {{{OK}, expression: 'action + 1'}}}}"),
            "failed to create policy entry: failed to create expr policy: entry app:p: ",
            "field policy.expression: expression compilation failed: invalid operation: + (mismatched types string and int) (1:8)\n | action + 1\n | .......^",
        ),
        (
            format!("{{policy: {{{OK}, expression: 'action'}}}}"),
            "failed to create policy entry: failed to create expr policy: entry app:p: ",
            "field policy.expression: expression compilation failed: expected bool, but got string (1:1)\n | action\n | ^",
        ),
    ];
    let world = World::new(false);
    for (fields, chain, reason) in cases {
        let text = world.create("app:p", &fields).unwrap_err();
        assert!(text.ends_with(&format!("{chain}{reason}")), "{fields}: {text}");
        assert!(world.engine.policy(&EntryId::parse("app:p")).is_none(), "{fields}");
    }
    // A list may hold what is no text; it matches nothing.
    world.create("app:p", "{policy: {actions: [1], resources: '*', effect: allow}}").unwrap();
    let policy = world.engine.policy(&EntryId::parse("app:p")).unwrap();
    assert_eq!(evaluate(&Scope::new([policy]), "1", "r"), Outcome::Undefined);
}

#[test]
fn groups_follow_the_entries() {
    let world = World::new(false);
    let fields = |groups: &str| format!("{{policy: {{actions: a, resources: r, effect: allow}}, groups: [{groups}]}}");
    let mut news = world.bus.channel("security", "*", 16).unwrap();
    world.create("app:b", &fields("admin, 'other:x'")).unwrap();
    world.create("app:a", &fields("admin")).unwrap();
    assert_eq!(world.group("app:admin"), ["app:a", "app:b"]);
    assert_eq!(world.group("other:x"), ["app:b"]);
    let held = world.engine.group(&EntryId::parse("app:admin")).unwrap();

    // One change that fails changes nothing.
    let change = ChangeSet::new().delete(EntryId::parse("app:a")).update(entry("app:b", "{policy: {}}"));
    world.registry.apply(change).unwrap_err();
    assert_eq!(world.group("app:admin"), ["app:a", "app:b"]);

    world.registry.apply(ChangeSet::new().update(entry("app:b", &fields("new")))).unwrap();
    assert_eq!((world.group("app:admin"), world.group("app:new")), (vec!["app:a".into()], vec!["app:b".into()]));
    assert!(world.engine.group(&EntryId::parse("other:x")).is_none());
    world.registry.apply(ChangeSet::new().delete(EntryId::parse("app:a"))).unwrap();
    assert!(world.engine.group(&EntryId::parse("app:admin")).is_none());
    // Who has a scope keeps its policies.
    assert_eq!(held.policies().len(), 2);

    let mut told = Vec::new();
    while let Ok(event) = news.try_recv() {
        told.push(format!("{} {}", event.kind, event.path));
    }
    // The failed change told nothing, and taking it back put `app:a` where it was.
    let created = ["policy.register app:b", "policy.register app:a", "policy.register app:a"];
    assert_eq!(told, [&created[..], &["policy.update app:b", "policy.delete app:a"]].concat());
}

#[test]
fn strict_mode_is_about_what_is_missing() {
    for strict in [false, true] {
        let world = World::new(strict);
        assert_eq!(world.engine.may_refuse(), strict, "nobody has a scope yet");
        world.create("app:p", "{policy: {actions: a, resources: r, effect: allow}, groups: [g]}").unwrap();
        let (ids, groups) = ([EntryId::parse("app:p"), EntryId::parse("app:gone")], [EntryId::parse("app:g")]);
        assert!(world.engine.scope(&ids[1..], &ids[1..]).is_none());
        assert_eq!(world.engine.may_refuse(), strict);
        let scope = world.engine.scope(&ids, &groups).unwrap();
        assert_eq!(scope.policies().len(), 1);
        assert!(world.engine.may_refuse());

        let actor = Some(Arc::new(Actor { id: String::new(), meta: Map::new() }));
        let cases = [
            (None, None, "a", !strict),
            (actor.clone(), None, "a", !strict),
            (None, Some(scope.clone()), "b", !strict),
            (actor.clone(), Some(scope.clone()), "a", true),
            (actor.clone(), Some(scope), "b", false),
            (actor, Some(Arc::new(Scope::default())), "a", false),
        ];
        for (actor, scope, action, expected) in cases {
            let on_behalf = Inherited { actor, scope, ..Inherited::default() };
            let ask = Ask { on_behalf: &on_behalf, action, resource: "r", attributes: &Map::new() };
            assert_eq!(world.engine.allows(&ask), expected, "strict {strict}: {on_behalf:?} {action}");
        }
    }
}
