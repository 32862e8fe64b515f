-- `wrk -s requests.lua <url> -- <get | post>`: the requests of requests.ts. Says `{units, failed, p50Ms, p99Ms, seconds}` as JSON.

function init(args)
  wrk.headers["Host"] = "bench.example"
  if args[1] == "get" then
    wrk.path = "/v1/models"
    wrk.headers["user-agent"] = "bench"
    wrk.headers["accept"] = "*/*"
    return
  end
  -- What a client's library sends to a language model: 2 KB and twelve header fields.
  wrk.method = "POST"
  wrk.path = "/v1/chat/completions"
  wrk.body = '{"model":"bench","messages":[{"role":"user","content":"' .. string.rep("x", 1980) .. '"}]}'
  local fields = {
    ["accept"] = "application/json",
    ["accept-encoding"] = "gzip, deflate",
    ["authorization"] = "Bearer bench",
    ["content-type"] = "application/json",
    ["user-agent"] = "OpenAI/Python 1.99.9",
    ["x-stainless-lang"] = "python",
    ["x-stainless-os"] = "Linux",
    ["x-stainless-runtime"] = "CPython",
    ["x-stainless-retry-count"] = "0",
    ["x-request-id"] = "7b0f1e0e-6d5a-4a55-9d6f-2f1f3f0b7c11",
  }
  for name, value in pairs(fields) do
    wrk.headers[name] = value
  end
end

-- Made once: all are alike.
local made = nil
function request()
  made = made or wrk.format()
  return made
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '{"units":%d,"failed":%d,"p50Ms":%.4f,"p99Ms":%.4f,"seconds":%.6f}\n',
    summary.requests - errors.status,
    failed,
    latency:percentile(50) / 1000,
    latency:percentile(99) / 1000,
    summary.duration / 1000000
  ))
end
