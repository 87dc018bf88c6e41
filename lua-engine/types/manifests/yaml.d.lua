-- YAML text.
type EncodeOptions = {field_order?: {string}, sort_unordered?: boolean}

interface yaml
  function encode(value: any, options: any): (string, error?)
  function decode(text: any): any
end
