-- Entries of the registry and their history.
type ID = {ns: string, name: string}

type Entry = {id: string, kind: string, meta: any, data: any}

interface Version
  function id(): integer
  function previous(): any
  function next(): any
  function string(): string
end

interface Changes
  function create(entry: any): (Changes, error?)
  function update(entry: any): (Changes, error?)
  function delete(id: any): (Changes, error?)
  function ops(): any
  function apply(): (Version, error?)
end

interface Snapshot
  function entries(): any
  function get(id: string): (Entry, error?)
  function namespace(ns: string): any
  function find(filter: any): any
  function changes(): Changes
  function version(): Version
end

interface History
  function versions(): any
  function get_version(id: number): (Version, error?)
  function snapshot_at(version: any): (Snapshot, error?)
end

interface registry
  function get(id: string): (Entry, error?)
  function find(filter: any): any
  function parse_id(text: string): ID
  function snapshot(): (Snapshot, error?)
  function snapshot_at(id: number): (Snapshot, error?)
  function current_version(): (Version, error?)
  function versions(): any
  function history(): (History, error?)
  function apply_version(version: any): (boolean, error?)
  function build_delta(from: any, to: any): any
end
