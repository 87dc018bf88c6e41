-- Actors, scopes and policies.
interface Actor
  function id(): string
  function meta(): any
end

interface Policy
  function id(): string
  function evaluate(actor: Actor, action: string, resource: string, meta: any): string
end

interface Scope
  function with(policy: Policy): Scope
  function without(ref: any): Scope
  function contains(ref: any): boolean
  function evaluate(actor: Actor, action: string, resource: string, meta: any): string
  function policies(): {Policy}
end

interface TokenStore
  function validate(token: string): (Actor?, Scope?, error?)
  function create(actor: Actor, scope: Scope, options: any): (string?, error?)
  function revoke(token: string): (boolean?, error?)
  function close(): boolean
end

interface security
  function actor(): Actor?
  function scope(): Scope?
  function can(action: string, resource: string, meta: any): boolean
  function policy(id: string): (Policy, error?)
  function named_scope(id: string): (Scope, error?)
  function new_scope(policies: any): Scope
  function new_actor(id: string, meta: any): Actor
  function token_store(id: string): (TokenStore?, error?)
end
