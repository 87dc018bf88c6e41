-- Unique ids.
type Info = {version: integer, variant: string, timestamp?: integer, node?: string}

interface uuid
  function v1(): (string, error?)
  function v3(namespace: any, name: any): (string, error?)
  function v4(): (string, error?)
  function v5(namespace: any, name: any): (string, error?)
  function v7(): (string, error?)
  function validate(text: any): (boolean, error?)
  function version(text: any): (integer, error?)
  function variant(text: any): (string, error?)
  function parse(text: any): (Info, error?)
  function format(text: any, format: any): (string, error?)
end
