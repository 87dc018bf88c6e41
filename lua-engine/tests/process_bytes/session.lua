-- An ordinary module of a hundred lines: a session of a shop with its state, its protocol and its rules.
local time = require("time")

local M = {}

local LIMITS = { items = 50, quantity = 99, idle = 15 * 60, total = 100000 }
local STATES = { open = true, checkout = true, paid = true, closed = true }

local Cart = {}
Cart.__index = Cart

local function new_cart(owner)
    return setmetatable({ owner = owner, lines = {}, count = 0, total = 0, coupons = {} }, Cart)
end

function Cart:add(sku, price, quantity)
    local line = self.lines[sku]
    if not line then
        if self.count >= LIMITS.items then
            return nil, "cart is full"
        end
        line = { sku = sku, price = price, quantity = 0 }
        self.lines[sku] = line
        self.count = self.count + 1
    end
    if line.quantity + quantity > LIMITS.quantity then
        return nil, "too many of " .. sku
    end
    line.quantity = line.quantity + quantity
    self.total = self.total + price * quantity
    return line.quantity
end

function Cart:remove(sku)
    local line = self.lines[sku]
    if not line then
        return nil, "not in the cart: " .. sku
    end
    self.lines[sku] = nil
    self.count = self.count - 1
    self.total = self.total - line.price * line.quantity
    return line.quantity
end

function Cart:summary()
    local skus = {}
    for sku in pairs(self.lines) do
        skus[#skus + 1] = sku
    end
    table.sort(skus)
    return { owner = self.owner, skus = skus, total = self.total }
end

local handlers = {}

function handlers.add(session, body)
    return session.cart:add(body.sku, body.price or 0, body.quantity or 1)
end

function handlers.remove(session, body)
    return session.cart:remove(body.sku)
end

function handlers.summary(session)
    return session.cart:summary()
end

function handlers.coupon(session, body)
    local coupons = session.cart.coupons
    coupons[#coupons + 1] = { code = body.code, at = time.now():unix() }
    return #coupons
end

function handlers.checkout(session)
    if session.cart.total > LIMITS.total then
        return nil, "ask for a quote"
    end
    session.state = "checkout"
    return session.cart:summary()
end

local function handle(session, message)
    local body = message:payload():data()
    local handler = handlers[body.what]
    if not handler then
        session.errors = session.errors + 1
        return
    end
    local result, problem = handler(session, body)
    session.log[#session.log + 1] = body.what
    process.send(message:from(), "answer", { result = result, error = problem })
end

function M.main(owner)
    local session = { state = "open", cart = new_cart(owner), log = {}, errors = 0, tags = { "web", "eu" } }
    local inbox, events = process.inbox(), process.events()
    local greeting = "session of " .. tostring(owner)
    session.log[1] = greeting
    while STATES[session.state] do
        local ready = channel.select({ inbox:case_receive(), events:case_receive() })
        if ready.channel == events then
            return session.cart:summary()
        end
        handle(session, ready.value)
    end
end

return M
