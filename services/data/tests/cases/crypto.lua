--- case random values
assert(#crypto.random.bytes(1) == 1 and #crypto.random.bytes(1048576) == 1048576)
assert(crypto.random.bytes(16) ~= crypto.random.bytes(16))
local text = crypto.random.string(200)
assert(#text == 200 and not text:find("[^A-Za-z0-9]"))
assert(crypto.random.string(50, "ab"):find("^[ab]+$"))
local id = crypto.random.uuid()
assert(#id == 36 and id:sub(15, 15) == "4" and id ~= crypto.random.uuid())
show(crypto.random.bytes(0))
show(crypto.random.bytes(1048577))
show(crypto.random.string(-1))
show(crypto.random.string(5, ""))
raised(crypto.random.bytes)
raised(crypto.random.bytes, "many")
--- expect
nil Invalid length must be a positive integer
nil Invalid length exceeds maximum allowed size (1MB)
nil Invalid length must be a positive integer
nil Invalid charset cannot be empty
bad argument #1 to bytes (number expected, got no value)
bad argument #1 to bytes (number expected, got string)
--- case keyed digests
show(crypto.hmac.sha256("key", "The quick brown fox jumps over the lazy dog"))
show(#crypto.hmac.sha512("key", ""))
show(crypto.hmac.sha256("", "data"))
assert(crypto.hmac.sha256(5, 6) == crypto.hmac.sha256("5", "6"))
show(crypto.constant_time_compare("same", "same"))
show(crypto.constant_time_compare("same", "Same"))
show(crypto.constant_time_compare("same", "same "))
--- expect
f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8
128
nil Invalid key cannot be empty
true
false
false
--- case ciphers are those of the standards
local zero = string.rep("\0", 32)
local nonce = string.rep("\0", 12)
assert(crypto.decrypt.aes(nonce .. unhex("58e2fccefa7e3061367f1d57a4e7455a"), zero:sub(1, 16)) == "")
assert(crypto.decrypt.aes(nonce .. unhex("cd33b28ac773f74ba00ed1f312572435"), zero:sub(1, 24)) == "")
assert(crypto.decrypt.aes(nonce .. unhex("530f8afbc74536b9a963b4f1c4cb738b"), zero) == "")
local key = unhex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f")
local sealed = unhex([[070000004041424344454647
d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b
1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691]])
show(crypto.decrypt.chacha20(sealed, key, unhex("50515253c0c1c2c3c4c5c6c7")))
--- expect
Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.
--- case what is sealed opens only as it was sealed
for _, name in ipairs({ "aes", "chacha20" }) do
    for _, text in ipairs({ "", "text", string.rep("x", 200000) }) do
        local key = crypto.random.bytes(32)
        local sealed = crypto.encrypt[name](text, key, "bound to this")
        assert(#sealed == #text + 28 and crypto.decrypt[name](sealed, key, "bound to this") == text)
        assert(sealed ~= crypto.encrypt[name](text, key, "bound to this"))
        assert(not crypto.decrypt[name](sealed, key) and not crypto.decrypt[name](sealed, crypto.random.bytes(32), "bound to this"))
        local changed = sealed:sub(1, -2) .. string.char(255 - sealed:byte(-1))
        if text == "" then show(crypto.decrypt[name](changed, key, "bound to this")) end
        assert(crypto.decrypt[name](crypto.encrypt[name](text, key, 5), key) == text)
    end
    show(crypto.encrypt[name]("x", "short"))
    show(crypto.decrypt[name]("x", "short"))
    show(crypto.decrypt[name](string.rep("x", 27), string.rep("k", 32)))
end
--- expect
nil Internal cipher: message authentication failed
nil Invalid key must be 16, 24, or 32 bytes
nil Invalid key must be 16, 24, or 32 bytes
nil Invalid encrypted data too short
nil Internal chacha20poly1305: message authentication failed
nil Invalid key must be 32 bytes
nil Invalid key must be 32 bytes
nil Invalid encrypted data too short
--- case keys from passwords
show(hex(crypto.pbkdf2("password", "salt", 1, 32)))
show(hex(crypto.pbkdf2("password", "salt", 4096, 20, "sha256")))
show(hex(crypto.pbkdf2("password", "salt", 1, 64, "sha512")))
show(crypto.pbkdf2("", "", 0, 0, "md5"))
show(crypto.pbkdf2("p", "", 0, 0, "md5"))
show(crypto.pbkdf2("p", "s", 0, 0, "md5"))
show(crypto.pbkdf2("p", "s", 10000001, 0, "md5"))
show(crypto.pbkdf2("p", "s", 1, 0, "md5"))
show(crypto.pbkdf2("p", "s", 1, 1, "md5"))
show(crypto.pbkdf2("p", "s", 10000000, 1000))
--- expect
120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b
c5e478d59288c841aa530db6845c4c8d962893a0
867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce
nil Invalid password cannot be empty
nil Invalid salt cannot be empty
nil Invalid iterations must be positive
nil Invalid iterations exceeds maximum (10000000)
nil Invalid key length must be positive
nil Invalid unsupported hash function: md5
nil LimitExceeded a key may have 1048576 bytes and take 100000000 rounds of the digest
--- case tokens are made and read
local token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
local claims = assert(crypto.jwt.verify(token, "your-256-bit-secret", "HS256", false))
show(claims.name .. " " .. claims.sub .. " " .. math.type(claims.iat))
show(crypto.jwt.encode({ b = 1, a = { d = true, c = "x" }, exp = 2 ^ 33 }, "key"))
local now = os.time()
for _, alg in ipairs({ "HS256", "HS384", "HS512" }) do
    local made = assert(crypto.jwt.encode({ exp = now + 60, nbf = now - 1, n = 5, list = { 1, "x" } }, "key", alg))
    local read = assert(crypto.jwt.verify(made, "key", alg))
    assert(read.n == 5 and read.list[2] == "x")
    show(crypto.jwt.verify(made, "other", alg))
end
local headed = assert(crypto.jwt.encode({ _header = { kid = "k1", typ = "at+jwt" }, exp = now + 60 }, "key"))
show(headed:match("^[^.]+"))
assert(crypto.jwt.verify(headed, "key")._header == nil)
assert(crypto.jwt.verify(crypto.jwt.encode({ exp = now + 60 }, "key", "none"), "key", "HS256"))
--- expect
John Doe 1234567890 float
eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhIjp7ImMiOiJ4IiwiZCI6dHJ1ZX0sImIiOjEsImV4cCI6ODU4OTkzNDU5Mn0.gmu8RTyYgEsgmcq9aP8qzxEAbO6oWxEe3z-uoZki8Kg
nil Internal token signature is invalid: signature is invalid
nil Internal token signature is invalid: signature is invalid
nil Internal token signature is invalid: signature is invalid
eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiYXQrand0In0
--- case tokens that do not hold
local now = os.time()
local function made(claims, alg) return (crypto.jwt.encode(claims, "key", alg)) end
show(crypto.jwt.verify(made({ exp = now }), "key"))
show(crypto.jwt.verify(made({ exp = now - 5 }), "key", "HS256", false))
show(crypto.jwt.verify(made({ exp = now + 60, nbf = now + 30 }), "key"))
show(crypto.jwt.verify(made({ sub = "x" }), "key"))
show(crypto.jwt.verify(made({ exp = "tomorrow" }), "key"))
show(crypto.jwt.verify(made({ exp = now + 60 }, "HS512"), "key"))
show(crypto.jwt.verify(made({ exp = now + 60 }), "key", "none"))
show(crypto.jwt.verify("eyJhbGciOiJub25lIn0.e30.", "key", "none"))
show(crypto.jwt.verify("one.two", "key"))
show((select(2, crypto.jwt.verify("#.e30.x", "key")):message():match("^token is malformed: could not base64 decode header")))
show((select(2, crypto.jwt.verify("ew.e30.x", "key")):message():match("^token is malformed: could not JSON decode header")))
show((select(2, crypto.jwt.verify("e30.W10.x", "key")):message():match("^token is malformed: could not JSON decode claim")))
show(crypto.jwt.encode({ 1, 2 }, "key"))
show(crypto.jwt.encode("text", "key"))
raised(crypto.jwt.encode)
--- expect
nil Internal token has invalid claims: token is expired
nil Internal token has invalid claims: token is expired
nil Internal token has invalid claims: token is not valid yet
nil Internal token has invalid claims: token is missing required claim: exp claim is required
nil Internal token has invalid claims: invalid type for claim: exp is invalid
nil Internal token signature is invalid: signing method HS512 is invalid
nil Internal token signature is invalid: signing method HS256 is invalid
nil Internal token signature is invalid: signing method none is invalid
nil Internal token is malformed: token contains an invalid number of segments
token is malformed: could not base64 decode header
token is malformed: could not JSON decode header
token is malformed: could not JSON decode claim
nil Invalid failed to convert payload to map
nil Invalid failed to convert payload to map
bad argument #1 to encode (value expected)
--- case tokens signed with a pair of keys
local claims = { sub = "me", exp = os.time() + 60 }
local one = assert(crypto.jwt.encode(claims, [[{{pkcs1}}]], "RS256"))
local two = assert(crypto.jwt.encode(claims, [[{{pkcs8}}]], "RS256"))
assert(one == two)
show(crypto.jwt.verify(one, [[{{public}}]], "RS256").sub)
show(crypto.jwt.verify(one, [[{{certificate}}]], "RS256").sub)
show(crypto.jwt.verify(one, [[{{other}}]], "RS256"))
-- A public key is no secret of a keyed digest.
show(crypto.jwt.verify(one, [[{{public}}]], "HS256"))
show(crypto.jwt.verify(crypto.jwt.encode(claims, [[{{public}}]], "HS256"), [[{{public}}]], "RS256"))
show(crypto.jwt.verify(one, "no key", "RS256"))
show(crypto.jwt.verify(one, [[{{ec_public}}]], "RS256"))
show(crypto.jwt.encode(claims, "no key", "RS256"))
show(crypto.jwt.encode(claims, [[{{ec}}]], "RS256"))
show(crypto.jwt.encode(claims, [[{{public}}]], "RS256"))
show((select(2, crypto.jwt.encode(claims, "-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n", "RS256")):message():match("^invalid RSA private key: .")))
--- expect
me
me
nil Internal token signature is invalid: signature is invalid
nil Internal token signature is invalid: signing method RS256 is invalid
nil Internal token signature is invalid: signing method HS256 is invalid
nil Internal token is unverifiable: error while executing keyfunc: failed to parse PEM block containing public key
nil Internal token is unverifiable: error while executing keyfunc: key is not an RSA public key
nil Invalid invalid RSA private key: failed to parse PEM block containing private key
nil Invalid invalid RSA private key: key is not an RSA private key
nil Invalid invalid RSA private key: failed to parse PEM block containing private key
invalid RSA private key: I
