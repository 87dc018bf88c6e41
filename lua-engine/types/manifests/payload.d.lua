-- Payloads: data with the name of its format.
interface Payload
  function get_format(): string
  function data(): any
  function unmarshal(): any
  function transcode(format: string): (Payload, error?)
end

interface payload_format
  JSON: string
  YAML: string
  STRING: string
  BYTES: string
  MSGPACK: string
  LUA: string
  GOLANG: string
  ERROR: string
end

interface payload
  format: payload_format
  function new(value: any): Payload
end
