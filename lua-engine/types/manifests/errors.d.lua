-- Errors: the objects that functions return as second value, and the module that makes them.
interface Error
  function kind(): string
  function message(): string
  function retryable(): boolean?
  function details(): any
  function stack(): string
end

interface errors
  UNKNOWN: string
  NOT_FOUND: string
  ALREADY_EXISTS: string
  INVALID: string
  PERMISSION_DENIED: string
  UNAVAILABLE: string
  INTERNAL: string
  CANCELED: string
  CONFLICT: string
  TIMEOUT: string
  RATE_LIMITED: string
  function new(message: any, more: any): Error
  function wrap(err: any, context: any): Error
  function is(err: any, kind: any): boolean
  function call_stack(err: any): any
end
