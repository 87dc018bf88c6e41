-- Base64 text.
interface base64
  function encode(data: any): (string, error?)
  function decode(text: any): (string, error?)
end
