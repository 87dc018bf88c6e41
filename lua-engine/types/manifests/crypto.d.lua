-- Cryptography.
interface crypto_random
  function bytes(length: number): (string, error?)
  function string(length: number, charset: string?): (string, error?)
  function uuid(): (string, error?)
end

interface crypto_hmac
  function sha256(key: any, data: any): (string, error?)
  function sha512(key: any, data: any): (string, error?)
end

interface crypto_encrypt
  function aes(data: any, key: any, aad: any): (string, error?)
  function chacha20(data: any, key: any, aad: any): (string, error?)
end

interface crypto_decrypt
  function aes(data: any, key: any, aad: any): (string, error?)
  function chacha20(data: any, key: any, aad: any): (string, error?)
end

interface crypto_jwt
  function encode(payload: any, key: any, algorithm: string?): (string, error?)
  function verify(token: any, key: any, algorithm: string?, require_exp: boolean?): (any, error?)
end

interface crypto
  random: crypto_random
  hmac: crypto_hmac
  encrypt: crypto_encrypt
  decrypt: crypto_decrypt
  jwt: crypto_jwt
  function pbkdf2(password: any, salt: any, iterations: number, length: number, hash: string?): (string, error?)
  function constant_time_compare(a: any, b: any): boolean
end
