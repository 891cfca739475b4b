// The one script that limits run in Redis: it decides by the server's clock, for all gateways alike, and gives out as many
// of the wanted events as there is room for. Times are ms.
//
//   KEYS[1]  state of the key
//   ARGV     algorithm, amount, window, burst, maxWait, wanted
//   returns  { granted, remaining, resetAfter, retryAfter, delay }   all but the first two as text with a fraction;
//            retryAfter is 0 when all that was wanted is granted
//
// The arithmetic is that of algorithms.ts, for `wanted` events in one step.

export const SCRIPT = `
local algorithm, amount, window = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local burst, maxWait, wanted = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
local function answer(granted, remaining, reset, retry, delay)
  return { granted, remaining, tostring(reset), tostring(retry), tostring(delay) }
end

if algorithm == 'token-bucket' or algorithm == 'leaky-bucket' then
  local interval = window / amount
  local tolerance = interval * burst
  local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
  local room = math.floor((tolerance + maxWait - (arrival - now) + 0.000001) / interval)
  local granted = math.max(0, math.min(wanted, room))
  local nextArrival = arrival + granted * interval
  if granted > 0 then
    redis.call('SET', KEYS[1], string.format('%.6f', nextArrival), 'PX', math.ceil(nextArrival - now) + 1)
  end
  local retry = 0
  if granted < wanted then retry = nextArrival + interval - now - tolerance - maxWait end
  local early = arrival + interval - now - tolerance
  local delay = (granted > 0 and early > 0) and early or 0
  return answer(granted, math.max(0, room - granted), nextArrival - now, retry, delay)
end

local number = math.floor(now / window)
local left = (number + 1) * window - now
local state = redis.call('HMGET', KEYS[1], 'n', 'c', 'b')
local seen, current, before = tonumber(state[1] or '-1'), tonumber(state[2] or '0'), tonumber(state[3] or '0')
if seen ~= number then
  before = (seen == number - 1) and current or 0
  current = 0
end
local weighted = 0
if algorithm == 'sliding-window' then weighted = before * (left / window) end
local room = math.floor(amount - weighted - current + 0.000001)
local granted = math.max(0, math.min(wanted, room))
if granted > 0 then
  current = current + granted
  redis.call('HSET', KEYS[1], 'n', number, 'c', current, 'b', before)
  redis.call('PEXPIRE', KEYS[1], math.ceil(left + window) + 1)
end
local retry = 0
if granted < wanted then
  if algorithm == 'fixed-window' then
    retry = left
  elseif current + 1 <= amount then
    retry = left - ((amount - 1 - current) / before) * window
  else
    retry = left + window - ((amount - 1) / current) * window
  end
end
return answer(granted, math.max(0, room - granted), current == 0 and 0 or left, retry, 0)
`
