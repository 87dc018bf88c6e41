-- JSON text.
interface json
  function encode(value: any): (string, error?)
  function decode(text: any): any
  function validate(schema: any, data: any): (boolean, error?)
  function validate_string(schema: any, text: any): (boolean, error?)
end
