-- Digests.
interface hash
  function md5(data: any, raw: any): (string, error?)
  function sha1(data: any, raw: any): (string, error?)
  function sha256(data: any, raw: any): (string, error?)
  function sha512(data: any, raw: any): (string, error?)
  function fnv32(data: any): (integer, error?)
  function fnv64(data: any): (integer, error?)
  function hmac_sha256(data: any, secret: any, raw: any): (string, error?)
  function hmac_sha512(data: any, secret: any, raw: any): (string, error?)
  function hmac_sha1(data: any, secret: any, raw: any): (string, error?)
  function hmac_md5(data: any, secret: any, raw: any): (string, error?)
end
