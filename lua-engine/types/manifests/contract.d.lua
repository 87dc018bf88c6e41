-- Contracts: named sets of functions with several implementations.
type SchemaDefinition = {format: string, definition: any}

type MethodDefinition = {
  name: string, description: string, input_schemas?: {SchemaDefinition}, output_schemas?: {SchemaDefinition}
}

interface Contract
  function id(): string
  function methods(): {MethodDefinition}
  function method(name: string): (MethodDefinition, error?)
  function implementations(): any
  function open(binding: any, scope: any): any
  function with_context(values: any): (Contract, error?)
  function with_actor(actor: any): (Contract, error?)
  function with_scope(scope: any): (Contract, error?)
  function with_options(options: any): (Contract, error?)
end

interface contract
  function get(id: string): (Contract, error?)
  function open(binding: string, scope: any, options: any): any
  function find_implementations(id: string): any
  function is(instance: any, id: string): boolean
end
