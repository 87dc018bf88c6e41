-- Key-value stores.
type Entry = {key: string, value: any, version: string}

type Page = {items: {Entry}, cursor: string, has_more: boolean}

interface Store
  function info(): (any, error?)
  function get(key: string): (any, error?)
  function entry(key: string): (Entry, error?)
  function list(options: any): (Page, error?)
  function put(key: string, value: any, options: any): (Entry, error?)
  function set(key: string, value: any, ttl: number?): (boolean, error?)
  function delete(key: string): (boolean, error?)
  function has(key: string): (boolean, error?)
  function release(): boolean
end

interface store_backend
  KV_RAFT: string
  KV_CRDT: string
  MEMORY: string
  SQL: string
  UNKNOWN: string
end

interface store_consistency
  LINEARIZABLE: string
  EVENTUAL: string
  LOCAL: string
  UNKNOWN: string
end

interface store
  backend: store_backend
  consistency: store_consistency
  function get(id: string): (Store, error?)
end
